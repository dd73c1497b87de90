//! Thresholds that labels choose: by F1, recall, precision or cost.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    flags::Confusion,
    intervals::{bootstrap, percentile_ci95},
    ranking::Ranking,
};
use crate::{
    error::{Error, Result},
    samples::Label,
    words,
};

/// What a threshold is chosen for. As a text: `f1`, `recall=0.9`, `precision=0.5`, or `cost=20:1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// The largest F1.
    F1,
    /// The fewest flags among those with at least this recall, within (0, 1].
    Recall(f64),
    /// The most flags among those with at least this precision, within (0, 1].
    Precision(f64),
    /// The smallest sum of costs; both above 0, in any unit.
    Cost {
        /// Of an anomaly that is not flagged.
        missed: f64,
        /// Of a normal that is.
        false_alarm: f64,
    },
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F1 => f.write_str("f1"),
            Self::Recall(at_least) => write!(f, "recall={at_least}"),
            Self::Precision(at_least) => write!(f, "precision={at_least}"),
            Self::Cost {
                missed,
                false_alarm,
            } => write!(f, "cost={missed}:{false_alarm}"),
        }
    }
}

impl FromStr for Aim {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::Setting {
            name: "choose-threshold".into(),
            found: format!("`{text}`"),
            expected: "f1, recall=R or precision=P with R and P above 0 and at most 1, or \
                       cost=M:A with what a missed anomaly and a false alarm cost, both above 0"
                .into(),
            hint: None,
        };
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let share = || number(value).filter(|&v| v > 0.0 && v <= 1.0);
        match name.trim() {
            "f1" if value.is_empty() => Some(Self::F1),
            "recall" => share().map(Self::Recall),
            "precision" => share().map(Self::Precision),
            "cost" => value.split_once(':').and_then(|(missed, false_alarm)| {
                let positive = |text| number(text).filter(|&v| v > 0.0);
                Some(Self::Cost {
                    missed: positive(missed)?,
                    false_alarm: positive(false_alarm)?,
                })
            }),
            _ => None,
        }
        .ok_or_else(unknown)
    }
}

/// A threshold that labels chose, and what it came to on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenThreshold {
    /// What it was chosen for.
    pub aim: Aim,
    /// Samples that score at least this are flagged; a sample's own score, or where flagging none is
    /// best, the next number above all scores.
    pub threshold: f64,
    /// The 2.5 and 97.5 percentiles of the thresholds that other draws of the same samples, normals and
    /// anomalies each by themselves, would have chosen.
    pub threshold_ci95: [f64; 2],
    /// Flagged samples.
    pub flagged: u64,
    /// On the samples that chose the threshold: of new ones, less.
    pub precision: f64,
    /// Exact (Clopper–Pearson).
    pub precision_ci95: [f64; 2],
    /// On the samples that chose the threshold.
    pub recall: f64,
    /// Exact (Clopper–Pearson).
    pub recall_ci95: [f64; 2],
    /// On the samples that chose the threshold.
    pub f1: f64,
    /// Of the normals, flagged ones.
    pub false_alarm_rate: f64,
}

/// The threshold that serves an aim best on labelled samples. Of several that serve it equally, the
/// highest: fewest flags. The seed drives the bootstrap alone.
///
/// # Errors
/// If there is not one label per score, a score is not finite, a class is missing, or no threshold
/// reaches the precision.
pub fn choose_threshold(
    scores: &[f64],
    labels: &[Label],
    aim: Aim,
    seed: u64,
) -> Result<ChosenThreshold> {
    let ranking = Ranking::new(scores, labels)?;
    let totals = (ranking.anomalous.len() as u64, ranking.normal.len() as u64);
    let Some(flagged_groups) = best(aim, ranking.counts(), totals) else {
        let most = highest_precision(&ranking);
        return Err(Error::NotEnough {
            what: "precision of any threshold".into(),
            found: format!("at most {}", words::rate(most)),
            expected: format!("at least {aim}"),
            hint: Some("ask for less, or choose by f1, recall or cost".into()),
        });
    };
    let threshold = threshold_of(&ranking, flagged_groups);
    let draws = bootstrap(&ranking, seed, |draw| {
        best(aim, draw.counts(&ranking), totals).map(|groups| threshold_of(&ranking, groups))
    });
    let low_high = percentile_ci95(draws.into_iter().flatten().collect());
    let flags: Vec<bool> = scores.iter().map(|&s| s >= threshold).collect();
    let found = Confusion::new(&flags, labels)?;
    Ok(ChosenThreshold {
        aim,
        threshold,
        threshold_ci95: [low_high[0].min(threshold), low_high[1].max(threshold)],
        flagged: found.true_positives + found.false_positives,
        precision: found.precision(),
        precision_ci95: found.precision_ci95(),
        recall: found.recall(),
        recall_ci95: found.recall_ci95(),
        f1: found.f1(),
        false_alarm_rate: found.false_alarm_rate(),
    })
}

/// How many groups, from the highest score down, are flagged at best; `None` if no number will do.
fn best(
    aim: Aim,
    groups: impl Iterator<Item = (u64, u64)>,
    (anomalous, normal): (u64, u64),
) -> Option<usize> {
    let (mut hits, mut alarms) = (0u64, 0u64);
    // The worth of flagging none, which no recall or precision allows.
    let mut best = match aim {
        Aim::Cost { missed, .. } => Some((-missed * anomalous as f64, 0)),
        _ => None,
    };
    for (at, (a, b)) in groups.enumerate() {
        hits += a;
        alarms += b;
        // Draws leave groups empty.
        if a + b == 0 {
            continue;
        }
        let flagged = hits + alarms;
        let worth = match aim {
            Aim::F1 => Some(2.0 * hits as f64 / (flagged + anomalous) as f64),
            Aim::Recall(least) => (hits as f64 >= least * anomalous as f64)
                .then(|| (anomalous + normal - flagged) as f64),
            Aim::Precision(least) => {
                (hits > 0 && hits as f64 >= least * flagged as f64).then_some(flagged as f64)
            }
            Aim::Cost {
                missed,
                false_alarm,
            } => Some(-missed * (anomalous - hits) as f64 - false_alarm * alarms as f64),
        };
        if let Some(worth) = worth
            && best.is_none_or(|(most, _)| worth > most)
        {
            best = Some((worth, at + 1));
        }
    }
    best.map(|(_, groups)| groups)
}

fn threshold_of(ranking: &Ranking, flagged_groups: usize) -> f64 {
    match flagged_groups.checked_sub(1) {
        Some(last) => ranking.groups[last].score,
        None => ranking.groups[0].score.next_up(),
    }
}

fn highest_precision(ranking: &Ranking) -> f64 {
    let mut flagged = (0u64, 0u64);
    let precision = ranking.counts().map(|(a, b)| {
        flagged = (flagged.0 + a, flagged.1 + a + b);
        flagged.0 as f64 / flagged.1 as f64
    });
    precision.fold(0.0, f64::max)
}
