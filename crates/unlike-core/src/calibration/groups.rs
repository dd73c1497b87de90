//! A calibration for each group of samples: by camera, machine or customer.
//!
//! Rates that hold over all samples can be broken in a group: one whose normals score high has most of
//! the false alarms. Compared with held-out normals of its own group alone, a new normal of any group
//! has P(p ≤ a) ≤ a (Mondrian conformal prediction: Vovk, Gammerman and Shafer, *Algorithmic Learning in
//! a Random World*, 2005, section 4.5). The price is size: each group needs normals of its own.

use std::collections::BTreeMap;

use super::Calibration;
use crate::error::{Error, Result};

/// The held-out normals' scores by group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupCalibrations {
    groups: BTreeMap<String, Calibration>,
    pooled: Calibration,
}

impl GroupCalibrations {
    /// Sorts the raw scores of held-out normals by the groups of these.
    ///
    /// # Errors
    /// If there is no score, one is not finite, or there is not one group for each.
    pub fn fit(scores: &[f64], groups: &[&str]) -> Result<Self> {
        if scores.len() != groups.len() {
            return Err(Error::Mismatch {
                origin: None,
                found: format!("{} groups for {} scores", groups.len(), scores.len()),
                expected: "one per score".into(),
                hint: None,
            });
        }
        let pooled = Calibration::fit(scores)?;
        let mut by_group: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (&score, &group) in scores.iter().zip(groups) {
            by_group.entry(group.to_owned()).or_default().push(score);
        }
        let fitted = by_group
            .into_iter()
            .map(|(group, scores)| Ok((group, Calibration::fit(&scores)?)));
        Ok(Self {
            groups: fitted.collect::<Result<_>>()?,
            pooled,
        })
    }

    /// The groups, by name, each with its own held-out normals.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &Calibration)> {
        self.groups.iter().map(|(name, of)| (name.as_str(), of))
    }

    /// The calibration of a group; `None` if no held-out normal belongs to it.
    pub fn of(&self, group: &str) -> Option<&Calibration> {
        self.groups.get(group)
    }

    /// The calibration of all held-out normals, for samples of unknown groups.
    pub fn pooled(&self) -> &Calibration {
        &self.pooled
    }
}
