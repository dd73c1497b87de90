//! From the options of `unlike train` to what is going to be done, checked.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use unlike::{ConfigFile, TrainConfig};
use unlike_core::{Error, Result, Samples};
use unlike_data::{Fit, Scaling};

use super::{ScalingArg, TrainArgs};
use crate::run_folder::Existing;

/// What is going to be done, checked.
pub(super) struct Plan {
    pub(super) config: TrainConfig,
    pub(super) checkpoint_every: Duration,
}

impl TrainArgs {
    /// The settings of a file, if one was named.
    pub(super) fn settings(&self) -> Result<ConfigFile> {
        let resumed = self.out.as_ref().map(|root| root.join("config.toml"));
        let resumed =
            resumed.filter(|_| self.resume && self.config.is_none() && self.model.is_none());
        let file = self.config.as_ref().or(resumed.as_ref());
        ConfigFile::load(self.model.as_deref(), file.map(PathBuf::as_path))
    }

    /// ConfigFile from the recommended ones, the file and the options, the latter winning; `fit` is
    /// how images were brought to their size.
    pub(super) fn plan(&self, settings: ConfigFile, samples: &Samples, fit: Fit) -> Result<Plan> {
        let mut config = settings.for_samples(samples)?;
        config.preprocessing.image_fit = fit;
        self.changes.apply(&mut config.augmentation);
        config.seed = self.seed.unwrap_or(config.seed);
        config.epochs = self.epochs.map_or(config.epochs, NonZeroUsize::get);
        config.batch_size = self.batch_size.map_or(config.batch_size, NonZeroUsize::get);
        if let Some(scaling) = self.scaling {
            config.preprocessing.scaling = match scaling {
                ScalingArg::MinMax => Scaling::MinMax,
                ScalingArg::Standard => Scaling::Standard,
            };
        }
        config.check()?;
        Ok(Plan {
            config,
            checkpoint_every: self.checkpoint_every()?,
        })
    }

    /// The folder for the results: by default `runs/egbad-shuttle` for `data/shuttle.npz`.
    pub(super) fn root(&self, model: &str) -> PathBuf {
        if let Some(root) = &self.out {
            return root.clone();
        }
        let name = self
            .data
            .file_name()
            .unwrap_or(self.data.as_os_str())
            .to_string_lossy();
        let stem = name
            .split('.')
            .find(|part| !part.is_empty())
            .unwrap_or("data");
        Path::new("runs").join(format!("{model}-{stem}"))
    }

    /// What to do if that folder holds a training.
    pub(super) fn existing(&self) -> Existing {
        match (self.resume, self.overwrite) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Overwrite,
            _ => Existing::Refuse,
        }
    }

    fn checkpoint_every(&self) -> Result<Duration> {
        let minutes = self.checkpoint_minutes;
        Duration::try_from_secs_f64(60.0 * minutes).map_err(|_| Error::Setting {
            name: "checkpoint-minutes".into(),
            found: minutes.to_string(),
            expected: "a number of minutes, 0 or more".into(),
            hint: None,
        })
    }
}
