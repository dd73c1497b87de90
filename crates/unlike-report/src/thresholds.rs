//! What other thresholds would have come to on the same test set.

use serde::{Deserialize, Serialize};
use unlike_core::Label;

/// Thresholds in a report, at most.
const MOST: usize = 256;

/// Thresholds that a reader can move between, with what each comes to on the test set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// By rising threshold, so with ever fewer flags; [`Thresholds::new`] makes 256 at most.
    pub steps: Vec<Step>,
    /// Which step is the decision in use.
    pub in_use: usize,
}

/// What a threshold comes to. Counts are of the whole test set, and exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// The raw score from which on samples are flagged, finite; `None` where nothing is flagged.
    pub threshold: Option<f64>,
    /// The share of normals that score at least as high, by the calibration.
    pub p_value: Option<f64>,
    /// Anomalies that are flagged.
    pub found: u64,
    /// Normal samples that are flagged.
    pub false_alarms: u64,
}

impl Thresholds {
    /// All thresholds that flag different samples, and the one in use (`None`: it flags nothing).
    /// Of more than 256, those evenly spaced in the ranking of normals, where false alarms change,
    /// and in that of anomalies, where findings do.
    ///
    /// # Panics
    /// If there is not one label per score.
    pub fn new(
        scores: &[f64],
        labels: &[Label],
        in_use: Option<f64>,
        p_value: impl Fn(f64) -> f64,
    ) -> Self {
        assert_eq!(scores.len(), labels.len(), "a label for each score");
        let in_use = in_use.filter(|threshold| threshold.is_finite());
        let of = |wanted: Label| -> Vec<f64> {
            let labelled = scores.iter().zip(labels);
            let mut scores: Vec<f64> = labelled
                .filter(|(_, label)| **label == wanted)
                .map(|(&score, _)| score)
                .collect();
            scores.sort_unstable_by(f64::total_cmp);
            scores
        };
        let (normal, anomalous) = (of(Label::Normal), of(Label::Anomalous));
        let flagged = |sorted: &[f64], threshold: f64| {
            (sorted.len() - sorted.partition_point(|&score| score < threshold)) as u64
        };
        let step = |threshold: f64| Step {
            threshold: Some(threshold),
            p_value: Some(p_value(threshold)),
            found: flagged(&anomalous, threshold),
            false_alarms: flagged(&normal, threshold),
        };
        let used = in_use.map(step).unwrap_or_default();
        let counts = |step: &Step| (step.found, step.false_alarms);
        // Below the threshold in use there may be a score that nothing lies between: it flags the same.
        let others = chosen(&normal, &anomalous).into_iter().map(step);
        let mut steps: Vec<Step> = others
            .filter(|step| counts(step) != counts(&used))
            .collect();
        let place = steps.partition_point(|step| {
            step.found >= used.found && step.false_alarms >= used.false_alarms
        });
        steps.insert(place, used);
        Self {
            steps,
            in_use: place,
        }
    }
}

/// Different scores, ascending, at most [`MOST`] − 1 of them.
fn chosen(normal: &[f64], anomalous: &[f64]) -> Vec<f64> {
    let distinct = |mut scores: Vec<f64>| {
        scores.sort_unstable_by(f64::total_cmp);
        scores.dedup();
        scores
    };
    let all = distinct([normal, anomalous].concat());
    if all.len() < MOST {
        return all;
    }
    let half = MOST / 2 - 1;
    let some = |sorted: &[f64]| -> Vec<f64> {
        let scores = distinct(sorted.to_vec());
        match scores.len() <= half {
            true => scores,
            false => {
                let last = scores.len() - 1;
                (0..half).map(|i| scores[i * last / (half - 1)]).collect()
            }
        }
    };
    distinct([some(normal), some(anomalous)].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(normal: &[f64], anomalous: &[f64]) -> (Vec<f64>, Vec<Label>) {
        let labels = [
            vec![Label::Normal; normal.len()],
            vec![Label::Anomalous; anomalous.len()],
        ];
        ([normal, anomalous].concat(), labels.concat())
    }

    /// `(found, false alarms)` by counting.
    fn counted(scores: &[f64], labels: &[Label], threshold: Option<f64>) -> (u64, u64) {
        let flagged = |label| {
            let samples = scores.iter().zip(labels);
            let is = |(&s, &l): (&f64, &Label)| l == label && threshold.is_some_and(|t| s >= t);
            samples.filter(|&sample| is(sample)).count() as u64
        };
        (flagged(Label::Anomalous), flagged(Label::Normal))
    }

    #[test]
    fn every_threshold_that_changes_anything_is_a_step_and_the_one_in_use_stands_among_them() {
        let (scores, labels) = labelled(&[1.0, 2.0, 3.0, 3.0], &[2.0, 3.5, 9.0]);
        let made = Thresholds::new(&scores, &labels, Some(2.5), |t| 1.0 / t);
        let thresholds: Vec<_> = made.steps.iter().map(|s| s.threshold.unwrap()).collect();
        // 2.5 flags what 3 does, and takes its place.
        assert_eq!(thresholds, [1.0, 2.0, 2.5, 3.5, 9.0]);
        assert_eq!(made.in_use, 2);
        assert_eq!(made.steps[2].p_value, Some(0.4));
        for step in &made.steps {
            let counts = counted(&scores, &labels, step.threshold);
            assert_eq!((step.found, step.false_alarms), counts, "{step:?}");
        }
        for nothing in [None, Some(f64::INFINITY), Some(100.0)] {
            let made = Thresholds::new(&scores, &labels, nothing, |_| 0.5);
            let used = made.steps[made.in_use];
            assert_eq!(made.in_use + 1, made.steps.len());
            assert_eq!((used.found, used.false_alarms), (0, 0));
            assert_eq!(used.threshold, nothing.filter(|t| t.is_finite()));
        }
    }

    #[test]
    fn many_scores_give_few_steps_with_exact_counts() {
        let noise = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 8) / 1e6;
        let normal: Vec<f64> = (0..30_000).map(noise).collect();
        let anomalous: Vec<f64> = (0..5_000).map(|i| noise(i) + 5.0).collect();
        let (scores, labels) = labelled(&normal, &anomalous);
        let made = Thresholds::new(&scores, &labels, Some(12.34), |_| 0.5);
        assert!(
            (200..=MOST).contains(&made.steps.len()),
            "{}",
            made.steps.len()
        );
        assert_eq!(made.steps[made.in_use].threshold, Some(12.34));
        let rising = |pair: &[Step]| {
            pair[0].threshold < pair[1].threshold
                && (pair[0].found, pair[0].false_alarms) != (pair[1].found, pair[1].false_alarms)
        };
        assert!(made.steps.windows(2).all(rising));
        for step in made.steps.iter().step_by(17) {
            let counts = counted(&scores, &labels, step.threshold);
            assert_eq!((step.found, step.false_alarms), counts);
        }
        let first = made.steps[0];
        assert_eq!((first.found, first.false_alarms), (5_000, 30_000));
    }
}
