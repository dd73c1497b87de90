//! The list of models, open to others: from a name to settings, from settings to a model in training
//! or in use.

use std::{any::Any, fmt, marker::PhantomData};

use serde::{Serialize, Serializer};
use serde_json::Value;
use unlike_core::{Arrays, Error, FeatureShape, Features, Result, Scorer};
use unlike_data::Scaling;

use crate::{
    backend::Device,
    kind::Kind,
    method::{Method, NetworkScorer, Playing, Settings, Trainee},
    nn::Trained,
};

/// A model that is fitted in one go.
pub trait Baseline: Settings {
    /// Fits it to normal samples.
    ///
    /// # Errors
    /// If there is too little to fit it to.
    fn fit(&self, features: &Features, seed: u64) -> Result<Box<dyn Scorer>>;

    /// Rebuilds it from what [`Scorer::arrays`] gave.
    ///
    /// # Errors
    /// If an array is missing or does not fit the others.
    fn restore(&self, arrays: &Arrays) -> Result<Box<dyn Scorer>>;
}

/// A model in a list of models: its name, and how its settings come about.
#[derive(Clone, Copy)]
pub struct Entry {
    /// As flags and files spell it.
    pub name: &'static str,
    /// Whether it is made of networks; baselines are not.
    pub networks: bool,
    /// Held-out samples of each kind that are recommended, at most.
    pub(crate) hold_out_limit: fn() -> usize,
    /// Whether it sees rows only, and no pixels.
    pub(crate) rows_only: bool,
    /// How columns of numbers are scaled, as recommended.
    pub(crate) scaling: Scaling,
    recommended: fn(Kind) -> ModelConfig,
    read: fn(Value) -> Result<ModelConfig, String>,
}

/// The entry of a model that is made of networks.
pub const fn method<M: Method>() -> Entry {
    entry::<M, AsMethod>()
}

/// The entry of a model that is fitted in one go.
pub const fn baseline<B: Baseline>() -> Entry {
    entry::<B, AsBaseline>()
}

const fn entry<S: Settings, R: Role<S>>() -> Entry {
    Entry {
        name: S::NAME,
        networks: R::NETWORKS,
        hold_out_limit: S::hold_out_limit,
        rows_only: S::SEES_ROWS_ONLY,
        scaling: S::SCALING,
        recommended: |kind| ModelConfig::of::<S, R>(S::recommended(kind)),
        read: |value| {
            let read = serde_path_to_error::deserialize(value);
            read.map(ModelConfig::of::<S, R>).map_err(|error| {
                match error.path().to_string().as_str() {
                    "." => format!("`model`: {}", error.inner()),
                    path => format!("`model.{path}`: {}", error.inner()),
                }
            })
        },
    }
}

impl Entry {
    /// The recommended settings for samples of this kind.
    pub fn recommended(&self, kind: Kind) -> ModelConfig {
        (self.recommended)(kind)
    }

    /// The name, as people write it.
    pub fn title(&self) -> String {
        self.recommended(Kind::Table).title().to_owned()
    }

    /// The name of this model as people write it; as it stands if the list has no such model.
    pub fn title_of(models: &[Self], name: &str) -> String {
        let entry = models.iter().find(|entry| entry.name == name);
        entry.map_or_else(|| name.to_owned(), Self::title)
    }

    /// Settings as files hold them, with the model's name under `model`.
    ///
    /// # Errors
    /// Says what is wrong, and where, if there is no such model in the list, a key is unknown or
    /// missing, or a value is outside its range.
    pub(crate) fn read(models: &[Self], settings: Value) -> Result<ModelConfig, String> {
        let Value::Object(mut settings) = settings else {
            return Err("`model`: expected the name and the settings of a model".into());
        };
        let Some(Value::String(name)) = settings.remove(TAG) else {
            return Err("`model.model`: missing; expected the name of a model".into());
        };
        let entry = Self::find(models, &name).map_err(|error| error.to_string())?;
        (entry.read)(Value::Object(settings))
    }

    /// The entry of this name.
    ///
    /// # Errors
    /// If there is none; names those that there are.
    pub fn find(models: &[Self], name: &str) -> Result<Self> {
        let found = models.iter().find(|entry| entry.name == name);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = models.iter().map(|entry| entry.name).collect();
            Error::Setting {
                name: "model".into(),
                found: format!("`{name}`"),
                expected: format!("one of {}", names.join(", ")),
                hint: None,
            }
        })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.name).finish()
    }
}

/// The key of the name among a model's settings.
const TAG: &str = "model";

/// Which model, and its settings.
///
/// As text it is a table of the settings with the model's name under `model`.
pub struct ModelConfig(Box<dyn Model>);

impl ModelConfig {
    /// A model that is made of networks, with these settings.
    pub fn method(settings: impl Method) -> Self {
        Self::of::<_, AsMethod>(settings)
    }

    /// A model that is fitted in one go, with these settings.
    pub fn baseline(settings: impl Baseline) -> Self {
        Self::of::<_, AsBaseline>(settings)
    }

    fn of<S: Settings, R: Role<S>>(settings: S) -> Self {
        let role = PhantomData::<R>;
        Self(Box::new(Of { settings, role }))
    }

    /// The name, as flags and files spell it.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The name, as people write it.
    pub fn title(&self) -> &'static str {
        self.0.title()
    }

    /// The settings, if they are of this model.
    pub fn get<S: Settings>(&self) -> Option<&S> {
        self.0.settings().downcast_ref()
    }

    /// The settings, to be changed, if they are of this model.
    pub fn get_mut<S: Settings>(&mut self) -> Option<&mut S> {
        self.0.settings_mut().downcast_mut()
    }

    /// Whether it tells the places of an image's patches apart.
    pub fn sees_places(&self) -> bool {
        self.0.sees_places()
    }

    /// Whether it is made of networks, which live on a device; baselines are not.
    pub fn has_networks(&self) -> bool {
        self.0.has_networks()
    }

    /// A model with fresh networks to train, or `None` for baselines, which are fitted in one go.
    ///
    /// # Errors
    /// If the model does not take such features.
    pub fn trainee(
        &self,
        input: &FeatureShape,
        seed: u64,
        device: &Device,
    ) -> Result<Option<Box<dyn Trainee>>> {
        self.0.trainee(input, seed, device)
    }

    /// Fits a baseline.
    ///
    /// # Errors
    /// If the model is not a baseline, or there is too little to fit it to.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Box<dyn Scorer>> {
        self.0.fit(features, seed)
    }

    /// Rebuilds a trained model from what [`Scorer::arrays`] gave; `seed` is that of its training.
    ///
    /// # Errors
    /// If an array is missing or has another shape than the settings ask for.
    pub fn restore(
        &self,
        input: &FeatureShape,
        arrays: &Arrays,
        seed: u64,
        device: &Device,
    ) -> Result<Box<dyn Scorer>> {
        self.0.restore(input, arrays, seed, device)
    }
}

impl Clone for ModelConfig {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl PartialEq for ModelConfig {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&*other.0)
    }
}

impl fmt::Debug for ModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ModelConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // In the order of the fields, the name first.
        #[derive(Serialize)]
        struct Tagged<'a> {
            model: &'a str,
            #[serde(flatten)]
            settings: &'a dyn erased_serde::Serialize,
        }
        Tagged {
            model: self.name(),
            settings: self.0.serialized(),
        }
        .serialize(serializer)
    }
}

/// A model of any kind behind its settings.
trait Model: fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn boxed(&self) -> Box<dyn Model>;
    fn equals(&self, other: &dyn Model) -> bool;
    fn settings(&self) -> &dyn Any;
    fn settings_mut(&mut self) -> &mut dyn Any;
    fn serialized(&self) -> &dyn erased_serde::Serialize;
    fn sees_places(&self) -> bool;
    fn has_networks(&self) -> bool;
    fn trainee(&self, x: &FeatureShape, seed: u64, on: &Device)
    -> Result<Option<Box<dyn Trainee>>>;
    fn fit(&self, features: &Features, seed: u64) -> Result<Box<dyn Scorer>>;
    fn restore(
        &self,
        x: &FeatureShape,
        arrays: &Arrays,
        seed: u64,
        on: &Device,
    ) -> Result<Box<dyn Scorer>>;
}

/// Settings, and what they are the settings of.
struct Of<S, R> {
    settings: S,
    role: PhantomData<R>,
}

/// How settings become a model.
trait Role<S>: Send + Sync + 'static {
    const NETWORKS: bool;

    fn trainee(
        settings: &S,
        x: &FeatureShape,
        seed: u64,
        on: &Device,
    ) -> Result<Option<Box<dyn Trainee>>>;

    fn fit(settings: &S, features: &Features, seed: u64) -> Result<Box<dyn Scorer>>;

    fn restore(
        settings: &S,
        x: &FeatureShape,
        arrays: &Arrays,
        seed: u64,
        on: &Device,
    ) -> Result<Box<dyn Scorer>>;
}

struct AsMethod;

impl<M: Method> Role<M> for AsMethod {
    const NETWORKS: bool = true;

    fn trainee(
        settings: &M,
        x: &FeatureShape,
        seed: u64,
        on: &Device,
    ) -> Result<Option<Box<dyn Trainee>>> {
        Ok(Some(Box::new(Playing::new(settings, x, seed, on)?)))
    }

    fn fit(_: &M, _: &Features, _: u64) -> Result<Box<dyn Scorer>> {
        Err(Error::Setting {
            name: "model".into(),
            found: format!("`{}`", M::NAME),
            expected: "a baseline".into(),
            hint: None,
        })
    }

    fn restore(
        settings: &M,
        x: &FeatureShape,
        arrays: &Arrays,
        seed: u64,
        on: &Device,
    ) -> Result<Box<dyn Scorer>> {
        let nets = Trained::load(settings.plans(x)?, x, arrays, on)?;
        Ok(Box::new(NetworkScorer::new(settings.seeded(seed), nets)))
    }
}

struct AsBaseline;

impl<B: Baseline> Role<B> for AsBaseline {
    const NETWORKS: bool = false;

    fn trainee(_: &B, _: &FeatureShape, _: u64, _: &Device) -> Result<Option<Box<dyn Trainee>>> {
        Ok(None)
    }

    fn fit(settings: &B, features: &Features, seed: u64) -> Result<Box<dyn Scorer>> {
        settings.fit(features, seed)
    }

    fn restore(
        settings: &B,
        _: &FeatureShape,
        arrays: &Arrays,
        _: u64,
        _: &Device,
    ) -> Result<Box<dyn Scorer>> {
        settings.restore(arrays)
    }
}

impl<S: Settings, R: Role<S>> Model for Of<S, R> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn title(&self) -> &'static str {
        S::TITLE
    }

    fn boxed(&self) -> Box<dyn Model> {
        let (settings, role) = (self.settings.clone(), PhantomData::<R>);
        Box::new(Self { settings, role })
    }

    fn equals(&self, other: &dyn Model) -> bool {
        self.name() == other.name() && Some(&self.settings) == other.settings().downcast_ref()
    }

    fn settings(&self) -> &dyn Any {
        &self.settings
    }

    fn settings_mut(&mut self) -> &mut dyn Any {
        &mut self.settings
    }

    fn serialized(&self) -> &dyn erased_serde::Serialize {
        &self.settings
    }

    fn sees_places(&self) -> bool {
        S::SEES_PLACES
    }

    fn has_networks(&self) -> bool {
        R::NETWORKS
    }

    fn trainee(
        &self,
        x: &FeatureShape,
        seed: u64,
        on: &Device,
    ) -> Result<Option<Box<dyn Trainee>>> {
        R::trainee(&self.settings, x, seed, on)
    }

    fn fit(&self, features: &Features, seed: u64) -> Result<Box<dyn Scorer>> {
        R::fit(&self.settings, features, seed)
    }

    fn restore(
        &self,
        x: &FeatureShape,
        arrays: &Arrays,
        seed: u64,
        on: &Device,
    ) -> Result<Box<dyn Scorer>> {
        R::restore(&self.settings, x, arrays, seed, on)
    }
}

/// As the settings, with the name of the model before them.
impl<S: Settings, R> fmt::Debug for Of<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", S::NAME, self.settings)
    }
}
