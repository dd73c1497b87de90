//! What an interrupted training needs to go on exactly where it was.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{Arrays, Error, Note, Result};

use super::{EpochReport, Stop, StopReason, TrainConfig};
use crate::{file, method::Losses};

/// The file in which a training keeps its state between interruptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeFile(pub PathBuf);

/// How far training has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Epochs that are complete.
    pub(super) epoch: usize,
    /// Updates done in the present epoch.
    pub(super) step_in_epoch: usize,
    /// Sums of the present epoch's losses, in the order in which they first came, and how many
    /// updates had each.
    sums: Vec<(String, f64, u64)>,
    /// One report per complete epoch.
    pub(super) history: Vec<EpochReport>,
    /// What ended the training before its last epoch, if something did.
    pub(super) stopped: Option<Stop>,
    /// The networks that will become the model.
    pub(super) best: Option<Best>,
}

/// The networks that will become the model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Best {
    pub(super) epoch: usize,
    #[serde(skip)]
    pub(super) arrays: Arrays,
}

impl Progress {
    /// Ends the training, unless something else ended it already.
    pub(super) fn stop(&mut self, reason: StopReason) {
        let after_epoch = self.epoch;
        self.stopped.get_or_insert(Stop {
            after_epoch,
            reason,
        });
    }

    /// The complete epoch that reproduces held-out normals best, the first of several.
    pub(super) fn best_epoch(&self) -> Option<usize> {
        let best = self
            .measured()
            .min_by(|a, b| a.criterion().total_cmp(&b.criterion()));
        best.map(|report| report.epoch)
    }

    /// The complete epochs whose networks could score.
    fn measured(&self) -> impl Iterator<Item = &EpochReport> {
        self.history
            .iter()
            .filter(|report| !report.held_out.is_empty())
    }

    /// Refuses a state that no training of so many epochs of so many updates can have been in.
    pub(super) fn check(&self, file: &ResumeFile, epochs: usize, steps: usize) -> Result<()> {
        let in_order = self.history.iter().map(|report| report.epoch);
        let best = self.best.as_ref().map(|best| best.epoch);
        let sound = self.epoch <= epochs
            && self.step_in_epoch <= steps
            && self
                .sums
                .iter()
                .all(|sum| (1..=self.step_in_epoch as u64).contains(&sum.2))
            && self.sums.is_empty() == (self.step_in_epoch == 0)
            && in_order.eq(1..=self.epoch)
            && self.measured().all(|r| r.criterion().is_finite())
            && best.is_some() == self.measured().next().is_some()
            && best.is_none_or(|best| (1..=self.epoch).contains(&best));
        if sound {
            return Ok(());
        }
        Err(Error::Malformed {
            path: file.0.clone(),
            location: Default::default(),
            found: format!(
                "{} epochs and {} updates of a training whose parts do not fit each other",
                self.epoch, self.step_in_epoch
            ),
            expected: "the saved state of a training".into(),
            hint: Some(
                Note::new("train without ")
                    .setting("resume")
                    .text(" to start anew"),
            ),
        })
    }

    /// Adds the losses of one update; not every update has all.
    pub(super) fn add(&mut self, losses: &Losses) {
        for &(name, value) in &losses.0 {
            match self.sums.iter_mut().find(|sum| sum.0 == name) {
                Some((_, sum, count)) => (*sum, *count) = (*sum + value, *count + 1),
                None => self.sums.push((name.to_owned(), value, 1)),
            }
        }
    }

    /// The means since the last call.
    pub(super) fn take_means(&mut self) -> Vec<(String, f64)> {
        let sums = std::mem::take(&mut self.sums).into_iter();
        sums.map(|(name, sum, count)| (name, sum / count as f64))
            .collect()
    }
}

/// Tells one training from another: the configuration, which decides the split and the preprocessing
/// too, and the fingerprint of the samples.
pub(super) fn fingerprint(config: &TrainConfig, samples: &str) -> String {
    let digits = |byte| format!("{byte:02x}");
    let hash = Sha256::digest(format!("{config:?}|{samples}"));
    hash.iter().map(digits).collect()
}

const KIND: &str = "unlike-resume";
const NETWORK: &str = "now.";
const BEST: &str = "best.";

#[derive(Serialize, Deserialize)]
struct Header {
    fingerprint: String,
    progress: Progress,
}

impl ResumeFile {
    /// What was saved, or `None` if nothing was.
    pub(super) fn load(&self, fingerprint: &str) -> Result<Option<(Progress, Arrays)>> {
        if !self.0.exists() {
            return Ok(None);
        }
        let (header, all, _): (Header, Arrays, _) = file::read(&self.0, KIND)?;
        if header.fingerprint != fingerprint {
            return Err(Error::Mismatch {
                origin: Some(self.0.display().to_string()),
                found: "the state of another training".into(),
                expected: "the same settings and the same data as when it was interrupted".into(),
                hint: Some(
                    Note::new("train without ")
                        .setting("resume")
                        .text(" to start anew"),
                ),
            });
        }
        let mut progress = header.progress;
        if let Some(best) = &mut progress.best {
            best.arrays = all.under(BEST);
        }
        Ok(Some((progress, all.under(NETWORK))))
    }

    /// Replaces what was saved before, as a whole or not at all.
    pub(super) fn save(&self, fingerprint: &str, progress: &Progress, now: &Arrays) -> Result<()> {
        let mut all = Arrays::new();
        all.add(NETWORK, now);
        if let Some(best) = &progress.best {
            all.add(BEST, &best.arrays);
        }
        let header = Header {
            fingerprint: fingerprint.to_owned(),
            progress: progress.clone(),
        };
        file::write(&self.0, KIND, &header, &all, &file::Networks::new())
    }
}
