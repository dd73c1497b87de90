//! The models, one paper a file, and the list of them.

pub mod anogan;
mod baselines;
pub mod bigan;
pub mod egbad;
pub mod fanogan;
pub mod ganomaly;
pub mod simplenet;
#[cfg(test)]
pub(crate) mod tests;
pub mod vae;

use unlike_core::Result;

pub use crate::kind::Kind;
use crate::registry::{Entry, ModelConfig, baseline, method};
use anogan::Anogan;
use bigan::Bigan;
use egbad::Egbad;
use fanogan::Fanogan;
use ganomaly::Ganomaly;
use simplenet::Simplenet;
use unlike_baselines::{
    EcodConfig, IforestConfig, KnnConfig, PadimConfig, PatchcoreConfig, PcaConfig,
};
use vae::Vae;

/// All models of this crate. A user's own stand beside them in a list like this one:
/// `[MODELS, &[method::<Mine>()]].concat()`.
pub const MODELS: &[Entry] = &[
    method::<Egbad>(),
    method::<Bigan>(),
    method::<Anogan>(),
    method::<Fanogan>(),
    method::<Ganomaly>(),
    method::<Simplenet>(),
    method::<Vae>(),
    baseline::<PcaConfig>(),
    baseline::<KnnConfig>(),
    baseline::<PatchcoreConfig>(),
    baseline::<PadimConfig>(),
    baseline::<IforestConfig>(),
    baseline::<EcodConfig>(),
];

impl ModelConfig {
    /// The names of all models of this crate, as flags and files spell them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        MODELS.iter().map(|entry| entry.name)
    }

    /// The recommended settings of the model of this name for samples of this kind.
    ///
    /// # Errors
    /// If there is no such model.
    pub fn by_name(name: &str, kind: Kind) -> Result<Self> {
        Ok(Entry::find(MODELS, name)?.recommended(kind))
    }
}
