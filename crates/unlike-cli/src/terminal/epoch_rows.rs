//! The epochs of a training as rows of text, within 80 columns.

use unlike::train::EpochReport;
use unlike_core::words::{count, duration};
use unlike_results::{images::stride, short_loss_name};

/// Lines are at most this wide.
const WIDTH: usize = 80;

/// Lines in the table of a long training, about.
const LINES: usize = 23;
/// Trainings of up to so many epochs get a line for each.
const SHORT: usize = 40;

/// How many epochs each line of the table stands for.
pub(crate) fn line_every(epochs: usize) -> usize {
    match epochs {
        ..=SHORT => 1,
        _ => stride(epochs, LINES),
    }
}

/// A column per loss that fits, the held-out part, speed and remaining time.
pub(crate) struct Rows {
    /// Name, title and width.
    losses: Vec<(String, String, usize)>,
    /// Title and width.
    held_out: Option<(String, usize)>,
    /// Width of the first column.
    epoch: usize,
}

/// Widths of the last two columns, the gap before them included.
const SPEED: usize = 11;
const LEFT: usize = 12;

impl Rows {
    /// Chooses columns by what an epoch reports.
    pub(crate) fn new(report: &EpochReport, epochs: usize) -> Self {
        let held_out = report.held_out.first().map(|part| {
            let title = format!("held-out {}", part.part);
            let width = title.len().max(15) + 2;
            (title, width)
        });
        let epoch = format!("{epochs}/{epochs}").len().max(5);
        let mut room =
            WIDTH.saturating_sub(epoch + SPEED + LEFT + held_out.as_ref().map_or(0, |h| h.1));
        // Losses that do not fit are in metrics.jsonl.
        let column = |(name, _): &(String, f64)| {
            let title = short_loss_name(name).to_owned();
            let width = title.chars().count().max(5) + 2;
            room = room.checked_sub(width)?;
            Some((name.clone(), title, width))
        };
        Self {
            losses: report.losses.iter().filter_map(column).collect(),
            held_out,
            epoch,
        }
    }

    /// Whether an epoch reports what the columns show.
    pub(crate) fn fit(&self, report: &EpochReport) -> bool {
        let reported = |name: &String| report.losses.iter().any(|loss| loss.0 == *name);
        self.losses.iter().any(|(name, ..)| reported(name)) || report.losses.is_empty()
    }

    /// The line above all rows.
    pub(crate) fn header(&self) -> String {
        let mut text = format!("{:<1$}", "epoch", self.epoch);
        for (_, title, width) in &self.losses {
            text.push_str(&format!("{title:>width$}"));
        }
        if let Some((title, width)) = &self.held_out {
            text.push_str(&format!("{title:>width$}"));
        }
        text + &format!("{:>SPEED$}{:>LEFT$}", "samples/s", "left")
    }

    /// One epoch; `left` is the remaining time in seconds.
    pub(crate) fn row(&self, report: &EpochReport, epochs: usize, left: Option<f64>) -> String {
        let mut text = format!("{:<1$}", format!("{}/{epochs}", report.epoch), self.epoch);
        for (name, _, width) in &self.losses {
            let reported = report.losses.iter().find(|l| l.0 == *name);
            let value = reported.map_or_else(String::new, |l| digits(l.1));
            text.push_str(&format!("{value:>width$}"));
        }
        if let (Some((_, width)), Some(part)) = (&self.held_out, report.held_out.first()) {
            let value = mean_and_sd(part.mean, part.sd);
            text.push_str(&format!("{value:>width$}"));
        }
        let speed = count(report.samples_per_second as usize);
        let left = left
            .filter(|&seconds| seconds > 0.0)
            .map_or_else(String::new, duration);
        (text + &format!("{speed:>SPEED$}{left:>LEFT$}"))
            .trim_end()
            .to_owned()
    }
}

/// Both with the decimals that the mean needs.
fn mean_and_sd(mean: f64, sd: f64) -> String {
    let mean = digits(mean);
    match mean.split_once('.') {
        Some((_, decimals)) if !mean.contains('e') => format!("{mean} ± {sd:.*}", decimals.len()),
        _ => format!("{mean} ± {}", digits(sd)),
    }
}

/// About three significant digits in at most six characters.
pub(crate) fn digits(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        _ if !value.is_finite() => value.to_string(),
        0.0..0.000_5 if magnitude > 0.0 => format!("{value:.0e}"),
        0.0..0.1 => format!("{value:.4}"),
        0.1..10.0 => format!("{value:.3}"),
        10.0..1000.0 => format!("{value:.1}"),
        1000.0..100_000.0 => format!("{value:.0}"),
        _ => format!("{value:.0e}"),
    }
}

#[cfg(test)]
mod tests {
    use unlike::train::HeldOutPart;

    use super::*;

    fn report() -> EpochReport {
        let losses = [
            "discriminator",
            "generator",
            "encoder",
            "residual",
            "d_real",
            "d_fake",
        ];
        EpochReport {
            epoch: 3,
            losses: losses.map(|name| (name.to_owned(), 0.712_345)).to_vec(),
            held_out: vec![HeldOutPart {
                part: "residual".into(),
                mean: 0.012_34,
                sd: 0.004_56,
            }],
            best_so_far: true,
            warnings: Vec::new(),
            samples_per_second: 123_456.0,
            seconds: 1.0,
        }
    }

    #[test]
    fn long_trainings_get_a_line_every_few_epochs() {
        let every = [1, 10, 40, 41, 100, 160, 250, 1600, 1_000_000].map(line_every);
        assert_eq!(every, [1, 1, 1, 2, 5, 10, 20, 100, 50_000]);
        for epochs in 1..3000 {
            let lines = epochs / line_every(epochs) + 2;
            assert!(lines <= 25 || line_every(epochs) == 1, "{epochs}: {lines}");
        }
    }

    #[test]
    fn header_and_rows_line_up_within_eighty_columns() {
        let rows = Rows::new(&report(), 10);
        let (header, row) = (rows.header(), rows.row(&report(), 10, Some(3599.0)));
        assert_eq!(
            header.chars().count(),
            row.chars().count(),
            "{header}\n{row}"
        );
        assert!(row.chars().count() <= WIDTH, "{row}");
        assert!(
            row.contains("0.0123 ± 0.0046") && row.contains("59 min 59 s"),
            "{row}"
        );
    }
}
