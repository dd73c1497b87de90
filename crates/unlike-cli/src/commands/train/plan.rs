//! From the options of `unlike train` to what is going to be done, checked.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use unlike::{ConfigFile, ModelConfig, TrainConfig};
use unlike_core::{Error, Result, Samples};
use unlike_data::{Fit, Reading, Scaling};

use super::{ScalingArg, TrainArgs};
use crate::{args::DataPaths, run_folder::Existing};

/// The settings of a training, in its folder.
const CONFIG: &str = "config.toml";

/// What is going to be done, checked.
pub(super) struct Plan {
    pub(super) config: TrainConfig,
    pub(super) checkpoint_every: Duration,
}

impl TrainArgs {
    /// The folder to go on with, where nothing but it says which model that is: the one that was
    /// named, or the only one of this data.
    ///
    /// # Errors
    /// If there is none, or there are several.
    pub(super) fn resumed(&self) -> Result<Option<PathBuf>> {
        if !self.resume || self.config.is_some() || self.model.is_some() {
            return Ok(None);
        }
        if let Some(root) = &self.out {
            return Ok(Some(root.clone()));
        }
        let roots = ModelConfig::names().map(|model| self.root(model));
        let mut found: Vec<PathBuf> = roots.filter(|r| r.join(CONFIG).exists()).collect();
        let data = DataPaths(&self.data).shown();
        let (found, expected, hint) = match found.len() {
            1 => return Ok(found.pop()),
            0 => (
                format!("asked for, and `runs` holds no training of `{data}`"),
                format!("a folder `{}`", self.root("<model>").display()),
                "name the folder of the training with --out",
            ),
            n => (
                format!("asked for, and `runs` holds {n} trainings of `{data}`"),
                format!("one of {}", listed(&found)),
                "name one of them with --out",
            ),
        };
        Err(Error::Setting {
            name: "resume".into(),
            found,
            expected,
            hint: Some(hint.into()),
        })
    }

    /// The settings of a file, if one was named, or of the training to go on with.
    pub(super) fn settings(&self, resumed: Option<&Path>) -> Result<ConfigFile> {
        let resumed = resumed.map(|root| root.join(CONFIG));
        let file = self.config.as_ref().or(resumed.as_ref());
        ConfigFile::load(self.model.as_deref(), file.map(PathBuf::as_path))
    }

    /// ConfigFile from the recommended ones, the file and the options, the latter winning; `fit` is
    /// how images were brought to their size, and `reading` how the data were read.
    pub(super) fn plan(
        &self,
        settings: ConfigFile,
        samples: &Samples,
        fit: Fit,
        reading: Reading,
    ) -> Result<Plan> {
        let mut config = settings.for_samples(samples, self.features.config()?)?;
        config.preprocessing.reading = reading;
        config.preprocessing.image_fit = fit;
        self.changes.apply(&mut config.augmentation);
        config.seed = self.seed.unwrap_or(config.seed);
        config.epochs = self.epochs.map_or(config.epochs, NonZeroUsize::get);
        config.members = self.members.map_or(config.members, NonZeroUsize::get);
        if let Some(ensemble) = &self.ensemble {
            config.ensemble.clone_from(ensemble);
        }
        config.batch_size = self.batch_size.map_or(config.batch_size, NonZeroUsize::get);
        if let Some(scaling) = self.scaling {
            config.preprocessing.scaling = match scaling {
                ScalingArg::MinMax => Scaling::MinMax,
                ScalingArg::Standard => Scaling::Standard,
                ScalingArg::Bounded => Scaling::Bounded,
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
        let name = DataPaths(&self.data).name();
        Path::new("runs").join(format!("{model}-{name}"))
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

/// Paths as they can be typed.
fn listed(paths: &[PathBuf]) -> String {
    let quoted = paths.iter().map(|path| format!("`{}`", path.display()));
    quoted.collect::<Vec<_>>().join(", ")
}
