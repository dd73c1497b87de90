//! What GANomaly promises beyond its numbers: the authors' gradients, a batch norm that survives
//! evaluation mode, scores of one sample at a time, and a discriminator that can start anew.

use rand::{RngExt, SeedableRng};
use unlike_core::{Arrays, FeatureShape, Features};

use super::*;
use crate::{backend::Gradients, nn::Param, train::Schedule};

const SIDE: usize = 16;
const SIZE: usize = SIDE * SIDE;
/// A whole training: the learning rate ends at 0 after these.
const STEPS: u64 = 200;

fn image(side: usize, channels: usize) -> FeatureShape {
    FeatureShape::Image {
        height: side,
        width: side,
        channels,
    }
}

fn config() -> GanomalyConfig {
    let paper = GanomalyConfig::paper(Kind::Images);
    GanomalyConfig {
        latent: 6,
        networks: GanomalyNetworks::Convolutional {
            width: 4,
            extra_layers: 1,
        },
        adam: AdamConfig {
            learning_rate: 2e-3,
            ..paper.adam
        },
        ..paper
    }
}

fn build(config: &GanomalyConfig, shape: &FeatureShape) -> Result<Ganomaly> {
    config.build(shape, &mut ChaCha8Rng::seed_from_u64(3), &Device::flex())
}

/// Images of stripes: direction, width and phase are random.
fn stripes(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::with_capacity(n * SIZE);
    for _ in 0..n {
        let [a, b, phase] = [0.2..1.0, -0.5..0.5, 0.0..6.3].map(|r| rng.random_range::<f32, _>(r));
        for y in 0..SIDE {
            for x in 0..SIDE {
                pixels.push((a * x as f32 + b * y as f32 + phase).sin());
            }
        }
    }
    pixels
}

fn context(step: u64) -> StepContext {
    StepContext {
        step,
        seed: 7,
        learning_rate_scale: Schedule::Cosine.scale(step, STEPS),
    }
}

fn train(ganomaly: &mut Ganomaly, steps: std::ops::Range<u64>) -> Vec<Losses> {
    let each = |step| {
        let batch = Batch {
            len: 24,
            x: stripes(24, 100 + step),
            ..Batch::default()
        };
        ganomaly.step(batch, &context(step)).unwrap()
    };
    steps.map(each).collect()
}

/// All gradients of a network, in visiting order.
fn gradients(network: &impl Network, grads: &Gradients) -> Vec<f32> {
    struct Collect<'a>(&'a Gradients, Vec<f32>);
    impl Visitor for Collect<'_> {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            let grad = param.leaf().grad(self.0);
            self.1
                .extend(values(grad.unwrap_or_else(|| panic!("`{name}`"))));
        }
    }
    let mut collect = Collect(grads, Vec::new());
    network.clone().visit("", &mut collect);
    collect.1
}

#[test]
fn gradients_are_those_of_the_authors_order() {
    let mut ganomaly = build(&config(), &image(SIDE, 1)).unwrap();
    train(&mut ganomaly, 0..3);
    let x = || tensor::<2>(stripes(8, 1), [8, SIZE], &Device::flex());

    let (g, seen) = ganomaly.generator_loss(x());
    let ours_g = gradients(&ganomaly.networks.generator, &g.total.backward());
    let d = Ganomaly::discriminator_loss(&seen);
    let ours_d = gradients(&ganomaly.networks.discriminator, &d.backward());

    // G once; D on x and on the detached x̂ for its own loss; then on both again for G's.
    let (g, d) = (
        &ganomaly.networks.generator,
        &ganomaly.networks.discriminator,
    );
    let Rebuilt { z, x_hat, z_hat } = g.forward(x(), TRAIN);
    let (real, _) = d.forward(x(), TRAIN);
    let (fake, _) = d.forward(x_hat.clone().detach(), TRAIN);
    let (_, f) = d.forward(x(), TRAIN);
    let (_, f_hat) = d.forward(x_hat.clone(), TRAIN);
    let loss = mse(f, f_hat) + l1(x_hat, x()) * 50.0 + mse(z_hat, z);
    let theirs_g = gradients(g, &loss.backward());
    let loss = (bce_with_logits(real, 1.0) + bce_with_logits(fake, 0.0)) * 0.5;
    let theirs_d = gradients(d, &loss.backward());

    for (what, ours, theirs) in [("G", ours_g, theirs_g), ("D", ours_d, theirs_d)] {
        let scale = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(scale > 0.0, "{what}");
        assert_eq!(ours.len(), theirs.len(), "{what}");
        for (a, b) in ours.iter().zip(&theirs) {
            assert!(
                (a - b).abs() <= 1e-6 * scale,
                "{what}: {a} and {b} at {scale}"
            );
        }
    }
}

/// Mean |a − b| in units of b's own mean deviation.
fn departure(a: &[f32], b: &[f32]) -> f32 {
    let mean = b.iter().sum::<f32>() / b.len() as f32;
    let spread: f32 = b.iter().map(|v| (v - mean).abs()).sum();
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / spread
}

#[test]
fn reconstructions_survive_evaluation_mode() {
    struct Forget;
    impl Visitor for Forget {
        fn param<const D: usize>(&mut self, _: &str, _: &mut Param<D>) {}
        fn buffer(&mut self, name: &str, buffer: &mut Tensor<1>) {
            *buffer = match name.ends_with("mean") {
                true => buffer.zeros_like(),
                false => buffer.ones_like(),
            };
        }
    }
    for ema in [0.0, 0.9] {
        let config = GanomalyConfig { ema, ..config() };
        let mut ganomaly = build(&config, &image(SIDE, 1)).unwrap();
        train(&mut ganomaly, 0..STEPS);
        let mut generator = ganomaly.scoring_networks().generator.clone();
        let x = || tensor::<2>(stripes(64, 5), [64, SIZE], &Device::flex());
        let rebuilt = |g: &Generator, pass| values(g.reconstruct(x(), pass).1);
        let training = rebuilt(&generator, FROZEN);
        let learned = departure(&training, &values(x()));
        assert!(learned < 0.8, "nothing was learned: {learned}");
        let off = departure(&rebuilt(&generator, Pass::Score), &training);
        assert!(off < 0.15, "ema {ema}: evaluation mode is off by {off}");
        generator.visit("", &mut Forget);
        let off = departure(&rebuilt(&generator, Pass::Score), &training);
        assert!(
            off > 0.5,
            "ema {ema}: off by {off} only with statistics that never moved"
        );
    }
}

#[test]
fn a_sample_scores_alone_as_it_does_among_extreme_ones() {
    let mut ganomaly = build(&config(), &image(SIDE, 1)).unwrap();
    train(&mut ganomaly, 0..10);
    let scorer = ganomaly.scorer();
    let one = stripes(1, 9);
    let mut all = one.clone();
    for i in 1..64 {
        // All black, all white, chequered.
        all.extend((0..SIZE).map(|p| match i % 3 {
            0 => -1.0,
            1 => 1.0,
            _ => 1.0 - 2.0 * ((p + p / SIDE) % 2) as f32,
        }));
    }
    let parts = |pixels: &[f32]| {
        let features = Features::new(image(SIDE, 1), pixels.to_vec());
        scorer.parts(&features).unwrap()
    };
    let (alone, among) = (parts(&one), parts(&all));
    for (name, values) in alone.iter() {
        let (a, b) = (values[0], among.get(name).unwrap()[0]);
        assert!((a - b).abs() <= 1e-6 * a.abs(), "`{name}`: {a} and {b}");
    }
}

#[test]
fn a_discriminator_that_wins_starts_anew_and_says_so() {
    let event = |losses: &Losses| losses.0.iter().find(|l| l.0 == "d_reinitialised").copied();
    let arrays = |g: &Ganomaly| {
        let mut arrays = Arrays::new();
        g.save(&mut arrays);
        arrays
    };
    for ema in [0.0, 0.9] {
        let shape = image(SIDE, 1);
        let with = |limit| GanomalyConfig {
            reinitialise_below: limit,
            ema,
            ..config()
        };
        let mut never = build(&with(None), &shape).unwrap();
        let mut rarely = build(&with(Some(1e-5)), &shape).unwrap();
        let mut always = build(&with(Some(1e9)), &shape).unwrap();
        assert_eq!(event(&train(&mut never, 0..1)[0]), None);
        assert_eq!(
            event(&train(&mut rarely, 0..1)[0]),
            Some(("d_reinitialised", 0.0))
        );
        assert_eq!(arrays(&never), arrays(&rarely));
        assert_eq!(
            event(&train(&mut always, 0..1)[0]),
            Some(("d_reinitialised", 1.0))
        );
        let (kept, new) = (arrays(&never), arrays(&always));
        let weight = "discriminator.features.0.weight";
        let of = |a: &Arrays, name: &str| a.any_shape(name).unwrap().values.clone();
        for network in ["networks", "average"] {
            let path = format!("{network}.{weight}");
            if network == "average" && ema == 0.0 {
                assert!(new.any_shape(&path).is_err());
                continue;
            }
            assert_ne!(of(&kept, &path), of(&new, &path));
            assert_eq!(of(&new, &path), of(&new, &format!("networks.{weight}")));
        }
        let generator = "networks.generator.encoder.0.weight";
        assert_eq!(of(&kept, generator), of(&new, generator));
        assert_eq!(of(&kept, "adam.discriminator.steps"), [0.0, 1.0]);
        assert_eq!(of(&new, "adam.discriminator.steps"), [0.0, 0.0]);

        // Another step draws other weights; the same step draws the same, also after a restart.
        let mut resumed = build(&with(Some(1e9)), &shape).unwrap();
        resumed.restore(&new).unwrap();
        train(&mut always, 1..3);
        train(&mut resumed, 1..3);
        assert_eq!(arrays(&always), arrays(&resumed));
        let path = format!("networks.{weight}");
        assert_ne!(of(&arrays(&always), &path), of(&new, &path));
    }
}

#[test]
fn all_sides_and_channels_are_rebuilt() {
    for (side, channels) in [(16, 3), (32, 1), (64, 3), (128, 1), (256, 3)] {
        let networks = GanomalyNetworks::Convolutional {
            width: 1,
            extra_layers: 0,
        };
        let config = GanomalyConfig {
            networks,
            ..config()
        };
        let shape = image(side, channels);
        let mut ganomaly = build(&config, &shape).unwrap();
        let batch = Batch {
            len: 2,
            x: vec![0.25; 2 * shape.size()],
            ..Batch::default()
        };
        ganomaly.step(batch, &context(0)).unwrap();
        let features = Features::new(shape.clone(), vec![0.5; shape.size()]);
        let rebuilt = ganomaly.scorer().reconstructions(&features).unwrap();
        let rebuilt = rebuilt.unwrap();
        assert_eq!(rebuilt.len(), shape.size(), "{side} × {side} × {channels}");
        assert!(rebuilt.iter().all(|v| v.abs() <= 1.0));
    }
}

#[test]
fn other_sizes_are_refused_with_a_size_that_works() {
    for (height, width, hint) in [
        (28, 28, "32"),
        (48, 48, "64"),
        (8, 8, "16"),
        (64, 300, "256"),
    ] {
        let shape = FeatureShape::Image {
            height,
            width,
            channels: 1,
        };
        let error = build(&config(), &shape).unwrap_err();
        let found = format!("{width} × {height}");
        assert!(error.to_string().contains(&found), "{error}");
        let hint = format!("`image-size = {hint}`");
        assert!(error.hint().unwrap().ends_with(&hint), "{:?}", error.hint());
    }
    let table = FeatureShape::Row { width: 5 };
    let error = build(&config(), &table).unwrap_err().to_string();
    assert!(
        error.contains("convolutional") && error.contains("dense"),
        "{error}"
    );
    let error = build(&GanomalyConfig::recommended(Kind::Table), &image(16, 1)).unwrap_err();
    assert!(
        error.to_string().contains("`convolutional` for images"),
        "{error}"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let dense = |encoder: &[usize], discriminator: &[usize]| GanomalyNetworks::Dense {
        encoder: encoder.to_vec(),
        discriminator: discriminator.to_vec(),
    };
    type Change = Box<dyn Fn(&mut GanomalyConfig)>;
    let cases: [(&str, Change); 9] = [
        ("latent", Box::new(|c| c.latent = 0)),
        ("ema", Box::new(|c| c.ema = 1.0)),
        (
            "adversarial_weight",
            Box::new(|c| c.adversarial_weight = -1.0),
        ),
        (
            "reconstruction_weight",
            Box::new(|c| c.reconstruction_weight = f32::NAN),
        ),
        (
            "latent_weight",
            Box::new(|c| c.latent_weight = f32::INFINITY),
        ),
        (
            "reinitialise_below",
            Box::new(|c| c.reinitialise_below = Some(0.0)),
        ),
        (
            "networks.encoder",
            Box::new(move |c| c.networks = dense(&[0], &[3])),
        ),
        (
            "networks.discriminator",
            Box::new(move |c| c.networks = dense(&[4], &[])),
        ),
        (
            "networks.width",
            Box::new(|c| {
                c.networks = GanomalyNetworks::Convolutional {
                    width: 0,
                    extra_layers: 0,
                }
            }),
        ),
    ];
    for (name, change) in cases {
        let mut config = config();
        change(&mut config);
        let error = build(&config, &image(SIDE, 1)).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{name}: {error}");
    }
}

#[test]
fn a_table_has_a_bottleneck_whatever_its_width() {
    for (width, expected) in [(1, 1), (6, 3), (9, 2), (21, 5), (121, 16)] {
        let config = GanomalyConfig::recommended(Kind::Table);
        let ganomaly = build(&config, &FeatureShape::Row { width }).unwrap();
        let Plan::Dense { latent, .. } = ganomaly.plan else {
            panic!("a table has dense networks");
        };
        assert_eq!(latent, expected, "{width} features");
    }
}

#[test]
fn reconstructions_and_contributions_belong_together() {
    let mut ganomaly = build(&config(), &image(SIDE, 1)).unwrap();
    train(&mut ganomaly, 0..3);
    let scorer = ganomaly.scorer();
    let x = stripes(5, 2);
    let features = Features::new(image(SIDE, 1), x.clone());
    let rebuilt = scorer.reconstructions(&features).unwrap().unwrap();
    let contributions = scorer.contributions(&features).unwrap();
    let parts = scorer.parts(&features).unwrap();
    assert_eq!(parts.names().next(), Some(RECONSTRUCTION));
    for i in 0..x.len() {
        assert_eq!(contributions[i], (x[i] - rebuilt[i]).abs());
    }
    for (i, each) in contributions.chunks(SIZE).enumerate() {
        let mean = each.iter().sum::<f32>() / SIZE as f32;
        let part = parts.get(RECONSTRUCTION).unwrap()[i] as f32;
        assert!((mean - part).abs() < 1e-6, "{mean} and {part}");
    }
    assert_eq!(scorer.generated(3, 0), None);
}
