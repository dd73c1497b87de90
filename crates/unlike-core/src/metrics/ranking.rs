//! A test set in descending order of score, and the point estimates that follow from it.

use crate::{
    calibration::finite,
    error::{Error, Result},
    samples::Label,
};

/// Scores and labels in descending order, tied scores in one group.
pub(crate) struct Ranking {
    pub(crate) groups: Vec<Group>,
    /// Positions of the anomalous samples, by descending score.
    pub(crate) anomalous: Vec<u32>,
    /// Positions of the normal samples, by descending score.
    pub(crate) normal: Vec<u32>,
}

/// The samples of one score.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) score: f64,
    pub(crate) anomalous: u32,
    pub(crate) normal: u32,
}

/// Distinct scores from the highest down, each with how many samples of either label have it:
/// (score, anomalous, normal).
pub(crate) fn labelled(scores: &[f64], labels: &[Label]) -> Result<Vec<(f64, u32, u32)>> {
    let groups = Ranking::new(scores, labels)?.groups;
    Ok(groups
        .iter()
        .map(|g| (g.score, g.anomalous, g.normal))
        .collect())
}

/// What one walk down a ranking yields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) average_precision: f64,
    pub(crate) auprc_trapezoid: f64,
    pub(crate) f1_max: f64,
    /// The group down to which samples are flagged for `f1_max`.
    pub(crate) best_group: usize,
}

impl Ranking {
    pub(crate) fn new(scores: &[f64], labels: &[Label]) -> Result<Self> {
        same_length("labels", labels.len(), scores.len())?;
        finite(scores, "a score")?;
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        order.sort_unstable_by(|&i, &j| scores[j as usize].total_cmp(&scores[i as usize]));
        let mut ranking = Self {
            groups: Vec::new(),
            anomalous: Vec::new(),
            normal: Vec::new(),
        };
        for position in order {
            let score = scores[position as usize];
            if ranking
                .groups
                .last()
                .is_none_or(|g: &Group| g.score != score)
            {
                ranking.groups.push(Group {
                    score,
                    anomalous: 0,
                    normal: 0,
                });
            }
            let Some(group) = ranking.groups.last_mut() else {
                continue;
            };
            match labels[position as usize] {
                Label::Anomalous => {
                    group.anomalous += 1;
                    ranking.anomalous.push(position);
                }
                Label::Normal => {
                    group.normal += 1;
                    ranking.normal.push(position);
                }
            }
        }
        both_classes(ranking.normal.len(), ranking.anomalous.len())?;
        Ok(ranking)
    }

    /// How many samples of each group there are: (anomalous, normal), from the highest score down.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.groups
            .iter()
            .map(|g| (g.anomalous.into(), g.normal.into()))
    }

    pub(crate) fn summary(&self) -> Summary {
        summarise(self.counts(), self.anomalous.len() as u64)
    }
}

/// Walks down groups of `(anomalous, normal)` counts; `anomalous` is their total.
///
/// Precision and F1 can rise only where a group holds an anomalous sample, so that the divisions
/// are skipped elsewhere.
pub(crate) fn summarise(groups: impl Iterator<Item = (u64, u64)>, anomalous: u64) -> Summary {
    let (mut hits, mut flagged) = (0u64, 0u64);
    let mut summary = Summary {
        average_precision: 0.0,
        auprc_trapezoid: 0.0,
        f1_max: 0.0,
        best_group: 0,
    };
    for (at, (a, b)) in groups.enumerate() {
        if a > 0 {
            let before = if flagged == 0 {
                1.0
            } else {
                hits as f64 / flagged as f64
            };
            let precision = (hits + a) as f64 / (flagged + a + b) as f64;
            let weight = a as f64;
            summary.average_precision += weight * precision;
            summary.auprc_trapezoid += weight * (precision + before) / 2.0;
            let f1 = 2.0 * (hits + a) as f64 / (flagged + a + b + anomalous) as f64;
            if f1 > summary.f1_max {
                summary.f1_max = f1;
                summary.best_group = at;
            }
        }
        hits += a;
        flagged += a + b;
    }
    summary.average_precision /= anomalous as f64;
    summary.auprc_trapezoid /= anomalous as f64;
    summary
}

/// Refuses slices that do not pair up with the scores, and more samples than a rank can count.
pub(crate) fn same_length(what: &str, found: usize, expected: usize) -> Result<()> {
    let most = u32::MAX as usize;
    let (found, expected) = match found == expected {
        true if found <= most => return Ok(()),
        true => (format!("{found} scores"), format!("at most {most}")),
        false => (
            format!("{found} {what} for {expected} scores"),
            "one per score".to_owned(),
        ),
    };
    Err(Error::Mismatch {
        origin: None,
        found,
        expected,
        hint: None,
    })
}

/// Refuses a test set that nothing can be measured on.
pub(crate) fn both_classes(normal: usize, anomalous: usize) -> Result<()> {
    let missing = match (normal, anomalous) {
        (0, _) => "normal",
        (_, 0) => "anomalous",
        _ => return Ok(()),
    };
    Err(Error::NotEnough {
        what: format!("{missing} samples to measure on"),
        found: format!("none among {}", normal + anomalous),
        expected: "at least 1 normal and 1 anomalous sample".into(),
        hint: Some("check which label value stands for normal".into()),
    })
}

/// The share of pairs of a normal and an anomalous sample in which the anomalous one scores higher,
/// a tie counting half (Mann–Whitney U / (n₀ n₁)), in [0, 1]. O(n log n).
///
/// # Errors
/// If there is not one label per score, a score is not finite, or a class is missing.
pub fn auroc(scores: &[f64], labels: &[Label]) -> Result<f64> {
    Ok(super::intervals::auroc_of(&Ranking::new(scores, labels)?))
}

/// Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct scores from the highest down: the step-wise area under the
/// precision–recall curve, in (0, 1].
///
/// This is what scikit-learn's `average_precision_score` computes. A random ranking has the
/// prevalence as its expectation.
///
/// # Errors
/// As [`auroc`].
pub fn average_precision(scores: &[f64], labels: &[Label]) -> Result<f64> {
    Ok(Ranking::new(scores, labels)?.summary().average_precision)
}

/// Σ (Rₖ − Rₖ₋₁) (Pₖ + Pₖ₋₁) / 2 over the distinct scores from the highest down, with P₀ = 1: the
/// trapezoidal area under the precision–recall curve, in (0, 1].
///
/// Papers print it as "AUPRC" as often as [`average_precision`]. Between two points precision is not
/// linear in recall, so that this area is too optimistic, the more so the more scores tie (Davis and
/// Goadrich 2006).
///
/// # Errors
/// As [`auroc`].
pub fn auprc_trapezoid(scores: &[f64], labels: &[Label]) -> Result<f64> {
    Ok(Ranking::new(scores, labels)?.summary().auprc_trapezoid)
}

/// The best F1 that any threshold reaches on these labels.
///
/// The threshold is chosen with the test labels, so this is an upper bound on what a user gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestF1 {
    /// In (0, 1].
    pub f1: f64,
    /// Flagging every score of at least this reaches it; the highest one if several do.
    pub threshold: f64,
}

/// The largest F1 over all thresholds.
///
/// # Errors
/// As [`auroc`].
pub fn f1_max(scores: &[f64], labels: &[Label]) -> Result<BestF1> {
    let ranking = Ranking::new(scores, labels)?;
    let summary = ranking.summary();
    Ok(BestF1 {
        f1: summary.f1_max,
        threshold: ranking.groups[summary.best_group].score,
    })
}
