//! EGBAD beside PyTorch: the numbers of `tests/golden/egbad/export.py` for rows and of
//! `export_images.py` for images.

use rand::SeedableRng;
use unlike_core::{Arrays, FeatureShape, Features};

use super::*;
use crate::{
    models::golden::{assert_close, fixture, under},
    nn::Param,
};

const LATENT: usize = 3;
const BATCH: usize = 6;
const STEPS: usize = 5;

const ROWS: &[u8] = include_bytes!("../../tests/golden/egbad/egbad.safetensors");
const IMAGES: &[u8] = include_bytes!("../../tests/golden/egbad/images.safetensors");

const PASSES: [(&str, Pass); 2] = [
    ("frozen.", Pass::Frozen { dropout: 0 }),
    ("score.", Pass::Score),
];

/// One variant of a fixture.
struct Golden {
    arrays: Arrays,
    variant: &'static str,
    shape: FeatureShape,
    /// The passes whose outputs are there, with what is put before their names.
    passes: &'static [(&'static str, Pass)],
}

impl Golden {
    fn load(variant: &'static str) -> Self {
        let rows = ["cross-entropy", "feature-matching", "spectral"].contains(&variant);
        let (bytes, shape, passes): (_, _, &[_]) = if rows {
            let shape = FeatureShape::Row { width: 7 };
            (ROWS, shape, &[("", Pass::Score)])
        } else {
            let shape = FeatureShape::Image {
                height: 16,
                width: 16,
                channels: 3,
            };
            (IMAGES, shape, &PASSES)
        };
        let variant = match variant {
            "image-feature-matching" => "feature-matching",
            variant => variant,
        };
        Self {
            arrays: fixture(bytes, ""),
            variant,
            shape,
            passes,
        }
    }

    /// This variant's array of that name, or that of all variants.
    fn get(&self, name: &str) -> &[f32] {
        let array = self.arrays.any_shape(&format!("{}.{name}", self.variant));
        let shared = || self.arrays.any_shape(&format!("shared.{name}"));
        &array.or_else(|_| shared()).unwrap().values
    }

    /// Arrays under `prefix`, their names without it.
    fn under(&self, prefix: &str) -> Arrays {
        let mut found = under(&self.arrays, &format!("{}.{prefix}", self.variant));
        for (name, array) in under(&self.arrays, &format!("shared.{prefix}")).iter() {
            found.insert(name, &array.shape, array.values.clone());
        }
        found
    }

    /// The `step`-th batch of x or z, for the first or second update.
    fn batch(&self, name: &str, step: usize, which: usize) -> Vec<f32> {
        let width = match name {
            "x" => self.shape.size(),
            _ => LATENT,
        };
        let size = BATCH * width;
        let at = (2 * step + which) * size;
        self.get(name)[at..at + size].to_vec()
    }

    /// The same as tensors [N, size] and [N, latent].
    fn batches(&self, step: usize, which: usize) -> (Tensor<2>, Tensor<2>) {
        let rows = |values, width| tensor(values, [BATCH, width], &Device::flex());
        (
            rows(self.batch("x", step, which), self.shape.size()),
            rows(self.batch("z", step, which), LATENT),
        )
    }
}

/// The networks of a fixture's variant.
fn small(variant: &'static str) -> (Egbad, Golden) {
    let golden = Golden::load(variant);
    let matching = variant.ends_with("feature-matching");
    let networks = match golden.shape {
        FeatureShape::Row { .. } => EgbadNetworks::Dense {
            encoder: vec![5],
            generator: vec![6, 8],
            discriminator_x: vec![9],
            discriminator_z: vec![4],
            discriminator_joint: vec![10, 11],
        },
        FeatureShape::Image { .. } => EgbadNetworks::Convolutional {
            width: 2,
            generator: vec![5],
            discriminator_z: vec![4],
            discriminator_joint: vec![6],
        },
    };
    let config = EgbadConfig {
        latent: LATENT,
        networks,
        dropout: 0.0,
        adam: AdamConfig {
            learning_rate: 1e-3,
            beta1: 0.5,
            beta2: 0.999,
            clip: None,
        },
        ema: 0.9,
        spectral_norm: variant == "spectral",
        generator_loss: if matching {
            GeneratorLoss::FeatureMatching
        } else {
            GeneratorLoss::CrossEntropy
        },
        residual_weight: if matching { 0.0 } else { 10.0 },
        residual_trains: if variant == "encoder-and-generator" {
            ResidualTrains::EncoderAndGenerator
        } else {
            ResidualTrains::Encoder
        },
        ..EgbadConfig::recommended(Kind::Table)
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let egbad = config.build(&golden.shape, &mut rng, &Device::flex());
    let mut egbad = egbad.unwrap();
    restore_network(&mut egbad.networks, "", &golden.under("weights")).unwrap();
    egbad.average = Some(Average::new(&egbad.networks));
    (egbad, golden)
}

/// Those of rows, then those of images.
const VARIANTS: [&str; 6] = [
    "cross-entropy",
    "feature-matching",
    "spectral",
    "encoder",
    "encoder-and-generator",
    "image-feature-matching",
];

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (egbad, golden) = small(variant);
        let (x, z) = golden.batches(0, 0);
        let Networks {
            encoder,
            generator,
            discriminator,
        } = &egbad.networks;
        for &(before, pass) in golden.passes {
            let encoded = values(encoder.forward(x.clone(), pass));
            let generated = values(generator.forward(z.clone(), pass));
            let (logit, features) = discriminator.forward(x.clone(), z.clone(), pass);
            for (name, ours) in [
                ("encoded", encoded),
                ("generated", generated),
                ("logit", values(logit)),
                ("features", values(features)),
            ] {
                let what = format!("{variant}, {before}{name}");
                let theirs = golden.get(&format!("{before}{name}"));
                assert_close(&what, &ours, theirs, 1e-5);
            }
        }
    }
}

#[test]
fn gradients_have_the_length_that_pytorch_gives_and_reach_only_their_network() {
    struct Norms<'a> {
        grads: crate::backend::Gradients,
        golden: &'a Golden,
        expected: bool,
    }
    impl Visitor for Norms<'_> {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            let grad = param.leaf().grad(&self.grads);
            assert_eq!(grad.is_some(), self.expected, "a gradient for `{name}`");
            if let Some(grad) = grad {
                let norm = values(grad).iter().map(|v| v * v).sum::<f32>().sqrt();
                let theirs = self.golden.get(&format!("gradient_norm.{name}"));
                assert_close(name, &[norm], theirs, 1e-4);
            }
        }
    }
    for variant in VARIANTS {
        let (mut egbad, golden) = small(variant);
        let (x, z) = golden.batches(0, 0);
        let loss = egbad.discriminator_loss(x, z, [0; 2]);
        let mut norms = Norms {
            grads: loss.total.backward(),
            golden: &golden,
            expected: true,
        };
        egbad
            .networks
            .discriminator
            .visit("discriminator", &mut norms);
        norms.expected = false;
        egbad.networks.encoder.visit("encoder", &mut norms);
        egbad.networks.generator.visit("generator", &mut norms);
        let mut grads = norms.grads;
        egbad
            .discriminator_adam
            .step(&mut egbad.networks.discriminator, &mut grads, 1.0)
            .unwrap();

        let (x, z) = golden.batches(0, 1);
        let loss = egbad.generator_encoder_loss(x, z, [0; 2]);
        let grads = (loss.generator + loss.encoder).backward();
        let mut norms = Norms {
            grads,
            golden: &golden,
            expected: true,
        };
        egbad.networks.encoder.visit("encoder", &mut norms);
        egbad.networks.generator.visit("generator", &mut norms);
        norms.expected = false;
        egbad
            .networks
            .discriminator
            .visit("discriminator", &mut norms);
    }
}

#[test]
fn five_steps_have_the_losses_weights_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (mut egbad, golden) = small(variant);
        for (step, theirs) in golden.get("losses").chunks(4).enumerate() {
            let batch = Batch {
                len: BATCH,
                x: golden.batch("x", step, 0),
                x_other: golden.batch("x", step, 1),
                z: golden.batch("z", step, 0),
                z_other: golden.batch("z", step, 1),
            };
            let context = StepContext {
                step: step as u64,
                seed: 0,
                learning_rate_scale: 1.0,
            };
            let losses = egbad.step(batch, &context).unwrap();
            let ours = |name| losses.0.iter().find(|l| l.0 == name).map(|l| l.1 as f32);
            let names = ["discriminator", "generator", "encoder", "residual"];
            for (name, &theirs) in names.into_iter().zip(theirs) {
                if let Some(ours) = ours(name) {
                    assert_close(
                        &format!("{variant}, step {step}, {name}"),
                        &[ours],
                        &[theirs],
                        1e-4,
                    );
                }
            }
        }
        assert_eq!(golden.get("losses").len(), 4 * STEPS);

        let mut trained = Arrays::new();
        network_arrays(&egbad.networks, "", &mut trained);
        for (name, theirs) in golden.under("trained").iter() {
            let ours = trained.get(name, &theirs.shape).unwrap();
            assert_close(name, ours, &theirs.values, 1e-3);
        }

        let query = Features::new(golden.shape.clone(), golden.get("query").to_vec());
        let parts = egbad.scorer().parts(&query).unwrap();
        for part in [RESIDUAL, FEATURE, CROSS_ENTROPY] {
            let ours: Vec<f32> = parts.get(part).unwrap().iter().map(|&v| v as f32).collect();
            assert_close(part, &ours, golden.get(&format!("part.{part}")), 1e-3);
        }

        if let FeatureShape::Image { .. } = golden.shape {
            let ours = egbad.scorer().reconstructions(&query).unwrap().unwrap();
            assert_close("G(E(x))", &ours, golden.get("reconstruction"), 1e-3);
        }

        // The paper's score is over sums.
        egbad.config.reduction = Reduction::Sum;
        let parts = egbad.scorer().parts(&query).unwrap();
        let score = EgbadScore::Paper
            .rule(&parts)
            .unwrap()
            .apply(&parts)
            .unwrap();
        let ours: Vec<f32> = score.iter().map(|&v| v as f32).collect();
        assert_close("the paper's score", &ours, golden.get("paper_score"), 1e-3);
    }
}
