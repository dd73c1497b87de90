//! The settings of the papers, where they are known.

use unlike_core::{Error, Result};

use crate::{
    kind::Kind,
    models::{
        anogan::Anogan, bigan::Bigan, egbad::Egbad, fanogan::Fanogan, ganomaly::Ganomaly,
        simplenet::Simplenet, vae::Vae,
    },
    registry::ModelConfig,
    settings::Weight,
    train::TrainConfig,
};

/// The models whose papers' settings are known, by name.
pub const WITH_PAPER: [&str; 7] = [
    "anogan",
    "bigan",
    "egbad",
    "fanogan",
    "ganomaly",
    "simplenet",
    "vae",
];

/// These settings with those of the model's paper, or of its authors' code, in place of the recommended
/// ones: of networks, losses, optimisers and score; batches; and epochs where the paper names them.
///
/// # Errors
/// If the model has no paper's settings: baselines have none.
pub fn paper(config: TrainConfig, kind: Kind) -> Result<TrainConfig> {
    let of_images = |images: usize, table: usize| match kind {
        Kind::Images => images,
        Kind::Table => table,
    };
    let name = config.model.name();
    let (model, batch_size, epochs) = match name {
        "anogan" => {
            let model = ModelConfig::method(Anogan::paper(kind));
            (model, of_images(100, 50), None)
        }
        "bigan" => {
            // EGBAD's training, in which the paper has no residual term and no score of D's.
            let settings = Egbad {
                spectral_norm: false,
                residual_weight: Weight::of(0.0),
                score: "residual".into(),
                ..Egbad::paper(kind)
            };
            (
                ModelConfig::method(Bigan(settings)),
                of_images(100, 50),
                None,
            )
        }
        "egbad" => {
            let model = ModelConfig::method(Egbad::paper(kind));
            (model, of_images(100, 50), None)
        }
        "ganomaly" => (ModelConfig::method(Ganomaly::paper(kind)), 64, Some(15)),
        "fanogan" => (ModelConfig::method(Fanogan::paper(kind)), 64, None),
        // The paper's batches are places of 8 images; here, places of all images are mixed.
        "simplenet" => {
            let model = ModelConfig::method(Simplenet::paper());
            (model, config.batch_size, None)
        }
        "vae" => (ModelConfig::method(Vae::paper(kind)), 100, None),
        _ => {
            return Err(Error::Setting {
                name: "preset".into(),
                found: format!("`paper` for {name}"),
                expected: format!("one of the models {}", WITH_PAPER.join(", ")),
                hint: None,
            });
        }
    };
    Ok(TrainConfig {
        batch_size,
        epochs: epochs.unwrap_or(config.epochs),
        members: 1,
        ensemble: Vec::new(),
        relative: false,
        model,
        ..config
    })
}
