//! GANomaly beside PyTorch, the numbers of `tests/golden/ganomaly/export.py`, and what it promises
//! beyond: the authors' gradients, a batch norm that survives evaluation mode, a discriminator that
//! can start anew.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_core::{Arrays, FeatureShape, Features, Scorer};
use unlike_kernels::{bce_with_logits, l1, mse};

use super::{
    assert_alone_as_among, context, forget_statistics, fresh, gradients, rows, samples, scorer,
    train,
};
use crate::{
    backend::values,
    method::{Batch, Losses, Method, Playing, Settings, StepContext, Trainee},
    models::{
        Kind,
        ganomaly::{AdversarialLoss, Ganomaly, GanomalyNetworks, LatentNorm},
        tests::golden::{Golden, assert_arrays, assert_close},
    },
    nn::{AdamConfig, Pass},
    settings::{Depth, Positive, Share, Width, Widths},
    train::Schedule,
};

const STEPS: usize = 5;
const BYTES: &[u8] = include_bytes!("../../../tests/golden/ganomaly/ganomaly.safetensors");
const VARIANTS: [&str; 7] = [
    "colour",
    "grey",
    "grey-cross-entropy",
    "grey-spectral",
    "table",
    "table-cross-entropy",
    "table-spectral",
];
const TRAIN: Pass = Pass::Train { dropout: 0 };

fn networks(width: Option<usize>, extra: usize, [e, d]: [&[usize]; 2]) -> GanomalyNetworks {
    GanomalyNetworks {
        width: width.map(Width::of),
        extra_layers: Depth::of(extra),
        encoder: Widths::of(e),
        discriminator: Widths::of(d),
    }
}

/// A variant with the networks of the fixture, and the samples of a batch.
fn small(variant: &str) -> (Golden, Playing<Ganomaly>, usize) {
    let (shape, latent, networks, batch) = match variant {
        "colour" => {
            let shape = FeatureShape::image(16, 16, 3);
            (shape, 5, networks(Some(4), 1, [&[], &[]]), 3)
        }
        "grey" => {
            let shape = FeatureShape::image(32, 32, 1);
            (shape, 3, networks(Some(2), 0, [&[], &[]]), 3)
        }
        "grey-cross-entropy" | "grey-spectral" => {
            let shape = FeatureShape::image(16, 16, 1);
            (shape, 3, networks(Some(2), 0, [&[], &[]]), 3)
        }
        _ => (
            FeatureShape::row(9),
            2,
            networks(None, 0, [&[6, 5], &[7, 4]]),
            8,
        ),
    };
    let mut ganomaly = Ganomaly {
        latent: Width::of(latent),
        networks,
        spectral_norm: variant.ends_with("spectral"),
        adversarial_loss: match variant.ends_with("cross-entropy") {
            true => AdversarialLoss::CrossEntropy,
            false => AdversarialLoss::FeatureMatching,
        },
        ..Ganomaly::paper(Kind::Images)
    };
    ganomaly.training.adam = AdamConfig::gan(1e-3);
    ganomaly.training.ema = Share::of(0.9);
    let golden = Golden::load(BYTES, variant);
    let playing = golden.playing(&ganomaly, &shape);
    (golden, playing, batch)
}

/// The scorer's parts beside those under `prefix`, in either norm of the latent part.
#[track_caller]
fn assert_parts(
    golden: &Golden,
    playing: &mut Playing<Ganomaly>,
    prefix: &str,
    x: &[f32],
    tolerance: f32,
) {
    let query = Features::new(playing.nets.shape().clone(), x.to_vec());
    for (norm, latent) in [
        (LatentNorm::Squared, "latent"),
        (LatentNorm::Absolute, "latent_absolute"),
    ] {
        playing.method.latent_norm = norm;
        let parts = scorer(playing).parts(&query).unwrap();
        for (part, theirs) in [
            ("reconstruction", "reconstruction"),
            ("latent", latent),
            ("feature", "feature"),
        ] {
            let ours = parts.get(part).unwrap();
            let theirs = golden.get(&format!("{prefix}.part.{theirs}"));
            let what = format!("{}, {prefix}, {part}", golden.variant);
            assert_close(&what, ours, theirs, tolerance);
        }
    }
    playing.method.latent_norm = LatentNorm::Squared;
}

/// Every network's output for x, beside those under `prefix`.
#[track_caller]
fn assert_outputs(
    golden: &Golden,
    playing: &Playing<Ganomaly>,
    prefix: &str,
    x: &[f32],
    tolerance: f32,
) {
    let x = rows(x, playing.nets.shape().size());
    let nets = playing.nets.trained();
    let [e, decoder, e2, d] = nets.all();
    let z = e.apply(x.clone(), Pass::Score);
    let x_hat = decoder.apply(z.clone(), Pass::Score);
    let z_hat = e2.apply(x_hat.clone(), Pass::Score);
    let [logit, f] = d.forward([x], Pass::Score);
    for (name, ours) in [
        ("z", z),
        ("x_hat", x_hat),
        ("z_hat", z_hat),
        ("f", f),
        ("logit", logit),
    ] {
        golden.assert_output(&format!("{prefix}.{name}"), ours, tolerance);
    }
}

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, mut playing, batch) = small(variant);
        let x = golden.batch("x", 0, [batch, playing.nets.shape().size()]);
        assert_outputs(&golden, &playing, "before", x, 1e-5);
        assert_parts(&golden, &mut playing, "before", x, 2e-4);
    }
}

#[test]
fn gradients_are_those_that_pytorch_gives_and_reach_only_their_network() {
    for variant in VARIANTS {
        let (golden, playing, batch) = small(variant);
        let x = golden.rows("x", 0, [batch, playing.nets.shape().size()]);
        let ([g, ..], seen) = playing.method.generator_loss(&playing.nets, x);
        let d = Ganomaly::discriminator_loss(seen);
        golden.assert_gradients::<_, 4>(&[(&playing, &g), (&playing, &d)], 1e-4);
    }
}

#[test]
fn five_steps_have_the_losses_movements_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, mut playing, batch) = small(variant);
        let names = [
            "discriminator",
            "generator",
            "reconstruction",
            "latent",
            "adversarial",
        ];
        let theirs = golden.get("losses");
        assert_eq!(theirs.len(), names.len() * STEPS);
        let size = playing.nets.shape().size();
        for (step, theirs) in theirs.chunks(names.len()).enumerate() {
            let batch = Batch {
                len: batch,
                x: golden.batch("x", step, [batch, size]).to_vec(),
                ..Batch::default()
            };
            let losses = playing.step(batch, &context(step as u64, 5)).unwrap();
            assert_eq!(losses.get("d_reinitialised"), Some(0.0));
            for (name, &theirs) in names.into_iter().zip(theirs) {
                let what = format!("step {step}, {name}");
                golden.assert_number(&what, losses.get(name).unwrap(), theirs, 5e-5);
            }
        }
        golden.assert_trained(&playing, 5e-4);
        assert_outputs(&golden, &playing, "after", golden.get("query"), 2e-4);
        assert_parts(&golden, &mut playing, "after", golden.get("query"), 2e-4);
    }
}

const SIDE: usize = 16;
const SIZE: usize = SIDE * SIDE;
/// A whole training: the learning rate ends at 0 after these.
const ALL: u64 = 200;

fn image(side: usize, channels: usize) -> FeatureShape {
    FeatureShape::image(side, side, channels)
}

fn narrow() -> Ganomaly {
    let mut ganomaly = Ganomaly {
        latent: Width::of(6),
        networks: networks(Some(4), 1, [&[], &[]]),
        ..Ganomaly::paper(Kind::Images)
    };
    ganomaly.training.adam.learning_rate = Positive::of(2e-3);
    ganomaly
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

fn train_on_stripes(playing: &mut Playing<Ganomaly>, steps: std::ops::Range<u64>) -> Vec<Losses> {
    let each = |step| {
        let batch = Batch {
            len: 24,
            x: stripes(24, 100 + step),
            ..Batch::default()
        };
        let context = StepContext {
            seed: 7,
            learning_rate_scale: Schedule::Cosine.scale(step, ALL),
            ..context(step, ALL)
        };
        playing.step(batch, &context).unwrap()
    };
    steps.map(each).collect()
}

#[test]
fn gradients_are_those_of_the_authors_order() {
    let table = Ganomaly {
        networks: networks(None, 0, [&[8], &[8, 6]]),
        ..Ganomaly::recommended(Kind::Table)
    };
    for (ganomaly, shape) in [(narrow(), image(SIDE, 1)), (table, FeatureShape::row(SIZE))] {
        let mut playing = fresh(&ganomaly, &shape).unwrap();
        train_on_stripes(&mut playing, 0..3);
        let x = || rows(&stripes(8, 1), SIZE);
        let ([g, ..], seen) = ganomaly.generator_loss(&playing.nets, x());
        let ours_g = gradients::<_, 4>(&playing, &g);
        let ours_d = gradients::<_, 4>(&playing, &Ganomaly::discriminator_loss(seen));

        // G once; D on x and on the detached x̂ for its own loss; then on both again for G's.
        let [e, decoder, e2, d] = playing.nets.all();
        let z = e.apply(x(), TRAIN);
        let x_hat = decoder.apply(z.clone(), TRAIN);
        let z_hat = e2.apply(x_hat.clone(), TRAIN);
        let real = d.apply(x(), TRAIN);
        let fake = d.apply(x_hat.clone().detach(), TRAIN);
        let [f, f_hat] = [x(), x_hat.clone()].map(|x| d.tap("f", [x], TRAIN));
        let loss = mse(f_hat, f) + l1(x_hat, x()) * 50.0 + mse(z_hat, z);
        let mut theirs_g = Arrays::new();
        for (name, array) in gradients::<_, 4>(&playing, &loss).iter() {
            // Theirs reach D too; its optimiser forgets them.
            if !name.starts_with("discriminator.") {
                theirs_g.insert(name, &array.shape, array.values.clone());
            }
        }
        let loss = (bce_with_logits(real, 1.0) + bce_with_logits(fake, 0.0)) * 0.5;
        let theirs_d = gradients::<_, 4>(&playing, &loss);
        assert_arrays("G", &ours_g, &theirs_g, 1e-5);
        assert_arrays("D", &ours_d, &theirs_d, 1e-5);
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
    for ema in [0.0, 0.9] {
        let mut ganomaly = narrow();
        ganomaly.training.ema = Share::of(ema);
        let mut playing = fresh(&ganomaly, &image(SIDE, 1)).unwrap();
        train_on_stripes(&mut playing, 0..ALL);
        let x = stripes(64, 5);
        let features = Features::new(image(SIDE, 1), x.clone());
        let nets = playing.nets.trained();
        let [e, decoder, ..] = nets.all::<4>();
        let batch = Pass::Frozen { dropout: 0 };
        let training = values(decoder.apply(e.apply(rows(&x, SIZE), batch), batch));
        let learned = departure(&training, &x);
        assert!(learned < 0.8, "nothing was learned: {learned}");
        let rebuilt = |scorer: &dyn Scorer| scorer.reconstructions(&features).unwrap().unwrap();
        let off = departure(&rebuilt(&scorer(&playing)), &training);
        assert!(off < 0.15, "ema {ema}: evaluation mode is off by {off}");
        let off = departure(&rebuilt(&forget_statistics(&playing)), &training);
        assert!(
            off > 0.5,
            "ema {ema}: off by {off} only with statistics that never moved"
        );
    }
}

#[test]
fn a_sample_scores_alone_as_it_does_among_extreme_ones() {
    let mut playing = fresh(&narrow(), &image(SIDE, 1)).unwrap();
    train_on_stripes(&mut playing, 0..10);
    let mut all = stripes(20, 9);
    for i in 0..40 {
        // All black, all white, chequered.
        all.extend((0..SIZE).map(|p| match i % 3 {
            0 => -1.0,
            1 => 1.0,
            _ => 1.0 - 2.0 * ((p + p / SIDE) % 2) as f32,
        }));
    }
    let all = Features::new(image(SIDE, 1), all);
    assert_alone_as_among("GANomaly", &scorer(&playing), &all, 1e-6);
}

#[test]
fn a_discriminator_that_wins_starts_anew_and_says_so() {
    let event = |losses: &Losses| losses.get("d_reinitialised");
    let of = |a: &Arrays, name: &str| a.any_shape(name).unwrap().values.clone();
    for ema in [0.0, 0.9] {
        let shape = image(SIDE, 1);
        let with = |limit: Option<f32>| {
            let mut ganomaly = narrow();
            ganomaly.reinitialise_below = limit.map(Positive::of);
            ganomaly.training.ema = Share::of(ema);
            fresh(&ganomaly, &shape).unwrap()
        };
        let (mut never, mut rarely, mut always) = (with(None), with(Some(1e-5)), with(Some(1e9)));
        assert_eq!(event(&train_on_stripes(&mut never, 0..1)[0]), None);
        assert_eq!(event(&train_on_stripes(&mut rarely, 0..1)[0]), Some(0.0));
        assert_eq!(never.save(), rarely.save());
        assert_eq!(event(&train_on_stripes(&mut always, 0..1)[0]), Some(1.0));
        let (kept, new) = (never.save(), always.save());
        let weight = "discriminator.0.weight";
        for network in ["networks", "average"] {
            let path = format!("{network}.{weight}");
            if network == "average" && ema == 0.0 {
                assert!(new.any_shape(&path).is_err());
                continue;
            }
            assert_ne!(of(&kept, &path), of(&new, &path));
            assert_eq!(of(&new, &path), of(&new, &format!("networks.{weight}")));
        }
        for name in ["encoder", "decoder", "second_encoder"] {
            let path = format!("networks.{name}.0.weight");
            assert_eq!(of(&kept, &path), of(&new, &path));
            assert_eq!(of(&new, &format!("adam.{name}.steps")), [0.0, 1.0]);
        }
        let fresh_mean = of(&new, "networks.discriminator.1.norm.running_mean");
        assert!(fresh_mean.iter().all(|&v| v == 0.0));
        assert_eq!(of(&kept, "adam.discriminator.steps"), [0.0, 1.0]);
        assert_eq!(of(&new, "adam.discriminator.steps"), [0.0, 0.0]);

        // Another step draws other weights; the same step draws the same, also after a restart.
        let mut resumed = with(Some(1e9));
        resumed.restore(&new).unwrap();
        train_on_stripes(&mut always, 1..3);
        train_on_stripes(&mut resumed, 1..3);
        assert_eq!(always.save(), resumed.save());
        let path = format!("networks.{weight}");
        assert_ne!(of(&always.save(), &path), of(&new, &path));
    }
}

#[test]
fn all_sides_and_channels_are_rebuilt() {
    for (side, channels) in [(16, 3), (32, 1), (64, 3), (128, 1), (256, 3)] {
        let ganomaly = Ganomaly {
            networks: networks(Some(1), 0, [&[], &[]]),
            ..narrow()
        };
        let shape = image(side, channels);
        let mut playing = fresh(&ganomaly, &shape).unwrap();
        train(&mut playing, 0..1, 1, 2);
        let features = Features::new(shape.clone(), vec![0.5; shape.size()]);
        let rebuilt = scorer(&playing).reconstructions(&features).unwrap();
        let rebuilt = rebuilt.unwrap();
        assert_eq!(rebuilt.len(), shape.size(), "{side} × {side} × {channels}");
        assert!(rebuilt.iter().all(|v| v.abs() <= 1.0));
    }
}

#[test]
fn other_sizes_are_refused_with_a_size_that_works() {
    for (height, width, hint) in [
        (28, 28, "32"),
        (48, 48, "32"),
        (6, 6, "16"),
        (64, 300, "256"),
    ] {
        let error = fresh(&narrow(), &FeatureShape::image(height, width, 1)).err();
        let error = error.unwrap_or_else(|| panic!("{width} × {height} passes"));
        let found = format!("{width} x {height}");
        assert!(error.to_string().contains(&found), "{error}");
        let hint = format!("`image-size = {hint}`");
        assert!(error.hint().unwrap().ends_with(&hint), "{:?}", error.hint());
    }
    for (ganomaly, shape) in [
        (narrow(), FeatureShape::row(5)),
        (Ganomaly::recommended(Kind::Table), image(16, 1)),
    ] {
        let error = fresh(&ganomaly, &shape).err().unwrap().to_string();
        assert!(error.contains("`networks.width`"), "{error}");
    }
}

#[test]
fn a_table_has_a_bottleneck_whatever_its_width() {
    for (width, expected) in [(1, 1), (6, 3), (9, 2), (21, 5), (121, 16)] {
        let ganomaly = Ganomaly::recommended(Kind::Table);
        let playing = fresh(&ganomaly, &FeatureShape::row(width)).unwrap();
        let arrays = scorer(&playing).arrays();
        for encoder in ["encoder", "second_encoder"] {
            arrays
                .get(&format!("{encoder}.2.weight"), &[32, expected])
                .unwrap();
        }
        arrays.get("decoder.0.weight", &[expected, 32]).unwrap();
    }
}

#[test]
fn the_authors_networks_have_the_authors_sizes() {
    let playing = fresh(&Ganomaly::paper(Kind::Images), &image(32, 3)).unwrap();
    let arrays = scorer(&playing).arrays();
    let expected: [(&str, &[usize]); 16] = [
        ("encoder.0", &[4, 4, 3, 64]),
        ("encoder.1", &[4, 4, 64, 128]),
        ("encoder.2", &[4, 4, 128, 256]),
        ("encoder.3", &[4, 4, 256, 100]),
        ("decoder.0", &[4, 4, 100, 256]),
        ("decoder.1", &[4, 4, 256, 128]),
        ("decoder.2", &[4, 4, 128, 64]),
        ("decoder.3", &[4, 4, 64, 3]),
        ("second_encoder.0", &[4, 4, 3, 64]),
        ("second_encoder.1", &[4, 4, 64, 128]),
        ("second_encoder.2", &[4, 4, 128, 256]),
        ("second_encoder.3", &[4, 4, 256, 100]),
        ("discriminator.0", &[4, 4, 3, 64]),
        ("discriminator.1", &[4, 4, 64, 128]),
        ("discriminator.2", &[4, 4, 128, 256]),
        ("discriminator.3", &[4, 4, 256, 1]),
    ];
    for (name, shape) in expected {
        arrays.get(&format!("{name}.weight"), shape).unwrap();
    }
    let weights = arrays.iter().filter(|(name, _)| name.ends_with("weight"));
    assert_eq!(weights.count(), expected.len());
    assert!(arrays.iter().all(|(name, _)| !name.ends_with("bias")));
}

#[test]
fn a_discriminator_of_one_layer_compares_samples_themselves() {
    for shape in [FeatureShape::row(9), image(16, 1)] {
        let ganomaly = match shape {
            FeatureShape::Image(_) => narrow(),
            _ => Ganomaly {
                networks: networks(None, 0, [&[6], &[]]),
                ..Ganomaly::recommended(Kind::Table)
            },
        };
        let mut playing = fresh(&ganomaly, &shape).unwrap();
        train(&mut playing, 0..2, 2, 8);
        let features = Features::new(shape.clone(), samples(&shape, 4, 9));
        assert_eq!(scorer(&playing).parts(&features).unwrap().len(), 4);
    }
}

#[test]
fn reconstructions_and_contributions_belong_together() {
    let mut playing = fresh(&narrow(), &image(SIDE, 1)).unwrap();
    train_on_stripes(&mut playing, 0..3);
    let scorer = scorer(&playing);
    let x = stripes(5, 2);
    let features = Features::new(image(SIDE, 1), x.clone());
    let rebuilt = scorer.reconstructions(&features).unwrap().unwrap();
    let contributions = scorer.contributions(&features).unwrap();
    let parts = scorer.parts(&features).unwrap();
    assert_eq!(parts.names().next(), Some("reconstruction"));
    for i in 0..x.len() {
        assert_eq!(contributions[i], (x[i] - rebuilt[i]).abs());
    }
    for (i, each) in contributions.chunks(SIZE).enumerate() {
        let mean = each.iter().sum::<f32>() / SIZE as f32;
        let part = parts.get("reconstruction").unwrap()[i] as f32;
        assert!((mean - part).abs() < 1e-6, "{mean} and {part}");
    }
    assert_eq!(scorer.generated(3, 0), None);
    assert!(
        playing
            .method
            .generate(&playing.nets.trained(), rows(&[0.0; 6], 6))
            .is_none()
    );
}
