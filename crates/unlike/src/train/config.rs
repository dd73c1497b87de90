//! The settings of a training, as `config.toml` holds them.

use serde::{Deserialize, Serialize};
use unlike_core::{Error, Result, Samples, check_setting};
use unlike_data::{Preprocessing, PreprocessingConfig};
use unlike_features::{Extraction, FeatureConfig, Pool};

use super::{Augmentation, prepared::most_rows};
use crate::{
    members,
    models::{Kind, MODELS},
    registry::{Entry, ModelConfig},
    rng,
    rng::Purpose,
};

/// Everything that decides the trained model, together with the samples.
///
/// `M` is the model with its settings; as text, before it is known which model that is, any value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig<M = ModelConfig> {
    /// Decides every random choice.
    pub seed: u64,
    /// Passes over the training samples, at most.
    pub epochs: usize,
    /// Samples per update. Fewer samples than this make one batch; otherwise the samples left over
    /// at the end of an epoch wait for the next one.
    pub batch_size: usize,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// Which epoch's networks become the model.
    pub choice: EpochChoice,
    /// Stop when this many epochs have gone by without one whose first score part is smaller, on
    /// average, over held-out normals, whichever epoch is chosen. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Networks that train side by side from different first weights, of whose scores the model's are
    /// the mean; 1 for baselines, which have none.
    #[serde(default = "one")]
    pub members: usize,
    /// Models that train beside this one, with their recommended settings, on the same samples and with the
    /// same held out: the score in use is then the sum of all their scores, each in units of its spread over
    /// held-out normals. Maps and contributions are this one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ensemble: Vec<String>,
    /// Of images that are seen as pixels: whether the score in use is how much larger the first part of
    /// the model's own score is than usual for an image as busy (`relative`). For others it makes no
    /// difference.
    #[serde(default)]
    pub relative: bool,
    /// The samples kept out of training.
    pub hold_out: HoldOut,
    /// Changes to training images. For tables there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// How columns become numbers.
    pub preprocessing: PreprocessingConfig,
    /// What detectors see of images; absent for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureConfig>,
    /// Which model, and its settings.
    pub model: M,
}

/// As in the files of before.
fn one() -> usize {
    1
}

/// How the learning rate moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// Half a cosine, from 1 down to 0 at the end of the last epoch.
    Cosine,
}

impl Schedule {
    /// The factor on the learning rate at a step out of so many.
    pub fn scale(self, step: u64, steps: u64) -> f32 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                let share = step as f64 / steps.max(1) as f64;
                (0.5 * (1.0 + (std::f64::consts::PI * share).cos())) as f32
            }
        }
    }
}

/// Which epoch's networks become the model. Labels never take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochChoice {
    /// The last.
    Last,
    /// The one whose first score part is smallest, on average, over held-out normals.
    HeldOut,
}

/// The samples kept out of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOut {
    /// Share that measures every epoch and fits the combined score.
    pub validation: f64,
    /// Share that turns scores into p-values.
    pub calibration: f64,
    /// Neither part is larger than this many samples.
    pub limit: usize,
}

impl Default for HoldOut {
    fn default() -> Self {
        Self {
            validation: 0.1,
            calibration: 0.1,
            limit: 10_000,
        }
    }
}

/// The fewest samples that can train.
const TRAINING: usize = 2;

/// Positions of the samples, disjoint, each in a seeded order.
pub(crate) struct Split {
    pub(crate) train: Vec<usize>,
    pub(crate) validation: Vec<usize>,
    pub(crate) calibration: Vec<usize>,
}

impl HoldOut {
    /// Positions of up to `count` of the samples that [`fit`](crate::fit) holds out of `n` to choose
    /// the epoch, spread over all of them: something to look at while training runs.
    ///
    /// # Errors
    /// If there are too few samples to train.
    pub fn examples(&self, n: usize, seed: u64, count: usize) -> Result<Vec<usize>> {
        let held_out = self.split(n, seed)?.validation;
        let count = count.min(held_out.len());
        Ok((0..count)
            .map(|i| held_out[i * held_out.len() / count])
            .collect())
    }

    /// How many of `n` samples choose the epoch and calibrate.
    fn parts(&self, n: usize) -> [usize; 2] {
        let part = |share: f64| ((n as f64 * share).round() as usize).clamp(1, self.limit.max(1));
        [self.validation, self.calibration].map(part)
    }

    /// The fewest samples above `n`, which are too few, that leave enough to train.
    fn needed(&self, n: usize) -> String {
        let mut most = n;
        // Parts grow with the samples, so no number below what the parts of a smaller one leave room
        // for can do. Where both shares are next to a half, that takes for ever.
        for _ in 0..100_000 {
            let [validation, calibration] = self.parts(most);
            let all = validation + calibration + TRAINING;
            if most >= all {
                let train = most - validation - calibration;
                return format!(
                    "at least {most}: {train} to train, {validation} to choose the epoch, and \
                     {calibration} to calibrate"
                );
            }
            most = all;
        }
        format!("more than {most}, because `hold_out` keeps nearly all of them out of training")
    }

    /// Splits `n` samples by one permutation.
    pub(crate) fn split(&self, n: usize, seed: u64) -> Result<Split> {
        let [validation, calibration] = self.parts(n);
        if n < validation + calibration + TRAINING {
            return Err(Error::NotEnough {
                what: "normal samples".into(),
                found: n.to_string(),
                expected: self.needed(n),
                hint: Some("a useful model needs hundreds; p-values below 0.01 need 1,000".into()),
            });
        }
        use rand::seq::SliceRandom;
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng::rng(seed, Purpose::HoldOut, 0));
        let mut calibration = order.split_off(n - calibration);
        let mut validation = order.split_off(order.len() - validation);
        // In file order, so that reading and transforming walk through memory once.
        for part in [&mut order, &mut validation, &mut calibration] {
            part.sort_unstable();
        }
        Ok(Split {
            train: order,
            validation,
            calibration,
        })
    }
}

/// Recommended epochs for tables, at least, and updates where that many epochs have fewer.
const EPOCHS: usize = 16;
const UPDATES: usize = 8_000;
/// Networks side by side where there are fewer rows than this, of models that score quickly: there one
/// more costs seconds, and the mean of three is better than one on nearly every set (ADR 26).
const MEMBERS: usize = 3;
const FEW_ROWS: usize = 10_000;
/// Epochs and updates for images.
const IMAGE_EPOCHS: usize = 15;
const IMAGE_UPDATES: usize = 1_500;

impl TrainConfig {
    /// The recommended training of the model of this name for these samples, and for what is recommended
    /// to see of them, if they are images ([`FeatureConfig::usual`]).
    ///
    /// Small sets take more epochs: what counts is the number of updates.
    ///
    /// # Errors
    /// If there is no such model.
    pub fn recommended(model: &str, samples: &Samples) -> Result<Self> {
        Self::recommended_with(model, samples, None)
    }

    /// As [`recommended`](Self::recommended), for these features of the samples, if any are named.
    ///
    /// # Errors
    /// If there is no such model, or the samples have no such features.
    pub fn recommended_with(
        model: &str,
        samples: &Samples,
        features: Option<&FeatureConfig>,
    ) -> Result<Self> {
        let features = match (features, samples) {
            (Some(features), _) => features.clone().open()?,
            (None, Samples::Images(_)) if Entry::find(MODELS, model)?.rows_only => {
                FeatureConfig::lite0(Pool::Patches)
            }
            (None, Samples::Images(images)) => {
                FeatureConfig::usual(images.shape(), images.are_files())
            }
            (None, Samples::Table(_)) => FeatureConfig::Pixels,
        };
        let extraction = match &features {
            FeatureConfig::Pixels => None,
            network => {
                let preprocessing = Preprocessing::fit(samples, &PreprocessingConfig::default())?;
                Extraction::new(network, &preprocessing.shape())?
            }
        };
        let Some(extraction) = extraction else {
            let config = Self::recommended_for(model, samples.into(), samples.len())?;
            return Ok(Self {
                features: config.features.is_some().then_some(features),
                ..config
            });
        };
        let most = most_rows(extraction.shape().size()).max(samples.len());
        let rows = (samples.len() * extraction.places()).min(most);
        Ok(Self {
            features: Some(features.with_taps_of(&extraction)),
            ..Self::recommended_for(model, Kind::Table, rows)?
        })
    }

    /// As [`recommended`](Self::recommended), for this many samples of this kind.
    ///
    /// # Errors
    /// If there is no such model.
    pub fn recommended_for(model: &str, kind: Kind, samples: usize) -> Result<Self> {
        Ok(Self::recommended_entry(
            &Entry::find(MODELS, model)?,
            kind,
            samples,
        ))
    }

    /// As [`recommended_for`](Self::recommended_for), for a model of any list.
    pub fn recommended_entry(entry: &Entry, kind: Kind, samples: usize) -> Self {
        let batch_size = match kind {
            Kind::Table => 256,
            Kind::Images => 64,
        };
        let per_epoch = (samples / batch_size).max(1);
        let (epochs, updates) = match kind {
            Kind::Table => (EPOCHS, UPDATES),
            Kind::Images => (IMAGE_EPOCHS, IMAGE_UPDATES),
        };
        let limit = (entry.hold_out_limit)();
        let quick = entry.networks && limit >= HoldOut::default().limit;
        Self {
            seed: 0,
            epochs: updates.div_ceil(per_epoch).clamp(epochs, 100 * epochs),
            batch_size,
            schedule: Schedule::Cosine,
            choice: EpochChoice::HeldOut,
            patience: None,
            members: match kind {
                Kind::Table if quick && samples < FEW_ROWS => MEMBERS,
                _ => 1,
            },
            ensemble: Vec::new(),
            hold_out: HoldOut {
                limit,
                ..HoldOut::default()
            },
            augmentation: match kind {
                Kind::Table => None,
                Kind::Images => Some(Augmentation::default()),
            },
            preprocessing: PreprocessingConfig {
                scaling: entry.scaling,
                ..PreprocessingConfig::default()
            },
            features: match kind {
                Kind::Table => None,
                Kind::Images if entry.rows_only => Some(FeatureConfig::lite0(Pool::Patches)),
                Kind::Images => Some(FeatureConfig::Pixels),
            },
            relative: matches!(kind, Kind::Images) && !entry.rows_only,
            model: entry.recommended(kind),
        }
    }

    /// The name of the model as people write it, and those of its ensemble: `GANomaly + f-AnoGAN`.
    pub fn title(&self) -> String {
        let others = self.ensemble.iter();
        let others = others.map(|name| Entry::title_of(MODELS, name));
        let all = std::iter::once(self.model.title().to_owned()).chain(others);
        all.collect::<Vec<_>>().join(" + ")
    }

    /// The same with the network of a file read, where features are made by one.
    pub(super) fn open(self) -> Result<Self> {
        let features = self.features.map(FeatureConfig::open).transpose()?;
        Ok(Self { features, ..self })
    }

    /// The same with what an extraction of its features found out.
    pub(super) fn with_taps_of(self, extraction: Option<&Extraction>) -> Self {
        let features = match (self.features, extraction) {
            (Some(features), Some(extraction)) => Some(features.with_taps_of(extraction)),
            (features, _) => features,
        };
        Self { features, ..self }
    }

    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    /// Names the setting, its value and its range.
    pub fn check(&self) -> Result<()> {
        if let Some(augmentation) = &self.augmentation {
            augmentation.check()?;
        }
        let share = |v: f64| v > 0.0 && v < 0.5;
        let HoldOut {
            validation,
            calibration,
            limit,
        } = self.hold_out;
        check_setting("epochs", self.epochs, self.epochs > 0, "at least 1")?;
        check_setting(
            "batch_size",
            self.batch_size,
            self.batch_size > 0,
            "at least 1",
        )?;
        let patience = self.patience.unwrap_or(1);
        check_setting("patience", patience, patience > 0, "at least 1")?;
        let between = "between 0 and 0.5";
        check_setting(
            "hold_out.validation",
            validation,
            share(validation),
            between,
        )?;
        check_setting(
            "hold_out.calibration",
            calibration,
            share(calibration),
            between,
        )?;
        check_setting("hold_out.limit", limit, limit > 0, "at least 1")?;
        let (most, expected) = match self.model.has_networks() {
            true => (members::MOST, format!("from 1 to {}", members::MOST)),
            false => (1, "1, because baselines have no networks".to_owned()),
        };
        let members = self.members;
        check_setting("members", members, (1..=most).contains(&members), &expected)?;
        for (at, name) in self.ensemble.iter().enumerate() {
            Entry::find(MODELS, name)?;
            let is_new = name != self.model.name() && !self.ensemble[..at].contains(name);
            let found = format!("`{name}` twice");
            check_setting("ensemble", found, is_new, "every model once")?;
        }
        Ok(())
    }

    /// Reads what [`to_toml`](Self::to_toml) writes.
    ///
    /// # Errors
    /// If a key is unknown, missing or of the wrong kind; the message names its line.
    pub fn from_toml(text: &str, path: &std::path::Path) -> Result<Self> {
        Self::from_toml_with(text, path, MODELS)
    }

    /// As [`from_toml`](Self::from_toml), for a model of this list.
    ///
    /// # Errors
    /// As there.
    pub fn from_toml_with(text: &str, path: &std::path::Path, models: &[Entry]) -> Result<Self> {
        let read = toml::from_str::<TrainConfig<serde_json::Value>>(text);
        let read = read.map_err(|error| error.to_string());
        let read = read.and_then(|config| config.with_model_of(models));
        read.map_err(|error| Error::Malformed {
            path: path.to_owned(),
            location: Default::default(),
            found: error.trim().to_owned(),
            expected: "the settings of a training".into(),
            hint: Some("the config.toml of a training holds every setting, to start from".into()),
        })
    }

    /// The settings as TOML.
    ///
    /// # Errors
    /// If a value cannot be written as TOML (none of ours).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|e| Error::Setting {
            name: "config".into(),
            found: e.to_string(),
            expected: "settings that TOML can hold".into(),
            hint: None,
        })
    }
}

impl TrainConfig<serde_json::Value> {
    /// The same with the settings of a model of this list.
    ///
    /// # Errors
    /// Says what is wrong with them, and where.
    pub fn with_model_of(self, models: &[Entry]) -> Result<TrainConfig, String> {
        let Self {
            seed,
            epochs,
            batch_size,
            schedule,
            choice,
            patience,
            members,
            ensemble,
            hold_out,
            augmentation,
            preprocessing,
            features,
            relative,
            model,
        } = self;
        Ok(TrainConfig {
            seed,
            epochs,
            batch_size,
            schedule,
            choice,
            patience,
            members,
            ensemble,
            hold_out,
            augmentation,
            preprocessing,
            features,
            relative,
            model: Entry::read(models, model)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_disjoint_and_complete() {
        for n in [4, 10, 57, 1000, 300_000] {
            let split = HoldOut::default().split(n, 3).unwrap();
            let mut all = [split.train, split.validation, split.calibration].concat();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..n), "{n}");
        }
        assert!(HoldOut::default().split(3, 0).is_err());
    }

    #[test]
    fn the_number_that_too_few_samples_are_short_of_is_the_smallest_that_will_do() {
        let hold_out = |share, limit| HoldOut {
            validation: share,
            calibration: share,
            limit,
        };
        for share in [0.001, 0.1, 0.25, 0.3, 0.4, 0.45, 0.49] {
            for hold_out in [hold_out(share, 10_000), hold_out(share, 7)] {
                let mut told = None;
                for n in 0..300 {
                    match hold_out.split(n, 0) {
                        Ok(_) => assert!(told.take().is_none_or(|told| told == n), "{share} {n}"),
                        Err(error) => {
                            let text = error.to_string();
                            let number = text.split("at least ").nth(1).unwrap();
                            let number: usize = number.split(':').next().unwrap().parse().unwrap();
                            assert!(
                                number > n && told.is_none_or(|told| told == number),
                                "{text}"
                            );
                            told = Some(number);
                        }
                    }
                }
                assert_eq!(told, None, "{share}");
            }
        }
        let error = hold_out(0.499_999_999_999, usize::MAX).split(5, 0);
        let text = error.err().unwrap().to_string();
        assert!(text.contains("expected more than"), "{text}");
    }

    #[test]
    fn a_configuration_survives_toml_and_unknown_keys_do_not() {
        let kinds = [Kind::Table, Kind::Images];
        for (name, kind) in ModelConfig::names().flat_map(|n| kinds.map(|k| (n, k))) {
            let config = TrainConfig::recommended_for(name, kind, 10_000).unwrap();
            let text = config.to_toml().unwrap();
            let path = std::path::Path::new("config.toml");
            assert_eq!(
                TrainConfig::from_toml(&text, path).unwrap(),
                config,
                "{text}"
            );
            let within = text.replace("[model]", "[model]\ncolour = 1");
            for bad in [format!("colour = 1\n{text}"), within] {
                let error = TrainConfig::from_toml(&bad, path).unwrap_err().to_string();
                assert!(error.contains("colour"), "{name}: {error}");
            }
        }
    }

    #[test]
    fn the_cosine_goes_from_one_to_zero() {
        assert_eq!(Schedule::Cosine.scale(0, 100), 1.0);
        assert!((Schedule::Cosine.scale(50, 100) - 0.5).abs() < 1e-6);
        assert!(Schedule::Cosine.scale(99, 100) < 0.001);
    }
}
