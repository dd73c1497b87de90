//! What each setting of a training means, on a line.

use unlike_core::Result;

use crate::train::TrainConfig;

/// Tables of settings and their settings; those of models under `model` whichever model that is. Arrays and
/// tables of choices have their own name as a key (`init = "xavier"`).
const MEANINGS: [(&str, &[(&str, &str)]); 16] = [
    (
        "",
        &[
            ("seed", "decides every random choice"),
            ("epochs", "passes over the training samples, at most"),
            ("batch_size", "samples per update"),
            (
                "schedule",
                "how the learning rate moves: constant or cosine",
            ),
            (
                "choice",
                "which epoch becomes the model: held-out (best on held-out normals) or last",
            ),
            ("patience", "stop after so many epochs without a better one"),
            (
                "members",
                "networks side by side, from different first weights; scores are their mean",
            ),
            (
                "ensemble",
                "models that train beside this one, with recommended settings; their scores are added",
            ),
            (
                "relative",
                "images as pixels: whether the score compares with what is usual for images as busy",
            ),
        ],
    ),
    (
        "hold_out",
        &[
            (
                "validation",
                "share of the normals that measures every epoch",
            ),
            (
                "calibration",
                "share of the normals that turns scores into p-values",
            ),
            ("limit", "neither part is larger than this"),
        ],
    ),
    (
        "preprocessing",
        &[
            (
                "scaling",
                "numbers: min-max (to -1 and 1), standard (mean 0, deviation 1), or bounded (so, within ±5)",
            ),
            ("tails", "heavy tails: bend (by their logarithm) or keep"),
            (
                "max-levels",
                "levels of a category that have features of their own, at most",
            ),
            (
                "min-level-rows",
                "training rows that a level needs for a feature of its own",
            ),
            (
                "image-fit",
                "how images come to their size: keep (their proportions) or stretch",
            ),
        ],
    ),
    (
        "preprocessing.reading",
        &[
            ("format", "the format of the training data"),
            ("label-column", "the column that held the labels"),
            ("normal-labels", "labels that were normal"),
            ("anomalous-labels", "labels that were anomalous"),
            ("drop-columns", "columns that were left out"),
            ("id-column", "the column that named the rows"),
            (
                "category-columns",
                "columns of numbers that were categories all the same",
            ),
            ("delimiter", "what stood between cells"),
            ("comment", "what lines began with that were no rows"),
            ("missing", "cells that stood for a missing value"),
            ("has-header", "whether the first row named the columns"),
            (
                "decimal",
                "what stood before fractions where columns left it open",
            ),
            ("encoding", "how the text was written"),
        ],
    ),
    (
        "features",
        &[
            (
                "features",
                "what detectors see of images: pixels, a network's features (lite0; onnx: of a file), or the cosine transform of windows (dct)",
            ),
            ("taps", "the stages or outputs of the network that are read"),
            ("file", "the file of the network"),
            ("sha256", "the SHA-256 of that file"),
            (
                "mean",
                "what is taken from each colour of a pixel, from 0 to 1",
            ),
            ("sd", "what each colour is then divided by"),
            (
                "size",
                "height and width of the images that the network takes",
            ),
            ("embed", "whether model files hold the network"),
            (
                "pool",
                "features of each of its places (patches), of the image (image), or both",
            ),
        ],
    ),
    (
        "features.tiles",
        &[
            (
                "side",
                "pixels of the side of tiles in which images are looked at",
            ),
            ("overlap", "pixels that neighbouring tiles share, at least"),
        ],
    ),
    (
        "augmentation",
        &[
            (
                "flip_horizontal",
                "left and right change sides in every other training image",
            ),
            (
                "flip_vertical",
                "top and bottom change sides in every other training image",
            ),
            ("shift", "pixels, at most, by which a training image moves"),
            (
                "rotation",
                "degrees, at most, by which a training image turns",
            ),
        ],
    ),
    (
        "model",
        &[
            ("model", "which model these settings are of"),
            ("score", "the score in use"),
            (
                "latent",
                "length of z, the code between encoder and generator",
            ),
            ("dropout", "dropout in D while training"),
            (
                "spectral_norm",
                "divides D's weights by their largest singular value, instead of batch norm",
            ),
            (
                "reduction",
                "how norms are taken in scores: sum or mean over the features",
            ),
            ("generator_loss", "what G minimises to deceive D"),
            (
                "residual_weight",
                "weight of |x - G(E(x))| in E's loss; 0 is the paper",
            ),
            ("residual_trains", "whose weights that term trains"),
            ("adversarial_loss", "what G minimises to deceive D"),
            ("adversarial_weight", "weight of that loss in G's"),
            (
                "reconstruction_weight",
                "weight of mean |x' - x| in G's loss",
            ),
            ("latent_weight", "weight of mean (z' - z)^2 in G's loss"),
            ("latent_norm", "how the part `latent` compares z and z'"),
            (
                "reinitialise_below",
                "D is drawn anew after a step in which its loss was below this",
            ),
            (
                "gan_share",
                "share of all updates that trains G and C; the rest trains E",
            ),
            ("critic_steps", "updates of C for each of G"),
            ("penalty", "weight of the gradient penalty in C's loss"),
            (
                "kappa",
                "weight of the features in E's loss and in the paper's score",
            ),
            (
                "ziz",
                "weight of mean (z - E(G(z)))^2 in E's loss; 0 is the paper",
            ),
            ("encoder_rate", "E's learning rate in units of the GAN's"),
            ("reach", "E(x) lies within plus and minus this"),
            (
                "spread",
                "standard deviation that the decoder gives to features around what it makes of z",
            ),
            ("relu", "whether hidden layers are ReLU (if not, tanh)"),
            ("k", "neighbours"),
            (
                "aggregate",
                "what is made of the distances: largest or mean",
            ),
            ("references", "training samples that are kept, at most"),
            (
                "variance_share",
                "keeps as few components as hold this share of the variance",
            ),
            ("components", "keeps so many components instead"),
            (
                "ridge",
                "added to every variance, in units of the mean variance",
            ),
            (
                "prior",
                "patches' worth of all places' covariance that is mixed into that of each",
            ),
            ("features", "features that count, drawn with the seed"),
            (
                "noise",
                "deviation of the noise that features are told from",
            ),
            ("margin", "how far D is to tell normals and noise from 0"),
            (
                "adaptor_rate",
                "the adaptor's learning rate in units of D's",
            ),
            (
                "ascent_steps",
                "steps by which the noise climbs to where D takes it for normal; 0 is the paper",
            ),
            ("ascent", "the length of such a step"),
            ("hidden", "widths of D's hidden layers"),
            (
                "candidates",
                "patches among which the kept ones are chosen, at most",
            ),
            ("trees", "trees"),
            ("subsample", "training samples that each tree sees"),
        ],
    ),
    (
        "model.networks",
        &[
            ("width", "channels of the first level of convolutions"),
            ("encoder", "widths of E's dense layers"),
            ("generator", "widths of G's dense layers"),
            (
                "discriminator",
                "widths of D's dense layers; the last is the feature layer",
            ),
            ("discriminator_x", "widths of D's branch for x"),
            ("discriminator_z", "widths of D's branch for z"),
            (
                "discriminator_joint",
                "widths where the branches meet; the last is the feature layer",
            ),
            (
                "critic",
                "widths of C's dense layers; the last is the feature layer",
            ),
            (
                "extra_layers",
                "further convolutions at half the image's side",
            ),
        ],
    ),
    (
        "model.training",
        &[(
            "ema",
            "the weights' moving average that becomes the model: share that stays at each step",
        )],
    ),
    (
        "model.training.init",
        &[
            ("init", "how first weights are drawn: xavier or normal"),
            ("sd", "their standard deviation"),
        ],
    ),
    (
        "model.training.adam",
        &[
            ("learning_rate", "Adam's step"),
            ("beta1", "how much of the mean slope stays at each step"),
            (
                "beta2",
                "how much of the mean squared slope stays at each step",
            ),
        ],
    ),
    (
        "model.search",
        &[
            ("lambda", "weight of the discrimination loss in the search"),
            ("discrimination", "what is meant by the discrimination loss"),
            (
                "restarts",
                "starting points per sample; the best result counts",
            ),
            (
                "start",
                "where a search begins: random, nearest (the best of many points) or encoder",
            ),
        ],
    ),
    (
        "model.search.start",
        &[
            (
                "start",
                "where a search begins: random, nearest (the best of many points) or encoder",
            ),
            ("nearest", "so many random points, of which the best begins"),
        ],
    ),
    ("model.search.descent", &[("steps", "steps of a search")]),
    (
        "model.search.descent.plateau",
        &[
            (
                "patience",
                "ends a search after so many steps without a gain",
            ),
            ("tolerance", "what counts as a gain, as a share of the loss"),
        ],
    ),
];

/// Settings that stand in lists: of the search's learning rates.
const IN_LISTS: [(&str, &str); 2] = [
    ("from", "the step from which on this rate holds"),
    ("learning_rate", "Adam's step in the search"),
];

/// What a setting means; `table` is the table that it stands in, `model.training.adam`.
pub fn meaning(table: &str, key: &str) -> Option<&'static str> {
    let of = |table: &str| {
        let (_, settings) = MEANINGS.iter().find(|(name, _)| *name == table)?;
        let (_, meaning) = settings.iter().find(|(name, _)| *name == key)?;
        Some(*meaning)
    };
    of(table).or_else(|| {
        let in_list = IN_LISTS.iter().find(|(name, _)| *name == key)?;
        table.starts_with("model.search").then_some(in_list.1)
    })
}

impl TrainConfig {
    /// As [`to_toml`](Self::to_toml), each setting below a line that says what it means.
    ///
    /// # Errors
    /// As there.
    pub fn explained(&self) -> Result<String> {
        let mut table = String::new();
        let mut text = String::new();
        for line in self.to_toml()?.lines() {
            if line.starts_with('[') {
                table = line.trim_matches(['[', ']']).to_owned();
            } else if let Some((key, _)) = line.split_once(" = ")
                && !line.starts_with(' ')
                && let Some(meaning) = meaning(&table, key)
            {
                text.push_str(&format!("# {meaning}\n"));
            }
            text.push_str(line);
            text.push('\n');
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelConfig, models::Kind, presets};

    #[test]
    fn every_setting_of_every_model_is_explained() {
        for kind in [Kind::Table, Kind::Images] {
            for model in ModelConfig::names() {
                let recommended = TrainConfig::recommended_for(model, kind, 1000).unwrap();
                let paper = presets::paper(recommended.clone(), kind).ok();
                assert_eq!(
                    paper.is_some(),
                    presets::WITH_PAPER.contains(&model),
                    "{model}"
                );
                for config in [Some(recommended), paper].into_iter().flatten() {
                    config.check().unwrap();
                    let text = config.explained().unwrap();
                    let lines: Vec<&str> = text.lines().collect();
                    for pair in lines.windows(2) {
                        let is_setting =
                            pair[1].contains(" = ") && !pair[1].starts_with(['#', ' ']);
                        assert!(
                            !is_setting || pair[0].starts_with("# "),
                            "{model}: {}",
                            pair[1]
                        );
                    }
                    assert!(lines[0].starts_with("# "), "{model}: {}", lines[0]);
                    // Comments change nothing.
                    let plain = config.to_toml().unwrap();
                    let without: Vec<&str> =
                        lines.into_iter().filter(|l| !l.starts_with('#')).collect();
                    assert_eq!(without, plain.lines().collect::<Vec<_>>());
                }
            }
        }
    }
}
