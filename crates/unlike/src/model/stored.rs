//! What a model's file holds, and how a model comes back from it.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, Error, Result, ScoreParts, ScoreRule};
use unlike_data::Preprocessing;
use unlike_features::FeatureConfig;

use super::{KIND, Model, Parts, Provenance, compared::Probabilities};
use crate::{
    backend,
    file::{self, Networks},
    groups::Groups,
    looks::Look,
    members,
    models::MODELS,
    registry::{Entry, ModelConfig},
    sight::Sight,
    train::{Beside, TrainConfig, names_beside},
};

/// What a model file says beside its arrays.
#[derive(Serialize, Deserialize)]
struct Header<M> {
    config: TrainConfig<M>,
    preprocessing: Preprocessing,
    scores: Vec<(String, ScoreRule)>,
    score: String,
    part_names: Vec<String>,
    provenance: Provenance,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Groups>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probabilities: Option<Probabilities>,
    /// Of models beside it, by the names of their parts; their arrays are called `beside.NAME.…`.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    beside: Vec<(String, Header<M>)>,
    /// Of the models of the folds, whose arrays are called `fold.0.…`.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    folds: Vec<Header<M>>,
}

impl<M> Header<M> {
    /// Reads the networks that features are made by, here or in files.
    fn open(&mut self, networks: &Networks, folder: Option<&Path>) -> Result<()> {
        if let Some(features) = self.config.features.take() {
            let held = |digest: &str| networks.get(digest).map(Vec::as_slice);
            self.config.features = Some(features.restored(held, folder)?);
        }
        let beside = self.beside.iter_mut().map(|(_, header)| header);
        let mut nested = self.folds.iter_mut().chain(beside);
        nested.try_for_each(|header| header.open(networks, folder))
    }
}

const WEIGHTS: &str = "model.";
const FEATURES: &str = "features.";
const PLACES: &str = "places.";
const CALIBRATION: &str = "calibration.";
pub(super) const TYPICAL: &str = "typical_contributions";

/// What the names of the arrays of a model beside another begin with.
fn beside_prefix(name: &str) -> String {
    format!("beside.{name}.")
}

/// What the names of a fold's arrays begin with.
fn fold_prefix(fold: usize) -> String {
    format!("fold.{fold}.")
}

impl Model {
    /// Writes the model as one file, as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; what was there before stays.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let (header, arrays) = self.content();
        file::write(path.as_ref(), KIND, &header, &arrays, &self.networks())
    }

    /// The bytes of the file that [`save`](Self::save) writes.
    ///
    /// # Errors
    /// If a setting cannot be written (none of ours).
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let (header, arrays) = self.content();
        file::content(KIND, &header, &arrays, &self.networks())
    }

    /// The networks of files that its own holds: one, by which the models of folds see, too.
    fn networks(&self) -> Networks {
        let features = self.parts.config.features.as_ref();
        let held = features.and_then(FeatureConfig::embedded);
        held.map(|(digest, bytes)| (digest.to_owned(), bytes.to_vec()))
            .into_iter()
            .collect()
    }

    /// What a file holds.
    fn content(&self) -> (Header<ModelConfig>, Arrays) {
        let Parts {
            config,
            sight,
            look,
            scorer,
            scores,
            calibration,
            ..
        } = &self.parts;
        let mut arrays = Arrays::new();
        arrays.add(WEIGHTS, &scorer.arrays());
        if let Some(extraction) = &sight.extraction {
            arrays.add(FEATURES, &extraction.arrays());
        }
        let mut places = Arrays::new();
        look.save(&mut places);
        arrays.add(PLACES, &places);
        for (name, values) in calibration.iter() {
            arrays.insert(
                format!("{CALIBRATION}{name}"),
                &[values.len()],
                values.to_vec(),
            );
        }
        let typical = self.parts.typical_contributions.clone();
        arrays.insert(TYPICAL, &[typical.len()], typical);
        let mut header = Header {
            config: config.clone(),
            preprocessing: sight.preprocessing.clone(),
            scores: scores.clone(),
            score: self.score_name().to_owned(),
            part_names: calibration.names().map(str::to_owned).collect(),
            provenance: self.parts.provenance.clone(),
            groups: self.groups.as_ref().map(|(groups, _)| groups.clone()),
            probabilities: self.probabilities.clone(),
            beside: Vec::new(),
            folds: Vec::new(),
        };
        let mut nest = |prefix: &str, model: &Self| {
            let (header, named) = model.content();
            arrays.add(prefix, &named);
            header
        };
        for Beside { name, model } in &self.parts.beside {
            let nested = nest(&beside_prefix(name), model);
            header.beside.push((name.clone(), nested));
        }
        for (k, fold) in self.folds.iter().enumerate() {
            header.folds.push(nest(&fold_prefix(k), fold));
        }
        (header, arrays)
    }

    /// Reads a model file; `path` may also be the run directory that holds it.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or was written by a newer version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(path, "cpu")
    }

    /// Reads a model file and puts its networks on a device; see [`backend::device`].
    ///
    /// # Errors
    /// As [`load`](Self::load), and if there is no such device.
    pub fn load_on(path: impl AsRef<Path>, device: &str) -> Result<Self> {
        Self::load_with(path, device, MODELS)
    }

    /// As [`load_on`](Self::load_on), for a model of this list.
    ///
    /// # Errors
    /// As there.
    pub fn load_with(path: impl AsRef<Path>, device: &str, models: &[Entry]) -> Result<Self> {
        let device = backend::device(device)?;
        let mut path = path.as_ref().to_owned();
        if path.is_dir() {
            path.push("model.safetensors");
        }
        Self::restored(file::read(&path, KIND)?, &path, &device, models)
    }

    /// Rebuilds a model from what [`to_bytes`](Self::to_bytes) gave; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`load_on`](Self::load_on).
    pub fn from_bytes(bytes: &[u8], name: &str, device: &str) -> Result<Self> {
        let (device, path) = (backend::device(device)?, Path::new(name));
        Self::restored(file::parse(bytes, path, KIND)?, path, &device, MODELS)
    }

    fn restored(
        (mut header, arrays, networks): (Header<serde_json::Value>, Arrays, Networks),
        path: &Path,
        device: &backend::Device,
        models: &[Entry],
    ) -> Result<Self> {
        let unfit = |error: Error| Error::Malformed {
            path: path.to_owned(),
            location: Default::default(),
            found: format!("a model whose parts do not fit each other ({error})"),
            expected: "a model that unlike wrote".into(),
            hint: None,
        };
        // A network that is not there is no damage of this file.
        header.open(&networks, path.parent())?;
        Self::assembled(header, &arrays, device, models).map_err(unfit)
    }

    /// Puts together what a file holds.
    fn assembled(
        header: Header<serde_json::Value>,
        arrays: &Arrays,
        device: &backend::Device,
        models: &[Entry],
    ) -> Result<Self> {
        let config = header.config.with_model_of(models);
        let config = config.map_err(|found| Error::Mismatch {
            origin: None,
            found,
            expected: "settings that this program knows".into(),
            hint: None,
        })?;
        // First, because networks are built from the settings.
        config.check()?;
        let sight = Sight::restore(header.preprocessing, &config, &arrays.under(FEATURES))?;
        let scorer = members::restore(&config, &sight.shape(), &arrays.under(WEIGHTS), device)?;
        let mut beside = Vec::new();
        for (name, header) in header.beside {
            let arrays = arrays.under(&beside_prefix(&name));
            let model = Arc::new(Self::assembled(header, &arrays, device, models)?);
            beside.push(Beside { name, model });
        }
        let found: Vec<String> = beside.iter().map(|other| other.name.clone()).collect();
        let expected = names_beside(&config);
        if found != expected {
            let listed = |names: &[String]| match names.is_empty() {
                true => "none".to_owned(),
                false => names.join(", "),
            };
            return Err(Error::Mismatch {
                origin: Some("models beside this one".into()),
                found: listed(&found),
                expected: format!("{}, as the settings say", listed(&expected)),
                hint: None,
            });
        }
        let own = header
            .part_names
            .iter()
            .filter(|name| !found.contains(name));
        let own: Vec<String> = own.cloned().collect();
        let look = Look::load(&sight, &own, &arrays.under(PLACES))?;
        let mut calibration = Vec::new();
        for name in &header.part_names {
            let values = &arrays.any_shape(&format!("{CALIBRATION}{name}"))?.values;
            calibration.push((name.clone(), values.to_vec()));
        }
        let parts = Parts {
            typical_contributions: arrays.any_shape(TYPICAL)?.values.clone(),
            config,
            sight,
            look,
            scorer,
            beside,
            scores: header.scores,
            calibration: ScoreParts::checked(calibration)?,
            provenance: header.provenance,
        };
        parts.check()?;
        let mut model = Self::new(parts)?.with_score(&header.score)?;
        model.probabilities = header.probabilities;
        if let Some(groups) = header.groups {
            let calibrations = groups.calibrations(&model.held_out_scores()?)?;
            model.groups = Some((groups, calibrations));
        }
        for (k, of_fold) in header.folds.into_iter().enumerate() {
            let named = arrays.under(&fold_prefix(k));
            let fold = Self::assembled(of_fold, &named, device, models)?;
            model.folds.push(fold.with_score(&header.score)?);
        }
        Ok(model)
    }
}
