//! What samples are compared with beside the calibration's scores: normals of their group, the folds of
//! all normals, labelled samples.

use serde::{Deserialize, Serialize};
use unlike_core::{
    Detector, GroupCalibrations, LabelledSamples, Result, Samples, ScoreParts, Scores, VennAbers,
};

use super::{Model, calibrate};
use crate::groups::{Groups, groups_of};

/// Probabilities by a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probabilities {
    score: String,
    fitted: VennAbers,
}

impl Model {
    /// The same model, whose held-out normals belong to these groups, one name for each, in the order in
    /// which they calibrated: each sample is then compared with the normals of its own group. `by` is the
    /// column that says which group a sample belongs to, or [`FOLDER`](crate::groups::FOLDER).
    ///
    /// # Errors
    /// If there is not one group for each held-out normal.
    pub fn with_groups(mut self, by: &str, of: &[String]) -> Result<Self> {
        let groups = Groups::new(by, of);
        let calibrations = groups.calibrations(&self.held_out_scores()?)?;
        self.groups = Some((groups, calibrations));
        Ok(self)
    }

    /// As [`with_groups`](Self::with_groups) for a model that was just trained on these samples, of which
    /// some were held out.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn grouped_as_trained(self, samples: &Samples, by: &str) -> Result<Self> {
        let config = self.config();
        let split = config.hold_out.split(samples.len(), config.seed)?;
        let of = groups_of(&samples.select(&split.calibration), by)?;
        self.with_groups(by, &of)
    }

    /// The same model with p-values from the folds of its normals; see [`fit_cross`](crate::fit_cross).
    pub(crate) fn with_folds(mut self, folds: Vec<Self>) -> Result<Self> {
        let mut all = ScoreParts::default();
        for fold in &folds {
            all.extend(fold.parts.calibration.clone());
        }
        self.parts.provenance.n_calibration = all.len();
        self.parts.calibration = all;
        self.calibration = calibrate(&self.parts, self.score)?;
        self.folds = folds;
        let name = self.score_name().to_owned();
        self.with_score(&name)
    }

    /// The same model with probabilities from labelled samples, for the score in use. The samples must not
    /// have been trained on, and as many of them be anomalous as of those whose probability is asked for.
    ///
    /// # Errors
    /// If the samples do not fit the model, or one label is missing among them.
    pub fn with_probabilities(mut self, labelled: &LabelledSamples) -> Result<Self> {
        let scores = self.score(labelled.samples())?;
        self.probabilities = Some(Probabilities {
            score: self.score_name().to_owned(),
            fitted: VennAbers::fit(&scores, labelled.labels())?,
        });
        Ok(self)
    }

    /// What labelled samples said of probabilities, if they were of the score in use.
    pub fn probabilities(&self) -> Option<&VennAbers> {
        let known = self.probabilities.as_ref();
        let known = known.filter(|known| known.score == self.score_name());
        known.map(|known| &known.fitted)
    }

    /// What says which group a sample belongs to, if held-out normals are compared by group.
    pub fn grouped_by(&self) -> Option<&str> {
        self.groups.as_ref().map(|(groups, _)| groups.by.as_str())
    }

    /// Held-out normals by group, if they are compared so.
    pub fn group_calibrations(&self) -> Option<&GroupCalibrations> {
        self.groups.as_ref().map(|(_, calibrations)| calibrations)
    }

    /// How many folds give p-values; 0 where normals were held out once.
    pub fn n_folds(&self) -> usize {
        self.folds.len()
    }

    /// The models that were trained without a fold each, and calibrated on it.
    pub(crate) fn folds(&self) -> &[Self] {
        &self.folds
    }

    /// The scores of held-out normals, in the order in which they calibrated.
    pub(super) fn held_out_scores(&self) -> Result<Scores> {
        self.rule().apply(&self.parts.calibration)
    }
}
