//! Promised against observed false-alarm rates, group by group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{clopper_pearson, ranking::same_length};
use crate::{
    calibration::{Calibration, GroupCalibrations, check_rate, finite},
    error::Result,
    samples::Label,
};

/// What promised false-alarm rates came to among the test normals of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupFalseAlarms {
    /// The group; none for all that have no held-out normals of their own, and are compared with those of
    /// all groups.
    pub group: Option<String>,
    /// The held-out normals that promise.
    pub n_held_out: u64,
    /// Test normals of the group, at least one.
    pub n_normal: u64,
    /// One for each rate, in the order given.
    pub rates: Vec<ObservedRate>,
}

/// What one promised rate came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedRate {
    /// The promised rate, within (0, 1).
    pub promised: f64,
    /// Scores at or above it are flagged; `None` where there are too few held-out normals to promise this
    /// rate, so that nothing is flagged.
    pub threshold: Option<f64>,
    /// The share of the test normals that are flagged.
    pub observed: f64,
    /// Clopper–Pearson interval of the observed rate, of the chance in the test set.
    pub observed_ci95: [f64; 2],
    /// How many test normals are flagged.
    pub false_alarms: u64,
}

/// One entry for each group with test normals, by name; last, all that did not calibrate.
///
/// # Errors
/// If a rate is not within (0, 1), there is not one label and one group per score, or a score is not finite.
pub fn false_alarms_by_group(
    scores: &[f64],
    labels: &[Label],
    groups: &[String],
    calibrations: &GroupCalibrations,
    rates: &[f64],
) -> Result<Vec<GroupFalseAlarms>> {
    finite(scores, "a score")?;
    same_length("labels", labels.len(), scores.len())?;
    same_length("groups", groups.len(), scores.len())?;
    for &rate in rates {
        check_rate("false-alarms", rate)?;
    }
    let mut known: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut others = Vec::new();
    for ((&score, label), group) in scores.iter().zip(labels).zip(groups) {
        if *label == Label::Normal {
            match calibrations.of(group) {
                Some(_) => known.entry(group).or_default().push(score),
                None => others.push(score),
            }
        }
    }
    let mut found = Vec::with_capacity(known.len() + 1);
    for (group, normals) in known {
        let own = calibrations.of(group).unwrap_or(calibrations.pooled());
        found.push(of_group(Some(group.to_owned()), &normals, own, rates));
    }
    if !others.is_empty() {
        found.push(of_group(None, &others, calibrations.pooled(), rates));
    }
    Ok(found)
}

fn of_group(
    group: Option<String>,
    normals: &[f64],
    calibration: &Calibration,
    rates: &[f64],
) -> GroupFalseAlarms {
    let n_normal = normals.len() as u64;
    let observed = |&promised: &f64| {
        let threshold = calibration.threshold(promised).ok();
        let is_flagged = |score: &&f64| threshold.is_some_and(|threshold| **score >= threshold);
        let false_alarms = normals.iter().filter(is_flagged).count() as u64;
        ObservedRate {
            promised,
            threshold,
            observed: false_alarms as f64 / n_normal as f64,
            observed_ci95: clopper_pearson(false_alarms, n_normal),
            false_alarms,
        }
    };
    GroupFalseAlarms {
        group,
        n_held_out: calibration.len() as u64,
        n_normal,
        rates: rates.iter().map(observed).collect(),
    }
}
