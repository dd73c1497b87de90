//! Every model on a folder of tables: half of the normals train, the others and all anomalies test.

use std::path::{Path, PathBuf};

use unlike::{ConfigFile, models::MODELS, registry::Entry};
use unlike_core::{Error, Label, LabelledSamples, Result};
use unlike_data::{ReadOptions, split};

use crate::{
    cell::{Key, Preset},
    experiment::{Experiment, JOINS, config},
    run::Bench,
};

/// The task of every cell: half of the normals train.
pub const HALF: &str = "half";

/// All models that see rows.
pub fn table_models() -> Vec<&'static str> {
    let images_only = |entry: &&Entry| !matches!(entry.name, "patchcore");
    let names = MODELS.iter().filter(images_only);
    names.map(|entry| entry.name).collect()
}

/// Which cells of a folder of `.npz` files, in each of which `y` is 1 for anomalies.
#[derive(Clone, Debug)]
pub struct Tables {
    folder: PathBuf,
    /// File names without their ending; all if there are none.
    pub sets: Vec<String>,
    /// Names of models.
    pub models: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Settings of one of the models, to be tried in place of the recommended ones.
    pub settings: Option<ConfigFile>,
}

impl Tables {
    /// All sets of the folder, all models, five seeds.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            sets: Vec::new(),
            models: table_models().into_iter().map(str::to_owned).collect(),
            seeds: (0..5).collect(),
            settings: None,
        }
    }

    fn path(&self, set: &str) -> PathBuf {
        self.folder.join(format!("{set}.npz"))
    }

    /// The folder's sets that are asked for, smallest files first, so that there is soon something to
    /// look at.
    fn found(&self) -> Result<Vec<String>> {
        let mut found: Vec<(u64, String)> = Vec::new();
        let folder = std::fs::read_dir(&self.folder).map_err(Error::io("read", &self.folder))?;
        for entry in folder {
            let path = entry.map_err(Error::io("read", &self.folder))?.path();
            if path.extension().is_some_and(|e| e == "npz")
                && let Some(stem) = path.file_stem()
            {
                found.push((size(&path), stem.to_string_lossy().into_owned()));
            }
        }
        found.sort();
        let mut found: Vec<String> = found.into_iter().map(|(_, set)| set).collect();
        if let Some(missing) = self.sets.iter().find(|set| !found.contains(set)) {
            return Err(Error::Setting {
                name: "sets".into(),
                found: format!("`{missing}`"),
                expected: format!("files of `{}`: {}", self.folder.display(), found.join(", ")),
                hint: None,
            });
        }
        if found.is_empty() {
            return Err(Error::NotEnough {
                what: format!("files that end in .npz in `{}`", self.folder.display()),
                found: "0".into(),
                expected: "at least 1".into(),
                hint: None,
            });
        }
        if !self.sets.is_empty() {
            found.retain(|set| self.sets.contains(set));
        }
        Ok(found)
    }
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |m| m.len())
}

impl Bench for Tables {
    fn keys(&self) -> Result<Vec<Key>> {
        for model in self.models.iter().flat_map(|model| model.split(JOINS)) {
            Entry::find(MODELS, model)?;
        }
        let sets = self.found()?;
        let mut keys = Vec::new();
        for &seed in &self.seeds {
            for set in &sets {
                keys.extend(self.models.iter().map(|model| Key {
                    preset: Preset::Desk,
                    set: set.clone(),
                    task: HALF.to_owned(),
                    model: model.clone(),
                    features: "rows".to_owned(),
                    seed,
                }));
            }
        }
        Ok(keys)
    }

    fn experiment(&self, key: &Key) -> Result<Experiment> {
        let data = unlike_data::read(self.path(&key.set), &ReadOptions::default())?;
        let labelled = data.into_labelled()?;
        let normals = labelled.positions(Label::Normal);
        let (train, rest) = split::hold_out(normals.len(), 0.5, key.seed)?;
        let train: Vec<usize> = train.into_iter().map(|i| normals[i]).collect();
        let mut test: Vec<usize> = rest.into_iter().map(|i| normals[i]).collect();
        test.extend(labelled.positions(Label::Anomalous));
        test.sort_unstable();
        let train = labelled.samples().select(&train);
        let labels = test.iter().map(|&i| labelled.labels()[i]).collect();
        Ok(Experiment {
            config: config(self.settings.as_ref(), &key.model, key.seed, &train, None)?,
            test: LabelledSamples::new(labelled.samples().select(&test), labels)?,
            train,
            flagged: None,
        })
    }
}
