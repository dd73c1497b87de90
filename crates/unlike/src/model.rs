//! A trained model: preprocessing, networks or baseline, score, calibration. What users hold.

mod compared;
mod stored;

use serde::{Deserialize, Serialize};
use unlike_core::{
    Calibration, Detector, Error, Explanations, GroupCalibrations, ImageShape, Images, InputSpec,
    Result, Samples, ScoreParts, ScoreRule, Scorer, Scores,
};
use unlike_data::{Noticed, Preprocessing};
use unlike_features::resized;

use self::{compared::Probabilities, stored::TYPICAL};
use crate::{
    fingerprint::{Sketch, fingerprint},
    generated,
    groups::Groups,
    looks::Look,
    sight::Sight,
    train::{Beside, EpochReport, IMAGE, Stop, TrainConfig},
};

/// The kind of a model file.
pub(crate) const KIND: &str = "unlike-model";

/// A trained model. Scoring it needs nothing else: no training data, no configuration file.
pub struct Model {
    parts: Parts,
    /// Position in `parts.scores`.
    score: usize,
    calibration: Calibration,
    /// Held-out normals by group, if they are calibrated so.
    groups: Option<(Groups, GroupCalibrations)>,
    /// Models that were trained without a fold of the normals each, and calibrated on it; none where
    /// normals were held out once.
    folds: Vec<Model>,
    /// What labelled samples say of probabilities, by the score that they were given.
    probabilities: Option<Probabilities>,
}

/// What a model is made of.
pub(crate) struct Parts {
    pub(crate) config: TrainConfig,
    pub(crate) sight: Sight,
    /// What is said of a sample, from what the scorer says.
    pub(crate) look: Look,
    pub(crate) scorer: Box<dyn Scorer>,
    /// The scores on offer, the recommended one first.
    pub(crate) scores: Vec<(String, ScoreRule)>,
    /// The score's parts over the calibration samples.
    pub(crate) calibration: ScoreParts,
    /// Models whose scores are parts of this one's.
    pub(crate) beside: Vec<Beside>,
    /// Mean contribution of each feature over held-out normals, where there is no map.
    pub(crate) typical_contributions: Vec<f32>,
    pub(crate) provenance: Provenance,
}

impl Parts {
    /// Contributions of which the typical ones are kept: none where maps say more.
    fn contributions(&self) -> usize {
        match self.sight.grid() {
            Some(_) => 0,
            None => self.sight.shape().size(),
        }
    }

    /// Refuses what no training can have made. A checksum says that a file was not damaged, and
    /// nothing about the program that wrote it.
    fn check(&self) -> Result<()> {
        for (_, rule) in &self.scores {
            rule.check()?;
        }
        let mismatch = |origin: &str, found: String, expected: String| {
            Err(Error::Mismatch {
                origin: Some(origin.into()),
                found,
                expected,
                hint: None,
            })
        };
        let typical = &self.typical_contributions;
        let expected = self.contributions();
        if typical.len() != expected {
            let found = format!("{} values", typical.len());
            return mismatch(TYPICAL, found, expected.to_string());
        }
        if let Some(value) = typical.iter().find(|v| !v.is_finite() || **v < 0.0) {
            let expected = "finite values from 0 up".to_owned();
            return mismatch(TYPICAL, value.to_string(), expected);
        }
        let Provenance {
            chosen_epoch,
            epochs,
            ..
        } = &self.provenance;
        let last = epochs.last().map_or(usize::MAX, |report| report.epoch);
        match *chosen_epoch {
            Some(epoch) if epoch == 0 || epoch > last => {
                let expected = "an epoch of the training".to_owned();
                mismatch("chosen_epoch", epoch.to_string(), expected)
            }
            _ => Ok(()),
        }
    }
}

/// How a model came about. Holds nothing that differs between two runs of the same training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of unlike that trained it.
    pub unlike_version: String,
    /// Where the training samples came from.
    pub origin: String,
    /// Of the normal samples that training was given, held-out ones included; empty in the models of
    /// earlier versions. See [`Model::trained_on`].
    #[serde(default)]
    pub fingerprint: String,
    /// Some of those samples, if they are rows. See [`Model::share_trained_on`].
    #[serde(default, skip_serializing_if = "Sketch::is_empty")]
    pub rows: Sketch,
    /// Samples that trained.
    pub n_train: usize,
    /// Held-out samples that measured every epoch.
    pub n_validation: usize,
    /// Held-out samples that calibrated.
    pub n_calibration: usize,
    /// The epoch whose networks these are, counted from 1; none for baselines, and for a training that
    /// was finished within its first epoch.
    pub chosen_epoch: Option<usize>,
    /// What ended the training before its last epoch, and after which; absent if nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// One report per epoch, without clock times.
    pub epochs: Vec<EpochReport>,
}

/// Scores, their parts, and what preprocessing has to say.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Scored {
    /// One raw score per sample, higher = more anomalous.
    pub scores: Scores,
    /// What the scores are made of.
    pub parts: ScoreParts,
    /// What is worth knowing about the samples: unseen categories, for instance.
    pub noticed: Noticed,
}

impl Model {
    pub(crate) fn new(mut parts: Parts) -> Result<Self> {
        parts.calibration = finite(parts.calibration)?;
        let score = 0;
        let calibration = calibrate(&parts, score)?;
        Ok(Self {
            parts,
            score,
            calibration,
            groups: None,
            folds: Vec::new(),
            probabilities: None,
        })
    }

    /// The same model with another of its scores; calibration follows.
    ///
    /// # Errors
    /// If the model has no such score.
    pub fn with_score(mut self, name: &str) -> Result<Self> {
        self.score = self.position_of(name)?;
        self.calibration = calibrate(&self.parts, self.score)?;
        if let Some((groups, _)) = self.groups.take() {
            let calibrations = groups.calibrations(&self.held_out_scores()?)?;
            self.groups = Some((groups, calibrations));
        }
        let folds = std::mem::take(&mut self.folds).into_iter();
        self.folds = folds
            .map(|fold| fold.with_score(name))
            .collect::<Result<_>>()?;
        Ok(self)
    }

    /// How one of the scores on offer is made from its parts.
    ///
    /// # Errors
    /// If the model has no such score.
    pub fn rule_of(&self, name: &str) -> Result<&ScoreRule> {
        Ok(&self.parts.scores[self.position_of(name)?].1)
    }

    /// The p-values of one of the scores on offer.
    ///
    /// # Errors
    /// If the model has no such score.
    pub fn calibration_of(&self, name: &str) -> Result<Calibration> {
        calibrate(&self.parts, self.position_of(name)?)
    }

    fn position_of(&self, score: &str) -> Result<usize> {
        let position = self.score_names().position(|name| name == score);
        position.ok_or_else(|| Error::Setting {
            name: "score".into(),
            found: format!("`{score}`"),
            expected: format!(
                "one of {}",
                self.score_names().collect::<Vec<_>>().join(", ")
            ),
            hint: None,
        })
    }

    /// The same model with p-values from other held-out normals.
    ///
    /// The samples must not have been trained on; p-values then hold for new normals that come
    /// from where these come from.
    ///
    /// # Errors
    /// If the samples do not fit the model, or there are none.
    pub fn recalibrate(mut self, normals: &Samples) -> Result<Self> {
        self.parts.calibration = self.evaluate(normals)?.parts;
        self.parts.provenance.n_calibration = normals.len();
        self.calibration = calibrate(&self.parts, self.score)?;
        self.groups = None;
        self.folds = Vec::new();
        Ok(self)
    }

    /// Scores with their parts and notes: the one function that everything else calls.
    ///
    /// # Errors
    /// If the samples do not fit the model.
    pub fn evaluate(&self, samples: &Samples) -> Result<Scored> {
        self.evaluate_parts(samples, None)
    }

    fn evaluate_parts(&self, samples: &Samples, wanted: Option<&[&str]>) -> Result<Scored> {
        let Parts {
            sight,
            look,
            scorer,
            beside,
            ..
        } = &self.parts;
        let seen = sight.bind(samples)?;
        let mut parts = ScoreParts::default();
        seen.in_chunks(|chunk| {
            parts.extend(finite(look.parts(&**scorer, chunk, wanted)?)?);
            Ok(())
        })?;
        if parts.is_empty() {
            let names = self.parts.calibration.names();
            parts = ScoreParts::new(names.map(|name| (name.to_owned(), Vec::new())).collect());
        } else {
            let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.contains(&name));
            for other in beside.iter().filter(|other| is_wanted(&other.name)) {
                parts = finite(parts.with(&other.name, other.said(samples)?))?;
            }
        }
        let scores = self.rule().apply(&parts)?;
        Ok(Scored {
            scores,
            parts,
            noticed: seen.noticed(),
        })
    }

    /// What the model makes of each image: the nearest thing to it that it can generate. `None` for
    /// tables, and for models that generate nothing.
    ///
    /// # Errors
    /// If the samples do not fit the model.
    pub fn reconstructions(&self, samples: &Samples) -> Result<Option<Images>> {
        generated::reconstructions(&self.parts.sight, self.parts.scorer.as_ref(), samples)
    }

    /// The few numbers by which the model knows each sample, `[samples.len(), n]`: what its encoder, or its
    /// search, makes of it, or how far it lies along principal components. `None` for models that know samples by
    /// nothing of the kind, and of images that are seen place by place. Of several networks side by side, the
    /// first's.
    ///
    /// # Errors
    /// If the samples do not fit the model.
    pub fn embeddings(&self, samples: &Samples) -> Result<Option<Vec<f32>>> {
        generated::embeddings(&self.parts.sight, self.parts.scorer.as_ref(), samples)
    }

    /// Images out of nothing but noise; the same seed gives the same ones. `None` for tables, and
    /// for models without a generator of this kind.
    ///
    /// # Errors
    /// If a value is not a number.
    pub fn generated(&self, count: usize, seed: u64) -> Result<Option<Images>> {
        generated::generated(&self.parts.sight, self.parts.scorer.as_ref(), count, seed)
    }

    /// Whether these are, value for value, the normal samples that training was given. Columns that
    /// the model does not know make no difference.
    ///
    /// # Errors
    /// If an image can no longer be read.
    pub fn trained_on(&self, normals: &Samples) -> Result<bool> {
        Ok(self.parts.provenance.fingerprint == fingerprint(normals, &self.input())?)
    }

    /// The share of these samples, rows of a table, that equal rows that training was given; from
    /// thousands of rows on an estimate. `None` where that cannot be told: of images, and in the models
    /// of earlier versions.
    pub fn share_trained_on(&self, samples: &Samples) -> Option<f64> {
        let rows = &self.parts.provenance.rows;
        rows.share_of(samples, &self.input())
    }

    /// The settings that it was trained with.
    pub fn config(&self) -> &TrainConfig {
        &self.parts.config
    }

    /// How columns become numbers.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.parts.sight.preprocessing
    }

    /// Numbers that the detector sees at once: of a row, an image, or a place of an image.
    pub fn n_features(&self) -> usize {
        self.parts.sight.shape().size()
    }

    /// What a network makes of images for the detector, in words; `None` if it sees pixels or rows.
    pub fn features_in_words(&self) -> Option<String> {
        let extraction = self.parts.sight.extraction.as_ref()?;
        let mut beside = self.parts.beside.iter();
        let whole = beside.find(|other| other.name == IMAGE);
        Some(
            match whole.and_then(|whole| whole.model.features_in_words()) {
                Some(of_whole) => format!("{}, and {of_whole}", extraction.describe()),
                None => extraction.describe(),
            },
        )
    }

    /// Whether it explains images by maps; if not, samples are explained by columns.
    pub fn has_maps(&self) -> bool {
        self.parts.sight.grid().is_some()
    }

    /// How it came about.
    pub fn provenance(&self) -> &Provenance {
        &self.parts.provenance
    }

    /// The p-values of the present score.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The score in use.
    pub fn score_name(&self) -> &str {
        &self.parts.scores[self.score].0
    }

    /// The scores on offer, the recommended one first.
    pub fn score_names(&self) -> impl Iterator<Item = &str> {
        self.parts.scores.iter().map(|(name, _)| name.as_str())
    }

    /// The score that is recommended.
    fn recommended(&self) -> &str {
        &self.parts.scores[0].0
    }

    /// The names of the parts that scores are made of, in the order in which they are shown.
    pub fn part_names(&self) -> impl Iterator<Item = &str> {
        self.parts.calibration.names()
    }

    /// How the score in use is made from its parts.
    pub fn rule(&self) -> &ScoreRule {
        &self.parts.scores[self.score].1
    }

    /// Numbers that were learned from samples: the weights of networks, and what a baseline keeps.
    /// The running statistics of batch norm, the singular vectors of spectral norm and the shape of
    /// the features are stored beside them, and do not count.
    pub fn parameters(&self) -> usize {
        let beside = self.parts.beside.iter();
        let of_others = beside.map(|other| other.model.parameters()).sum::<usize>();
        let arrays = self.parts.scorer.arrays();
        let learned = arrays.iter().filter(|(name, _)| is_learned(name));
        of_others + learned.map(|(_, array)| array.values.len()).sum::<usize>()
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("model", &self.config().model.name())
            .field("score", &self.score_name())
            .finish_non_exhaustive()
    }
}

impl Detector for Model {
    fn input(&self) -> InputSpec {
        self.parts.sight.preprocessing.input()
    }

    fn score(&self, samples: &Samples) -> Result<Scores> {
        // The parts that the score is made of, and no others: some cost a network of their own.
        let wanted = self.rule().parts();
        Ok(self.evaluate_parts(samples, Some(&wanted))?.scores)
    }

    fn score_parts(&self, samples: &Samples) -> Result<ScoreParts> {
        Ok(self.evaluate(samples)?.parts)
    }

    /// For tables, contributions are in units of the column's own mean over held-out normals: 1 is
    /// typical. So they are for images that are pooled into one row of features.
    ///
    /// For other images, a map: how far what the model says of a place is above what it says of the same
    /// place of held-out normals, in units of its spread there; 0 where it is below. The place of a patch
    /// is spread over the pixels that it stands for, by interpolation.
    fn explain(&self, samples: &Samples) -> Result<Explanations> {
        let Some(grid) = self.parts.sight.grid() else {
            let names = match (self.input(), &self.parts.sight.extraction) {
                (_, Some(extraction)) => extraction.names(),
                (InputSpec::Table { columns }, None) => {
                    columns.into_iter().map(|c| c.name).collect()
                }
                (InputSpec::Image(_), None) => Vec::new(),
            };
            return Ok(Explanations::Columns {
                names,
                values: self.column_contributions(samples)?,
            });
        };
        let (height, width) = match self.input() {
            InputSpec::Image(ImageShape { height, width, .. }) => (height, width),
            InputSpec::Table { .. } => (grid[0], grid[1]),
        };
        Ok(Explanations::Maps {
            height,
            width,
            values: self.maps(grid, [height, width], samples)?,
        })
    }
}

impl Model {
    /// `[N, columns]`
    fn column_contributions(&self, samples: &Samples) -> Result<Vec<f32>> {
        let fold = |contributions: &[f32]| match self.parts.sight.preprocessing.as_table() {
            Some(table) => table.fold(contributions),
            None => contributions.to_vec(),
        };
        let typical = fold(&self.parts.typical_contributions);
        // A column that normals reproduce perfectly would make any departure infinite; a hundredth
        // of the mean column is the finest unit.
        let floor = 0.01 * typical.iter().sum::<f32>() / typical.len().max(1) as f32;
        let unit: Vec<f32> = typical
            .iter()
            .map(|t| t + floor.max(f32::MIN_POSITIVE))
            .collect();
        let seen = self.parts.sight.bind(samples)?;
        let mut values = Vec::with_capacity(samples.len() * unit.len());
        seen.in_chunks(|chunk| {
            let folded = fold(&self.parts.scorer.contributions(&*chunk.features()?)?);
            values.extend(
                folded
                    .iter()
                    .zip(unit.iter().cycle())
                    .map(|(c, u)| (c / u).min(f32::MAX)),
            );
            Ok(())
        })?;
        Ok(values)
    }

    /// `[N, height, width]`
    fn maps(&self, grid: [usize; 2], image: [usize; 2], samples: &Samples) -> Result<Vec<f32>> {
        let Parts {
            sight,
            look,
            scorer,
            ..
        } = &self.parts;
        let seen = sight.bind(samples)?;
        // What others say, of the image as a whole for one, does not say where.
        let of_others = |part: &&str| self.parts.beside.iter().any(|other| other.name == **part);
        let rule = match self.rule().parts().iter().all(of_others) {
            true => self.rule_of(self.recommended())?,
            false => self.rule(),
        };
        let mut values = Vec::with_capacity(samples.len() * image[0] * image[1]);
        seen.in_chunks(|chunk| {
            let maps = look.maps(&**scorer, chunk, rule)?;
            for map in maps.chunks_exact(grid[0] * grid[1]) {
                let mut map = resized(map, grid, image);
                // What surrounds an image is no place of it.
                if let Some(region) = seen.region(values.len() / (image[0] * image[1]), image) {
                    region.clear_others(&mut map, image[1]);
                }
                // Sums of what is as high as numbers go.
                values.extend(map.into_iter().map(|v| v.min(f32::MAX)));
            }
            Ok(())
        })?;
        Ok(values)
    }
}

/// Whether an array of this name holds parameters, and not what is only kept beside them.
fn is_learned(name: &str) -> bool {
    let mut path = name.rsplit('.');
    match path.next() {
        Some("running_mean" | "running_variance" | "shape") => false,
        Some("u" | "v") => path.next() != Some("spectral"),
        _ => true,
    }
}

/// The calibration of one of the scores.
fn calibrate(parts: &Parts, score: usize) -> Result<Calibration> {
    let (_, rule) = parts.scores.get(score).ok_or_else(|| Error::NotEnough {
        what: "scores on offer".into(),
        found: "none".into(),
        expected: "at least 1".into(),
        hint: None,
    })?;
    Calibration::fit(&rule.apply(&parts.calibration)?)
}

fn finite(parts: ScoreParts) -> Result<ScoreParts> {
    for (name, values) in parts.iter() {
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                what: format!("the score part `{name}`"),
                location: format!(", sample {}", at + 1),
                hint: Some("the input is far outside what training saw".into()),
            });
        }
    }
    Ok(parts)
}
