//! GANomaly beside PyTorch: the numbers of `tests/golden/ganomaly/export.py`.

use rand::SeedableRng;
use unlike_core::{Arrays, FeatureShape, Features};

use super::*;
use crate::{
    backend::Gradients,
    models::golden::{assert_close, fixture, under},
    nn::Param,
};

const STEPS: usize = 5;

/// One of the export's variants.
#[derive(Clone, Copy)]
struct Variant {
    name: &'static str,
    shape: &'static FeatureShape,
    latent: usize,
    batch: usize,
}

const VARIANTS: [Variant; 5] = [
    Variant {
        name: "colour",
        shape: &FeatureShape::Image {
            height: 16,
            width: 16,
            channels: 3,
        },
        latent: 5,
        batch: 3,
    },
    Variant {
        name: "grey",
        shape: &FeatureShape::Image {
            height: 32,
            width: 32,
            channels: 1,
        },
        latent: 3,
        batch: 3,
    },
    Variant {
        name: "table",
        shape: &FeatureShape::Row { width: 9 },
        latent: 2,
        batch: 8,
    },
    Variant {
        name: "table-cross-entropy",
        shape: &FeatureShape::Row { width: 9 },
        latent: 2,
        batch: 8,
    },
    Variant {
        name: "grey-cross-entropy",
        shape: &FeatureShape::Image {
            height: 16,
            width: 16,
            channels: 1,
        },
        latent: 3,
        batch: 3,
    },
];

/// The fixture's arrays of one variant.
struct Golden(Arrays);

impl Golden {
    fn load(variant: Variant) -> Self {
        let bytes = include_bytes!("../../tests/golden/ganomaly/ganomaly.safetensors");
        Self(fixture(bytes, &format!("{}.", variant.name)))
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.0.any_shape(name).unwrap().values
    }

    /// Arrays under `prefix`, their names without it.
    fn under(&self, prefix: &str) -> Arrays {
        under(&self.0, prefix)
    }

    fn batch(&self, step: usize, variant: Variant) -> Vec<f32> {
        let size = variant.batch * variant.shape.size();
        self.get("x")[step * size..(step + 1) * size].to_vec()
    }
}

fn small(variant: Variant) -> (Ganomaly, Golden) {
    let networks = match variant.name {
        "colour" => GanomalyNetworks::Convolutional {
            width: 4,
            extra_layers: 1,
        },
        "grey" | "grey-cross-entropy" => GanomalyNetworks::Convolutional {
            width: 2,
            extra_layers: 0,
        },
        _ => GanomalyNetworks::Dense {
            encoder: vec![6, 5],
            discriminator: vec![7, 4],
        },
    };
    let paper = GanomalyConfig::paper(Kind::Images);
    let config = GanomalyConfig {
        latent: variant.latent,
        networks,
        adversarial_loss: match variant.name.ends_with("cross-entropy") {
            true => AdversarialLoss::CrossEntropy,
            false => AdversarialLoss::FeatureMatching,
        },
        adam: AdamConfig {
            learning_rate: 1e-3,
            ..paper.adam
        },
        ..paper
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut ganomaly = config
        .build(variant.shape, &mut rng, &Device::flex())
        .unwrap();
    let golden = Golden::load(variant);
    restore_network(&mut ganomaly.networks, "", &golden.under("weights")).unwrap();
    (ganomaly, golden)
}

fn rows(values: Vec<f32>, variant: Variant) -> Tensor<2> {
    let width = variant.shape.size();
    let n = values.len() / width;
    tensor(values, [n, width], &Device::flex())
}

/// The scorer's parts beside those under `prefix`, in either norm of the latent part.
fn compare_parts(ganomaly: &mut Ganomaly, golden: &Golden, prefix: &str, x: Features, tol: f32) {
    for (norm, latent) in [
        (LatentNorm::Squared, "latent"),
        (LatentNorm::Absolute, "latent_absolute"),
    ] {
        ganomaly.config.latent_norm = norm;
        let parts = ganomaly.scorer().parts(&x).unwrap();
        for (part, theirs) in [
            (RECONSTRUCTION, "reconstruction"),
            (LATENT, latent),
            (FEATURE, "feature"),
        ] {
            let ours: Vec<f32> = parts.get(part).unwrap().iter().map(|&v| v as f32).collect();
            let theirs = golden.get(&format!("{prefix}.part.{theirs}"));
            assert_close(&format!("{prefix}, {part}"), &ours, theirs, tol);
        }
    }
}

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (mut ganomaly, golden) = small(variant);
        let x = golden.batch(0, variant);
        let Networks {
            generator,
            discriminator,
        } = &ganomaly.networks;
        let Rebuilt { z, x_hat, z_hat } = generator.forward(rows(x.clone(), variant), Pass::Score);
        let (logit, f) = discriminator.forward(rows(x.clone(), variant), Pass::Score);
        for (name, ours) in [
            ("z", z),
            ("x_hat", x_hat),
            ("z_hat", z_hat),
            ("f", f),
            ("logit", logit),
        ] {
            let theirs = golden.get(&format!("before.{name}"));
            let what = format!("{}, {name}", variant.name);
            assert_close(&what, &values(ours), theirs, 1e-4);
        }
        let x = Features::new(variant.shape.clone(), x);
        compare_parts(&mut ganomaly, &golden, "before", x, 1e-4);
    }
}

#[test]
fn gradients_are_those_that_pytorch_gives_and_reach_only_their_network() {
    struct Compare<'a> {
        grads: Gradients,
        golden: &'a Golden,
        expected: bool,
        seen: usize,
    }
    impl Visitor for Compare<'_> {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            let grad = param.leaf().grad(&self.grads);
            assert_eq!(grad.is_some(), self.expected, "a gradient for `{name}`");
            if let Some(grad) = grad {
                let theirs = self.golden.get(&format!("gradient.{name}"));
                assert_close(name, &values(grad), theirs, 1e-3);
                self.seen += 1;
            }
        }
    }
    for variant in VARIANTS {
        let (mut ganomaly, golden) = small(variant);
        let x = rows(golden.batch(0, variant), variant);
        let (g, seen) = ganomaly.generator_loss(x);
        let d = Ganomaly::discriminator_loss(&seen);
        let mut compare = Compare {
            grads: g.total.backward(),
            golden: &golden,
            expected: true,
            seen: 0,
        };
        let Networks {
            generator,
            discriminator,
        } = &mut ganomaly.networks;
        generator.visit("generator", &mut compare);
        compare.expected = false;
        discriminator.visit("discriminator", &mut compare);

        compare.grads = d.backward();
        generator.visit("generator", &mut compare);
        compare.expected = true;
        discriminator.visit("discriminator", &mut compare);
        assert_eq!(compare.seen, golden.under("gradient").len());
    }
}

#[test]
fn five_steps_have_the_losses_statistics_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (mut ganomaly, golden) = small(variant);
        let names = [
            "discriminator",
            "generator",
            RECONSTRUCTION,
            LATENT,
            "adversarial",
        ];
        let theirs = golden.get("losses");
        assert_eq!(theirs.len(), names.len() * STEPS);
        for (step, theirs) in theirs.chunks(names.len()).enumerate() {
            let batch = Batch {
                len: variant.batch,
                x: golden.batch(step, variant),
                ..Batch::default()
            };
            let context = StepContext {
                step: step as u64,
                seed: 0,
                learning_rate_scale: 1.0,
            };
            let losses = ganomaly.step(batch, &context).unwrap();
            for (name, &theirs) in names.into_iter().zip(theirs) {
                let ours = losses.0.iter().find(|l| l.0 == name).unwrap().1 as f32;
                let what = format!("{}, step {step}, {name}", variant.name);
                assert_close(&what, &[ours], &[theirs], 1e-3);
            }
        }

        let mut trained = Arrays::new();
        network_arrays(&ganomaly.networks, "", &mut trained);
        for (name, theirs) in golden.under("running").iter() {
            let ours = trained.get(name, &theirs.shape).unwrap();
            assert_close(name, ours, &theirs.values, 2e-3);
        }
        let query = Features::new(variant.shape.clone(), golden.get("query").to_vec());
        compare_parts(&mut ganomaly, &golden, "after", query, 2e-3);
    }
}
