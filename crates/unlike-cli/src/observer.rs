//! What the user sees of a training: a bar on a terminal, plain lines in a log, one row per epoch.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use unlike::train::{EpochReport, Observer, Plan, Snapshot, StepReport};
use unlike_core::{Error, Result};

use crate::{
    interrupt::Listener,
    run_folder::MetricsFile,
    run_report::warning_kind,
    terminal::{self, count, duration, say},
};

/// How often a log without a bar gets a line within an epoch.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How often the bar's text changes.
const TEXT_EVERY: Duration = Duration::from_millis(150);
/// Lines are at most this wide.
const WIDTH: usize = 80;

/// Looks at the model of every epoch; for display only.
pub(crate) type EpochHook<'a> =
    Box<dyn FnMut(&EpochReport, &Snapshot<'_>) -> Result<()> + Send + 'a>;

/// Shows a training on stderr, writes its metrics, and passes Ctrl-C on.
pub(crate) struct Progress<'a> {
    listener: Listener,
    metrics: Option<MetricsFile>,
    hook: Option<EpochHook<'a>>,
    bar: ProgressBar,
    plan: Option<Plan>,
    rows: Option<Rows>,
    told: Instant,
    /// Kinds of warnings that the user has read.
    warned: Vec<String>,
    failure: Option<Error>,
}

impl<'a> Progress<'a> {
    /// Shows nothing but what training tells.
    pub(crate) fn new() -> Self {
        Self {
            listener: Listener::new(),
            metrics: None,
            hook: None,
            bar: ProgressBar::hidden(),
            plan: None,
            rows: None,
            told: Instant::now(),
            warned: Vec::new(),
            failure: None,
        }
    }

    /// Also writes one line per epoch to this file.
    pub(crate) fn with_metrics(mut self, file: MetricsFile) -> Self {
        self.metrics = Some(file);
        self
    }

    /// Also shows every epoch's model to `hook`.
    pub(crate) fn with_hook(mut self, hook: EpochHook<'a>) -> Self {
        self.hook = Some(hook);
        self
    }

    /// The error of a file or hook, if that is what stopped training.
    pub(crate) fn finish(self) -> Option<Error> {
        self.bar.finish_and_clear();
        self.failure
    }

    fn remaining(&self, epoch: usize, step: usize, samples_per_second: f64) -> Option<f64> {
        let plan = self.plan.as_ref()?;
        let done = (epoch - 1) * plan.steps_per_epoch + step;
        let left = (plan.epochs * plan.steps_per_epoch).saturating_sub(done) * plan.batch_size;
        (samples_per_second > 0.0).then(|| left as f64 / samples_per_second)
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            terminal::error_line(text);
        } else {
            self.bar.println(text);
        }
    }

    fn flow(&mut self, result: Result<()>) -> ControlFlow<()> {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
        if self.failure.is_some() || self.listener.asked() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Observer for Progress<'_> {
    fn started(&mut self, plan: &Plan, history: &[EpochReport]) {
        say(
            "training",
            &format!(
                "{} on {} of {} each; {} more choose the epoch, {} calibrate",
                plan.model,
                terminal::counted(plan.n_train, "row"),
                terminal::counted(plan.features, "feature"),
                count(plan.n_validation),
                count(plan.n_calibration)
            ),
        );
        if plan.n_train < 2 * plan.batch_size && plan.steps_per_epoch == 1 {
            say(
                "note",
                "the training rows make a single batch, so an epoch is one update",
            );
        }
        if let Some(last) = history.last() {
            say(
                "resumed",
                &format!("after epoch {} of {}", last.epoch, plan.epochs),
            );
        }
        self.bar = ProgressBar::new((plan.epochs * plan.steps_per_epoch) as u64);
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %  {msg}");
        if let Ok(style) = style {
            self.bar.set_style(style.progress_chars("━╸ "));
        }
        self.plan = Some(plan.clone());
        let written = self
            .metrics
            .as_mut()
            .map_or(Ok(()), |file| file.start(history));
        _ = self.flow(written);
    }

    fn step(&mut self, report: &StepReport<'_>) -> ControlFlow<()> {
        let every = if self.bar.is_hidden() {
            LINE_EVERY
        } else {
            TEXT_EVERY
        };
        if let Some(plan) = &self.plan
            && self.told.elapsed() >= every
        {
            let StepReport {
                epoch,
                step,
                losses,
                samples_per_second,
            } = *report;
            self.told = Instant::now();
            let left = self
                .remaining(epoch, step, samples_per_second)
                .map_or_else(String::new, |s| format!("  {} left", duration(s)));
            let speed = format!("{} samples/s{left}", count(samples_per_second as usize));
            if self.bar.is_hidden() {
                let share = 100 * step / plan.steps_per_epoch;
                let losses: Vec<String> = losses
                    .iter()
                    .map(|(name, v)| format!("{} {}", short_name(name), digits(*v)))
                    .collect();
                self.line(&format!(
                    "epoch {epoch}/{} {share} %  {}  {speed}",
                    plan.epochs,
                    losses.join("  ")
                ));
            } else {
                self.bar
                    .set_position(((epoch - 1) * plan.steps_per_epoch + step) as u64);
                self.bar
                    .set_prefix(format!("epoch {epoch}/{}", plan.epochs));
                self.bar.set_message(speed);
            }
        }
        self.flow(Ok(()))
    }

    fn epoch(&mut self, report: &EpochReport, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        let epochs = self.plan.as_ref().map_or(report.epoch, |plan| plan.epochs);
        let steps = self.plan.as_ref().map_or(0, |plan| plan.steps_per_epoch);
        let left = self.remaining(report.epoch, steps, report.samples_per_second);
        let first = self.rows.is_none();
        let rows = self.rows.get_or_insert_with(|| Rows::new(report, epochs));
        let (header, row) = (rows.header(), rows.row(report, epochs, left));
        if first {
            self.line(&header);
        }
        self.line(&row);
        self.told = Instant::now();
        let mut result = self
            .metrics
            .as_mut()
            .map_or(Ok(()), |file| file.append(report));
        if let (Ok(()), Some(hook)) = (&result, &mut self.hook) {
            result = hook(report, snapshot);
        }
        self.flow(result)
    }

    /// Only the first of each kind: what one epoch warns of, the next one often does too.
    fn warning(&mut self, text: &str) {
        let kind = warning_kind(text);
        if !self.warned.iter().any(|w| w == kind) {
            self.warned.push(kind.to_owned());
            self.bar.suspend(|| say("warning", text));
        }
    }
}

/// The table of epochs: one column per loss, the held-out part, speed and remaining time.
struct Rows {
    losses: Vec<(String, String, usize)>,
    held_out: Option<(String, usize)>,
    epoch: usize,
}

/// Widths of the last two columns, the gap before them included.
const SPEED: usize = 11;
const LEFT: usize = 12;

impl Rows {
    fn new(report: &EpochReport, epochs: usize) -> Self {
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
            let title = short_name(name).to_owned();
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

    fn header(&self) -> String {
        let mut text = format!("{:<1$}", "epoch", self.epoch);
        for (_, title, width) in &self.losses {
            text.push_str(&format!("{title:>width$}"));
        }
        if let Some((title, width)) = &self.held_out {
            text.push_str(&format!("{title:>width$}"));
        }
        text + &format!("{:>SPEED$}{:>LEFT$}", "samples/s", "left")
    }

    fn row(&self, report: &EpochReport, epochs: usize, left: Option<f64>) -> String {
        let mut text = format!("{:<1$}", format!("{}/{epochs}", report.epoch), self.epoch);
        for (name, _, width) in &self.losses {
            let value = report
                .losses
                .iter()
                .find(|l| l.0 == *name)
                .map_or(f64::NAN, |l| l.1);
            text.push_str(&format!("{:>width$}", digits(value)));
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

/// The letters that papers use for the losses and monitors that every adversarial model has.
pub(crate) fn short_name(name: &str) -> &str {
    match name {
        "discriminator" => "D",
        "generator" => "G",
        "encoder" => "E",
        "d_real" => "D(x)",
        "d_fake" => "D(G(z))",
        other => other,
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
fn digits(value: f64) -> String {
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
