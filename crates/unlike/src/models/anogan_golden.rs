//! AnoGAN beside PyTorch: the numbers of `tests/golden/anogan/export.py`.

use rand::SeedableRng;
use unlike_core::{Arrays, FeatureShape};

use super::*;
use crate::{
    backend::values,
    models::golden::{assert_close, fixture, under},
    nn::{Param, network_arrays},
};

const BATCH: usize = 6;
const STEPS: usize = 5;
const SEARCH_STEPS: usize = 20;
const VARIANTS: [&str; 2] = ["table", "image"];
const SEARCHES: [(&str, Discrimination); 2] = [
    ("feature-matching", Discrimination::FeatureMatching),
    ("cross-entropy", Discrimination::CrossEntropy),
];

/// The fixture's arrays of one variant.
struct Golden(Arrays);

impl Golden {
    fn load(variant: &str) -> Self {
        let bytes = include_bytes!("../../tests/golden/anogan/anogan.safetensors");
        Self(fixture(bytes, &format!("{variant}.")))
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.0.any_shape(name).unwrap().values
    }

    /// Arrays under `prefix`, their names without it.
    fn under(&self, prefix: &str) -> Arrays {
        under(&self.0, prefix)
    }

    /// The `index`-th batch of rows of this width.
    fn batch(&self, name: &str, index: usize, width: usize) -> Vec<f32> {
        let size = BATCH * width;
        self.get(name)[index * size..][..size].to_vec()
    }
}

fn small(variant: &str) -> (Anogan, Golden) {
    let (kind, latent, networks, shape) = match variant {
        "table" => (
            Kind::Table,
            3,
            AnoganNetworks::Dense {
                generator: vec![6, 8],
                discriminator: vec![9, 8, 5],
                dropout: 0.0,
            },
            FeatureShape::Row { width: 7 },
        ),
        _ => (
            Kind::Images,
            4,
            AnoganNetworks::Convolutional {
                width: 3,
                dense: 10,
            },
            FeatureShape::Image {
                height: 28,
                width: 28,
                channels: 1,
            },
        ),
    };
    let recommended = AnoganConfig::recommended(kind);
    let config = AnoganConfig {
        latent,
        networks,
        spectral_norm: false,
        noise: 0.0,
        adam: AdamConfig {
            learning_rate: 1e-3,
            ..recommended.adam
        },
        ema: 0.9,
        search: SearchConfig {
            rates: vec![Rate {
                from: 0,
                learning_rate: 0.05,
            }],
            ..SearchConfig::paper()
        },
        ..recommended
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut anogan = config.build(&shape, &mut rng, &Device::flex()).unwrap();
    let golden = Golden::load(variant);
    restore_network(&mut anogan.networks, "", &golden.under("weights")).unwrap();
    anogan.average = Some(Average::new(&anogan.networks));
    (anogan, golden)
}

fn rows(values: Vec<f32>, width: usize) -> Tensor<2> {
    let n = values.len() / width;
    tensor(values, [n, width], &Device::flex())
}

/// A bias before batch norm: it changes nothing, and its gradient is rounding.
fn is_idle(name: &str, weights: &Arrays) -> bool {
    let gamma = name
        .strip_suffix("bias")
        .map(|layer| format!("{layer}norm.gamma"));
    gamma.is_some_and(|gamma| weights.any_shape(&gamma).is_ok())
}

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (anogan, golden) = small(variant);
        let (size, latent) = (anogan.shape.size(), anogan.config.latent);
        let x = rows(golden.batch("x", 0, size), size);
        let z = rows(golden.batch("z", 0, latent), latent);
        let Networks {
            generator,
            discriminator,
            encoder: _,
        } = &anogan.networks;
        let generated = values(generator.forward(z, Pass::Score));
        let (logit, features) = discriminator.forward(x, Pass::Score);
        assert_close("G(z)", &generated, golden.get("generated"), 1e-5);
        assert_close("D(x)", &values(logit), golden.get("logit"), 1e-5);
        assert_close("f(x)", &values(features), golden.get("features"), 1e-5);
    }
}

#[test]
fn gradients_have_the_length_that_pytorch_gives_and_reach_only_their_network() {
    struct Norms<'a> {
        grads: crate::backend::Gradients,
        golden: &'a Golden,
        weights: &'a Arrays,
        expected: bool,
    }
    impl Visitor for Norms<'_> {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            let grad = param.leaf().grad(&self.grads);
            assert_eq!(grad.is_some(), self.expected, "a gradient for `{name}`");
            let Some(grad) = grad else { return };
            let norm = values(grad).iter().map(|v| v * v).sum::<f32>().sqrt();
            match is_idle(name, self.weights) {
                true => assert!(
                    norm < 1e-6,
                    "`{name}` moves what batch norm centres: {norm}"
                ),
                false => {
                    let theirs = self.golden.get(&format!("gradient_norm.{name}"));
                    assert_close(name, &[norm], theirs, 1e-4);
                }
            }
        }
    }
    for variant in VARIANTS {
        let (mut anogan, golden) = small(variant);
        let weights = golden.under("weights");
        let (size, latent) = (anogan.shape.size(), anogan.config.latent);
        let x = rows(golden.batch("x", 0, size), size);
        let z = |which| rows(golden.batch("z", which, latent), latent);
        let mut norms = Norms {
            grads: anogan.discriminator_loss(x, z(0), [0; 2]).total.backward(),
            golden: &golden,
            weights: &weights,
            expected: true,
        };
        let Networks {
            generator,
            discriminator,
            encoder: _,
        } = &mut anogan.networks;
        discriminator.visit("discriminator", &mut norms);
        norms.expected = false;
        generator.visit("generator", &mut norms);
        let mut grads = norms.grads;
        anogan
            .discriminator_adam
            .step(discriminator, &mut grads, 1.0)
            .unwrap();

        let mut norms = Norms {
            grads: anogan.generator_loss(z(1), 0).backward(),
            golden: &golden,
            weights: &weights,
            expected: true,
        };
        anogan.networks.generator.visit("generator", &mut norms);
        norms.expected = false;
        let d = &mut anogan.networks.discriminator;
        d.visit("discriminator", &mut norms);
    }
}

#[test]
fn five_steps_have_the_losses_and_averaged_weights_that_pytorch_gives() {
    for variant in VARIANTS {
        let (mut anogan, golden) = small(variant);
        let (size, latent) = (anogan.shape.size(), anogan.config.latent);
        let losses = golden.get("losses");
        assert_eq!(losses.len(), 2 * STEPS);
        for (step, theirs) in losses.chunks(2).enumerate() {
            let batch = Batch {
                len: BATCH,
                x: golden.batch("x", step, size),
                x_other: Vec::new(),
                z: golden.batch("z", 2 * step, latent),
                z_other: golden.batch("z", 2 * step + 1, latent),
            };
            let context = StepContext {
                step: step as u64,
                seed: 0,
                learning_rate_scale: 1.0,
            };
            let ours = anogan.step(batch, &context).unwrap();
            for ((name, ours), &theirs) in ours.0.iter().zip(theirs) {
                let what = format!("{variant}, step {step}, {name}");
                assert_close(&what, &[*ours as f32], &[theirs], 1e-3);
            }
        }
        let mut averaged = Arrays::new();
        network_arrays(&anogan.average.as_ref().unwrap().network, "", &mut averaged);
        let theirs = golden.under("average");
        for (name, array) in theirs.iter() {
            // What idle biases do is rounding, and running means follow it.
            let layer = name.strip_suffix("norm.running_mean").unwrap_or_default();
            if is_idle(name, &theirs) || is_idle(&format!("{layer}bias"), &averaged) {
                continue;
            }
            let ours = averaged.get(name, &array.shape).unwrap();
            assert_close(&format!("{variant}, {name}"), ours, &array.values, 2e-3);
        }
    }
}

#[test]
fn a_search_has_the_losses_points_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (mut anogan, golden) = small(variant);
        anogan.average = None;
        restore_network(&mut anogan.networks, "", &golden.under("average")).unwrap();
        let (size, latent) = (anogan.shape.size(), anogan.config.latent);
        for (name, discrimination) in SEARCHES {
            let get = |what: &str| golden.get(&format!("{name}.{what}"));
            let search = SearchConfig {
                discrimination,
                ..anogan.config.search.clone()
            };
            let mut scorer = anogan.scorer_with(search);
            let query = golden.get("query");
            let mut descent = scorer.descent(query, golden.get("start").to_vec());
            for step in 0..=SEARCH_STEPS {
                let what = format!("{variant}, {name}, step {step}");
                match step {
                    5 => assert_close(&what, &values(descent.z.clone()), get("z_5"), 1e-3),
                    20 => assert_close(&what, &values(descent.z.clone()), get("z_20"), 1e-3),
                    _ => {}
                }
                let losses = descent.step();
                if [1, 5, 20].contains(&step) {
                    assert_close(&what, &losses, get(&format!("loss_{step}")), 1e-3);
                }
            }

            let z = || rows(get("z_20").to_vec(), latent);
            for (part, ours) in scorer.parts_at(rows(query.to_vec(), size), z()) {
                assert_close(part, &ours, get(&format!("part.{part}")), 1e-4);
            }
            // The paper's score is over sums.
            scorer.reduction = Reduction::Sum;
            let widen = |(name, v): (&str, Vec<f32>)| {
                (name.to_owned(), v.into_iter().map(f64::from).collect())
            };
            let parts = scorer.parts_at(rows(query.to_vec(), size), z());
            let parts = ScoreParts::new(parts.into_iter().map(widen).collect());
            let rule = AnoganScore::Paper.rule(0.1, &parts).unwrap();
            let score = rule.apply(&parts).unwrap();
            let ours: Vec<f32> = score.iter().map(|&v| v as f32).collect();
            assert_close("the paper's score", &ours, get("paper_score"), 1e-4);
        }
    }
}
