//! One cell of an experiment: a model on a set with a seed; and the folder where cells are kept.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use unlike_core::{Error, Result, files::write_atomically};

/// What a cell is of. Its file is named by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// How much is computed.
    pub preset: Preset,
    /// The data set's name: `mnist`.
    pub set: String,
    /// What is normal in it and what is not: `anomalous-0`, `survey`, `half`.
    pub task: String,
    /// The model's name, as flags spell it.
    pub model: String,
    /// What it sees: `rows` of a table, `pixels`, or the network's name.
    pub features: String,
    /// Decides the split and every other random choice.
    pub seed: u64,
}

/// How much is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// What two cores do in minutes: recommended settings; of images, a part of the training set and
    /// of the test set.
    Desk,
    /// The papers' settings, on everything.
    Paper,
}

impl Preset {
    /// As flags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Paper => "paper",
        }
    }
}

impl Key {
    /// Where the cell is kept, below the folder of all.
    fn path(&self) -> PathBuf {
        let Self {
            preset,
            set,
            task,
            model,
            features,
            seed,
        } = self;
        PathBuf::from(preset.name())
            .join(set)
            .join(task)
            .join(format!("{model}-{features}-{seed}.json"))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            set,
            task,
            model,
            features,
            seed,
            ..
        } = self;
        write!(f, "{model} on {set}, {task}, {features}, seed {seed}")
    }
}

/// A finished cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What it is of.
    pub key: Key,
    /// What came out.
    pub outcome: Outcome,
    /// Where it came from.
    pub origin: Origin,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Numbers.
    Measured(Box<Measured>),
    /// Why there are none.
    Failed(String),
}

/// The numbers of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Normals that training was given, held-out ones included.
    pub n_train: usize,
    /// Samples of the test set.
    pub n_test: usize,
    /// The share of anomalies among them: the chance level of average precision.
    pub prevalence: f64,
    /// The score in use, which no label chose.
    pub score: String,
    /// Every score that the model offers.
    pub scores: BTreeMap<String, Ranked>,
    /// The epoch whose networks these are, which no label chose; baselines have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
    /// The epoch that test labels would have chosen, of those looked at: what nobody has in practice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_by_labels: Option<BestEpoch>,
    /// False alarms that were promised, and what they came to.
    pub false_alarms: Vec<FalseAlarmRate>,
    /// Clock time.
    pub seconds: Seconds,
}

impl Measured {
    /// How well the score in use ranks.
    pub fn used(&self) -> Ranked {
        self.scores.get(&self.score).copied().unwrap_or_default()
    }
}

/// How well a score ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Average precision.
    pub average_precision: f64,
    /// F1 where the protocol flags a share of the highest scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
}

/// The epoch that labels would have chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestEpoch {
    /// Counted from 1.
    pub epoch: usize,
    /// AUROC of the score in use.
    pub auroc: f64,
}

/// A promise and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FalseAlarmRate {
    /// The share of normals to be flagged.
    pub promised: f64,
    /// The share of the test's normals that was.
    pub observed: f64,
}

/// Clock time, without reading data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seconds {
    /// Training with calibration.
    pub train: f64,
    /// Scoring the test set once, with every score.
    pub score: f64,
}

/// Where a cell came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The version of unlike.
    pub unlike_version: String,
    /// RFC 3339, UTC.
    pub date: String,
    /// The processor.
    pub cpu: String,
    /// Threads for one cell.
    pub threads: usize,
    /// Cells that were computed at once.
    pub at_once: usize,
    /// As it was typed.
    pub command: String,
}

impl Cell {
    /// The numbers, if there are any.
    pub fn measured(&self) -> Option<&Measured> {
        match &self.outcome {
            Outcome::Measured(measured) => Some(measured),
            Outcome::Failed(_) => None,
        }
    }
}

/// A folder of cells, a small file each.
#[derive(Clone, Debug)]
pub struct Cells {
    folder: PathBuf,
}

impl Cells {
    /// The cells in this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The cell of this key, if it is there.
    ///
    /// # Errors
    /// If its file cannot be read, or holds something else.
    pub fn get(&self, key: &Key) -> Result<Option<Cell>> {
        let path = self.folder.join(key.path());
        match path.exists() {
            true => load(&path).map(Some),
            false => Ok(None),
        }
    }

    /// Keeps a cell, in place of an earlier one of its key.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub fn put(&self, cell: &Cell) -> Result<()> {
        let path = self.folder.join(cell.key.path());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut text =
            serde_json::to_string_pretty(cell).map_err(|e| Error::io("write", &path)(e.into()))?;
        text.push('\n');
        write_atomically(&path, |file| {
            file.write_all(text.as_bytes())
                .map_err(Error::io("write", &path))
        })
    }

    /// All cells, by their keys.
    ///
    /// # Errors
    /// If a file of the folder cannot be read, or is no cell.
    pub fn all(&self) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
                let path = entry.map_err(Error::io("read", &folder))?.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.extension().is_some_and(|e| e == "json") => {
                        cells.push(load(&path)?);
                    }
                    false => {}
                }
            }
        }
        cells.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(cells)
    }
}

fn load(path: &Path) -> Result<Cell> {
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    serde_json::from_str(&text).map_err(|e| Error::Malformed {
        path: path.to_owned(),
        location: unlike_core::Location {
            row: Some(e.line() as u64),
            ..Default::default()
        },
        found: e.to_string(),
        expected: "a cell of an experiment".into(),
        hint: Some("remove the file; the cell is then computed again".into()),
    })
}
