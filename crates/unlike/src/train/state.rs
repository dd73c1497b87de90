//! What an interrupted training needs to go on exactly where it was.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{Arrays, Error, Note, Result};

use super::{EpochReport, TrainConfig};
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
    /// Whether early stopping has ended the training.
    pub(super) stopped: bool,
    /// The networks that will become the model.
    pub(super) best: Option<Best>,
}

/// The networks that will become the model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Best {
    pub(super) epoch: usize,
    pub(super) criterion: f64,
    #[serde(skip)]
    pub(super) arrays: Arrays,
}

impl Progress {
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
        let (header, all): (Header, Arrays) = file::read(&self.0, KIND)?;
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
        let mut now = Arrays::new();
        let mut best = Arrays::new();
        for (name, array) in all.iter() {
            if let Some(name) = name.strip_prefix(NETWORK) {
                now.insert(name, &array.shape, array.values.clone());
            } else if let Some(name) = name.strip_prefix(BEST) {
                best.insert(name, &array.shape, array.values.clone());
            }
        }
        if let Some(slot) = &mut progress.best {
            slot.arrays = best;
        }
        Ok(Some((progress, now)))
    }

    /// Replaces what was saved before, as a whole or not at all.
    pub(super) fn save(&self, fingerprint: &str, progress: &Progress, now: &Arrays) -> Result<()> {
        let mut all = Arrays::new();
        let best = progress.best.as_ref().map(|best| &best.arrays);
        for (prefix, arrays) in [(NETWORK, Some(now)), (BEST, best)] {
            for (name, array) in arrays.into_iter().flat_map(Arrays::iter) {
                all.insert(
                    format!("{prefix}{name}"),
                    &array.shape,
                    array.values.clone(),
                );
            }
        }
        let header = Header {
            fingerprint: fingerprint.to_owned(),
            progress: progress.clone(),
        };
        file::write(&self.0, KIND, &header, &all)
    }
}
