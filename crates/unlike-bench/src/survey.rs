//! The survey's experiment: its data sets, every class, several seeds.
//!
//! Di Mattia, Galeone, De Simoni, Ghelfi, *A Survey on GANs for Anomaly Detection*, arXiv 1906.11632.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use unlike::{
    ConfigFile, TrainConfig,
    features::{FeatureConfig, Pool},
    models::{Kind, MODELS},
    presets,
    registry::Entry,
};
use unlike_core::{Error, Label, LabelledSamples, Result, Samples};
use unlike_data::{CIFAR10_CLASSES, DataSet, ImageSize, ReadOptions, Tails, split};
use unlike_results::survey::FLAGGED;

use crate::{
    cell::{Key, Preset},
    experiment::{Experiment, JOINS, config},
    run::Bench,
};

/// Of images, normals that [`Preset::Desk`] trains on at most, held-out ones included.
pub const DESK_TRAIN: usize = 5_000;
/// Of images, samples that [`Preset::Desk`] tests on at most, in the proportions of all.
pub const DESK_TEST: usize = 2_000;
/// The longer side of images that a network sees: thrice that of CIFAR-10's, since the network was made
/// for larger ones.
const NETWORK_SIDE: usize = 96;

/// GANomaly halves its images to 4 × 4 pixels; its paper brings MNIST's to this side.
const GANOMALY_SIDE: usize = 32;

/// A data set of the survey, or one that others set beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Set {
    /// MNIST: 70,000 digits.
    Mnist,
    /// Fashion-MNIST: 70,000 articles of clothing.
    FashionMnist,
    /// CIFAR-10: 60,000 photographs.
    Cifar10,
    /// KDD Cup 99, the 10 % file.
    KddCup99,
    /// NSL-KDD.
    NslKdd,
}

impl Set {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::KddCup99,
        Self::NslKdd,
        Self::Mnist,
        Self::FashionMnist,
        Self::Cifar10,
    ];

    /// As flags and files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
            Self::KddCup99 => "kdd99",
            Self::NslKdd => "nsl-kdd",
        }
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mnist => "MNIST",
            Self::FashionMnist => "Fashion-MNIST",
            Self::Cifar10 => "CIFAR-10",
            Self::KddCup99 => "KDD Cup 99",
            Self::NslKdd => "NSL-KDD",
        }
    }

    /// The set of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    /// The classes, as the files spell them, where each is a task of its own.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Mnist | Self::FashionMnist => &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Self::Cifar10 => &CIFAR10_CLASSES,
            Self::KddCup99 | Self::NslKdd => &[],
        }
    }

    /// The file or folder below that of all data.
    fn path(self, folder: &Path) -> PathBuf {
        let inside = folder.join(self.name());
        match self {
            Self::KddCup99 => inside.join("kddcup.data_10_percent.gz"),
            Self::NslKdd => inside.join("NSL_KDD.zip/KDDTrain+.txt"),
            Self::Mnist | Self::FashionMnist | Self::Cifar10 => inside,
        }
    }

    /// The file that is tested on, where it is another.
    fn test_path(self, folder: &Path, task: Task<'_>) -> Option<PathBuf> {
        let inside = folder.join(self.name());
        match (self, task) {
            (Self::KddCup99, Task::Novel) => Some(inside.join("corrected.gz")),
            (Self::NslKdd, _) => Some(inside.join("NSL_KDD.zip/KDDTest+.txt")),
            _ => None,
        }
    }
}

/// What is normal in a set and what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task<'a> {
    /// One class is anomalous and the others are normal; 80 % of the normals train.
    Anomalous(&'a str),
    /// One class is normal and the others are anomalous; the official parts.
    Normal(&'a str),
    /// The survey's protocol for KDD Cup 99: attacks are learned, and 20 % of the test set are normal
    /// records.
    Survey,
    /// As one would do it: normal records are learned, and 20 % of the test set are attacks.
    Ordinary,
    /// Normal records are learned; tested on the official test file, with attacks of kinds that the
    /// other file has none of.
    Novel,
}

impl<'a> Task<'a> {
    /// The task that a key names.
    pub fn named(name: &'a str) -> Option<Self> {
        match name {
            "survey" => Some(Self::Survey),
            "ordinary" => Some(Self::Ordinary),
            "novel" => Some(Self::Novel),
            _ => {
                let anomalous = name.strip_prefix("anomalous-").map(Self::Anomalous);
                anomalous.or_else(|| name.strip_prefix("normal-").map(Self::Normal))
            }
        }
    }
}

impl fmt::Display for Task<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anomalous(class) => write!(f, "anomalous-{class}"),
            Self::Normal(class) => write!(f, "normal-{class}"),
            Self::Survey => f.write_str("survey"),
            Self::Ordinary => f.write_str("ordinary"),
            Self::Novel => f.write_str("novel"),
        }
    }
}

/// Which cells of the survey's experiment.
#[derive(Debug)]
pub struct Survey {
    folder: PathBuf,
    /// How much is computed.
    pub preset: Preset,
    /// The sets.
    pub sets: Vec<Set>,
    /// Names of models.
    pub models: Vec<String>,
    /// Classes, by name; those of all sets if there are none.
    pub classes: Vec<String>,
    /// Whether one class is normal, instead of all but one.
    pub one_normal: bool,
    /// Names of what models see of images, of [`SURVEY_FEATURES`].
    pub features: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Settings of one of the models, to be tried in place of the recommended ones.
    pub settings: Option<ConfigFile>,
    loaded: Mutex<Vec<Loaded>>,
}

/// What was read, of which set and at which size.
type Loaded = ((Set, PathBuf, Option<usize>), Arc<DataSet>);

/// The models of the survey, its successor, and what they are measured against.
pub const SURVEY_MODELS: [&str; 9] = [
    "ganomaly", "egbad", "fanogan", "bigan", "anogan", "pca", "knn", "iforest", "vae",
];

/// What models see of images: pixels; what a frozen network says of an image as a whole, or of its places.
pub const SURVEY_FEATURES: [&str; 3] = ["pixels", "lite0", "lite0-patches"];

impl Survey {
    /// All sets in this folder, one class anomalous, on pixels, with three seeds.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            preset: Preset::Desk,
            sets: Set::ALL.to_vec(),
            models: SURVEY_MODELS.map(str::to_owned).to_vec(),
            classes: Vec::new(),
            one_normal: false,
            features: vec!["pixels".into()],
            seeds: vec![0, 1, 2],
            settings: None,
            loaded: Mutex::new(Vec::new()),
        }
    }

    fn tasks(&self, set: Set) -> Vec<Task<'_>> {
        match set {
            Set::KddCup99 => vec![Task::Survey, Task::Ordinary, Task::Novel],
            Set::NslKdd => vec![Task::Novel],
            Set::Mnist | Set::FashionMnist | Set::Cifar10 => {
                let asked = |class: &&&str| {
                    self.classes.is_empty() || self.classes.iter().any(|c| c == *class)
                };
                let task = |class: &&'static str| match self.one_normal {
                    true => Task::Normal(class),
                    false => Task::Anomalous(class),
                };
                set.classes().iter().filter(asked).map(task).collect()
            }
        }
    }

    /// A file or folder, read once for cells that follow each other.
    fn read(&self, set: Set, path: PathBuf, side: Option<usize>) -> Result<Arc<DataSet>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (set, path, side);
        if let Some((_, data)) = loaded.iter().find(|(read, _)| *read == wanted) {
            return Ok(Arc::clone(data));
        }
        // One set: its files, and its images for models that see them at one size or at another.
        loaded.retain(|((other, ..), _)| *other == set);
        let mut options = ReadOptions::default();
        options.image.size = side.map(|side| ImageSize {
            height: side,
            width: side,
        });
        let data = Arc::new(unlike_data::read(&wanted.1, &options)?);
        loaded.push((wanted, Arc::clone(&data)));
        Ok(data)
    }

    /// The normals to learn from and the test set, of everything.
    fn parts(&self, key: &Key, set: Set, task: Task<'_>) -> Result<[Selected; 2]> {
        let with_ganomaly = key.model.split(JOINS).any(|model| model == "ganomaly");
        let side = match (set.classes(), &*key.features) {
            ([], ..) => None,
            (_, "pixels") if with_ganomaly => Some(GANOMALY_SIDE),
            (_, "pixels") => None,
            _ => Some(NETWORK_SIDE),
        };
        let data = self.read(set, set.path(&self.folder), side)?;
        let whole = |split: &split::Split, data: &Arc<DataSet>| {
            [
                Selected::normals(data, split.train().to_vec()),
                Selected {
                    data: Arc::clone(data),
                    positions: split.test().to_vec(),
                    labels: split.test_labels().to_vec(),
                },
            ]
        };
        Ok(match task {
            Task::Survey => whole(&split::kdd_survey(&data, key.seed)?, &data),
            Task::Ordinary => {
                let labels = labels(&data)?;
                whole(&split::half_split(&labels, FLAGGED, key.seed)?, &data)
            }
            Task::Novel => {
                let known = labels(&data)?;
                let normals = (0..known.len()).filter(|&i| known[i] == Label::Normal);
                let mut normals: Vec<usize> = normals.collect();
                shuffle(&mut normals, key.seed);
                // Half of them, so that seeds differ in what is learned from.
                normals.truncate(normals.len().div_ceil(2));
                normals.sort_unstable();
                let train = Selected::normals(&data, normals);
                let path = set.test_path(&self.folder, task);
                let path = path.unwrap_or_else(|| set.path(&self.folder));
                let test = self.read(set, path, None)?;
                let labels = labels(&test)?;
                [
                    train,
                    Selected {
                        positions: (0..labels.len()).collect(),
                        data: test,
                        labels,
                    },
                ]
            }
            Task::Anomalous(class) => {
                let labels = one_against_others(&data, class, Label::Anomalous)?;
                whole(&split::merged_80_20(&labels, key.seed)?, &data)
            }
            Task::Normal(class) => {
                let labels = one_against_others(&data, class, Label::Normal)?;
                whole(&split::official_parts(&data, &labels)?, &data)
            }
        })
    }

    fn config(&self, key: &Key, train: &Samples) -> Result<TrainConfig> {
        let features = match &*key.features {
            "pixels" => Some(FeatureConfig::Pixels),
            "lite0" => Some(FeatureConfig::lite0(Pool::Image)),
            "lite0-patches" => Some(FeatureConfig::lite0(Pool::Patches)),
            _ => None,
        };
        let settings = self.settings.as_ref();
        let mut config = config(settings, &key.model, key.seed, train, features.as_ref())?;
        if let Samples::Table(_) = train {
            // As in the published experiments.
            config.preprocessing.tails = Tails::Keep;
        }
        match key.preset {
            Preset::Desk => Ok(config),
            Preset::Paper => presets::paper(config, Kind::from(train)),
        }
    }
}

impl Bench for Survey {
    fn keys(&self) -> Result<Vec<Key>> {
        for model in self.models.iter().flat_map(|model| model.split(JOINS)) {
            Entry::find(MODELS, model)?;
        }
        let mut keys = Vec::new();
        for &seed in &self.seeds {
            for &set in &self.sets {
                let rows = vec!["rows".to_owned()];
                let features = match set.classes() {
                    [] => &rows,
                    _ => &self.features,
                };
                for task in self.tasks(set) {
                    for features in features {
                        keys.extend(self.models.iter().map(|model| Key {
                            preset: self.preset,
                            set: set.name().to_owned(),
                            task: task.to_string(),
                            model: model.clone(),
                            features: features.clone(),
                            seed,
                        }));
                    }
                }
            }
        }
        match keys.is_empty() {
            true => Err(Error::Setting {
                name: "classes".into(),
                found: self.classes.join(", "),
                expected: "classes of the sets, as their files spell them".into(),
                hint: None,
            }),
            false => Ok(keys),
        }
    }

    fn experiment(&self, key: &Key) -> Result<Experiment> {
        let unknown = |name: &str, found: &str| Error::Setting {
            name: name.to_owned(),
            found: format!("`{found}`"),
            expected: "one of the survey's experiment".into(),
            hint: None,
        };
        let set = Set::named(&key.set).ok_or_else(|| unknown("sets", &key.set))?;
        let task = Task::named(&key.task).ok_or_else(|| unknown("task", &key.task))?;
        let [mut train, mut test] = self.parts(key, set, task)?;
        if key.preset == Preset::Desk && !set.classes().is_empty() {
            train.thin(DESK_TRAIN, key.seed);
            test.thin(DESK_TEST, key.seed);
        }
        let train = train.samples();
        Ok(Experiment {
            config: self.config(key, &train)?,
            train,
            test: LabelledSamples::new(test.samples(), test.labels)?,
            flagged: matches!(task, Task::Survey | Task::Ordinary).then_some(FLAGGED),
        })
    }
}

/// Some samples of a set, with their labels.
struct Selected {
    data: Arc<DataSet>,
    positions: Vec<usize>,
    labels: Vec<Label>,
}

impl Selected {
    fn normals(data: &Arc<DataSet>, positions: Vec<usize>) -> Self {
        Self {
            data: Arc::clone(data),
            labels: vec![Label::Normal; positions.len()],
            positions,
        }
    }

    fn samples(&self) -> Samples {
        self.data.samples().select(&self.positions)
    }

    /// Keeps so many at most, drawn by the seed, in the proportions of labels.
    fn thin(&mut self, most: usize, seed: u64) {
        let n = self.positions.len();
        if n <= most {
            return;
        }
        let mut kept = Vec::with_capacity(most);
        for label in [Label::Normal, Label::Anomalous] {
            let mut of: Vec<usize> = (0..n).filter(|&i| self.labels[i] == label).collect();
            shuffle(&mut of, seed);
            let share = (of.len() * most).div_ceil(n);
            kept.extend_from_slice(&of[..share.min(of.len())]);
        }
        kept.sort_unstable();
        self.positions = kept.iter().map(|&i| self.positions[i]).collect();
        self.labels = kept.iter().map(|&i| self.labels[i]).collect();
    }
}

fn shuffle(positions: &mut [usize], seed: u64) {
    positions.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
}

fn labels(data: &DataSet) -> Result<Vec<Label>> {
    match data.labels() {
        Some(labels) => Ok(labels.values().to_vec()),
        // Says what is missing.
        None => data.labelled().map(|labelled| labelled.labels().to_vec()),
    }
}

/// This class's samples get the label, and all others the other one.
fn one_against_others(data: &DataSet, class: &str, label: Label) -> Result<Vec<Label>> {
    let other = match label {
        Label::Normal => Label::Anomalous,
        Label::Anomalous => Label::Normal,
    };
    let classes = data.classes();
    let code = classes.and_then(|c| c.levels().iter().position(|level| level == class));
    let (Some(classes), Some(code)) = (classes, code) else {
        return Err(Error::Setting {
            name: "classes".into(),
            found: format!("`{class}`"),
            expected: format!("a class of `{}`", data.path().display()),
            hint: None,
        });
    };
    let one = |&of: &u32| match of as usize == code {
        true => label,
        false => other,
    };
    Ok(classes.codes().iter().map(one).collect())
}
