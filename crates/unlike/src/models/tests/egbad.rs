//! EGBAD beside PyTorch, the numbers of `tests/golden/egbad/export.py`, and what it promises beyond.

use unlike_core::{FeatureShape, Features, Scorer};
use unlike_kernels::l1;

use super::{
    assert_alone_as_among, bits, context, forget_statistics, fresh, gradients, loaded, rows,
    samples, scorer, train,
};
use crate::{
    backend::{Tensor, values},
    method::{Batch, Method, Playing, Reduction, Settings, Trainee},
    models::{
        Kind,
        bigan::Bigan,
        egbad::{Egbad, EgbadNetworks, GeneratorLoss, ResidualTrains},
        tests::golden::Golden,
    },
    nn::{AdamConfig, Pass},
    rng::{Purpose, normals, rng},
    settings::{Positive, Share, Weight, Width, Widths},
};

const BATCH: usize = 6;
const LATENT: usize = 3;
const STEPS: usize = 5;
const PARTS: [&str; 3] = ["residual", "feature", "cross_entropy"];
const BYTES: &[u8] = include_bytes!("../../../tests/golden/egbad/egbad.safetensors");

/// Those of rows, then those of images.
const VARIANTS: [&str; 8] = [
    "cross-entropy",
    "feature-matching",
    "spectral",
    "both",
    "image-encoder",
    "image-both",
    "image-feature-matching",
    "image-spectral",
];

/// A variant, the batches of all variants of its kind, and the networks of the fixture.
fn small(variant: &str) -> (Golden, Golden, Playing<Egbad>) {
    let images = variant.starts_with("image");
    let matching = variant.ends_with("feature-matching");
    let (shape, batches) = match images {
        false => (FeatureShape::row(7), "row"),
        true => (FeatureShape::image(16, 16, 3), "image"),
    };
    let of = |width: Option<usize>, dense: [&[usize]; 5]| EgbadNetworks {
        width: width.map(Width::of),
        encoder: Widths::of(dense[0]),
        generator: Widths::of(dense[1]),
        discriminator_x: Widths::of(dense[2]),
        discriminator_z: Widths::of(dense[3]),
        discriminator_joint: Widths::of(dense[4]),
    };
    let mut egbad = Egbad {
        latent: Width::of(LATENT),
        networks: match images {
            false => of(None, [&[5], &[6, 8], &[9], &[4], &[10, 11]]),
            true => of(Some(2), [&[], &[5], &[], &[4], &[6]]),
        },
        dropout: Share::of(0.0),
        spectral_norm: ["spectral", "both", "image-spectral"].contains(&variant),
        generator_loss: match matching {
            true => GeneratorLoss::FeatureMatching,
            false => GeneratorLoss::CrossEntropy,
        },
        residual_weight: Weight::of(if matching { 0.0 } else { 10.0 }),
        residual_trains: match variant.ends_with("both") {
            true => ResidualTrains::EncoderAndGenerator,
            false => ResidualTrains::Encoder,
        },
        reduction: Reduction::Mean,
        ..Egbad::paper(Kind::Table)
    };
    egbad.training.adam = AdamConfig::gan(1e-3);
    egbad.training.ema = Share::of(0.9);
    let golden = Golden::load(BYTES, variant);
    let playing = golden.playing(&egbad, &shape);
    (golden, Golden::load(BYTES, batches), playing)
}

/// x [N, size] and z [N, latent] of the `step`-th batch, for the first or the second update.
fn both(batches: &Golden, playing: &Playing<Egbad>, at: usize) -> [Tensor<2>; 2] {
    let size = playing.nets.shape().size();
    [
        batches.rows("x", at, [BATCH, size]),
        batches.rows("z", at, [BATCH, LATENT]),
    ]
}

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, batches, playing) = small(variant);
        let [x, z] = both(&batches, &playing, 0);
        let [e, g, d] = playing.nets.all();
        for (mode, pass) in [
            ("frozen", Pass::Frozen { dropout: 0 }),
            ("score", Pass::Score),
        ] {
            let close =
                |name: &str, ours| golden.assert_output(&format!("{mode}.{name}"), ours, 1e-5);
            close("encoded", e.apply(x.clone(), pass));
            close("generated", g.apply(z.clone(), pass));
            let [logit, features] = d.forward([x.clone(), z.clone()], pass);
            close("logit", logit);
            close("features", features);
        }
    }
}

#[test]
fn gradients_are_those_that_pytorch_gives_and_reach_only_their_networks() {
    for variant in VARIANTS {
        let (golden, batches, first) = small(variant);
        let (_, _, second) = small(variant);
        let (d, _) = Egbad::discriminator_loss(&first.nets, both(&batches, &first, 0), [0; 2]);
        let others = both(&batches, &second, 1);
        let ([g, e], _) = second
            .method
            .generator_encoder_loss(&second.nets, others, [0; 2]);
        golden.assert_gradients::<_, 3>(&[(&first, &d), (&second, &(g + e))], 1e-4);
    }
}

#[test]
fn five_steps_have_the_losses_movements_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, batches, mut playing) = small(variant);
        let theirs = golden.get("losses");
        assert_eq!(theirs.len(), 4 * STEPS);
        let size = playing.nets.shape().size();
        for (step, theirs) in theirs.chunks(4).enumerate() {
            let of = |name, which, width| {
                batches
                    .batch(name, 2 * step + which, [BATCH, width])
                    .to_vec()
            };
            let batch = Batch {
                len: BATCH,
                x: of("x", 0, size),
                x_other: of("x", 1, size),
                z: of("z", 0, LATENT),
                z_other: of("z", 1, LATENT),
            };
            let losses = playing.step(batch, &context(step as u64, 5)).unwrap();
            let mut names = vec!["discriminator", "generator", "encoder"];
            match playing.method.residual_weight.get() > 0.0 {
                true => names.push("residual"),
                false => assert_eq!(losses.get("residual"), None),
            }
            for (name, &theirs) in names.into_iter().zip(theirs) {
                let what = format!("step {step}, {name}");
                golden.assert_number(&what, losses.get(name).unwrap(), theirs, 5e-5);
            }
        }
        golden.assert_trained(&playing, 5e-4);
        golden.assert_parts(&playing, &PARTS, 2e-4);
        // The paper's score is over sums.
        playing.method.reduction = Reduction::Sum;
        golden.assert_score(&playing, "paper", 2e-4);
    }
}

/// Narrow networks for images.
fn narrow() -> Egbad {
    let mut egbad = Egbad {
        latent: Width::of(8),
        ..Egbad::recommended(Kind::Images)
    };
    egbad.networks = EgbadNetworks {
        width: Some(Width::of(4)),
        generator: Widths::of([32]),
        discriminator_z: Widths::of([16]),
        discriminator_joint: Widths::of([32]),
        ..egbad.networks
    };
    egbad
}

#[test]
fn images_of_all_sizes_pass_and_others_are_refused_with_a_hint() {
    let mut egbad = narrow();
    egbad.networks = EgbadNetworks {
        width: Some(Width::of(1)),
        encoder: Widths::of([]),
        generator: Widths::of([2]),
        discriminator_x: Widths::of([]),
        discriminator_z: Widths::of([2]),
        discriminator_joint: Widths::of([2]),
    };
    for (side, smallest) in [(16, 4), (28, 7), (32, 4), (64, 4), (128, 4), (256, 4)] {
        for channels in [1, 3] {
            let shape = FeatureShape::image(side, side, channels);
            let mut playing = fresh(&egbad, &shape).unwrap();
            let saved = playing.nets.save();
            let z = saved.any_shape("networks.encoder.layers.0.weight").unwrap();
            let per_pixel = z.shape[0] / (smallest * smallest);
            assert!(z.shape[0].is_multiple_of(smallest * smallest), "{side}");
            assert!(
                [2, 4, 8].contains(&per_pixel),
                "{side}: {per_pixel} channels"
            );
            train(&mut playing, 0..1, 1, 2);
            let features = Features::new(shape.clone(), samples(&shape, 3, 0));
            let scorer = scorer(&playing);
            assert_eq!(scorer.parts(&features).unwrap().len(), 3);
            let rebuilt = scorer.reconstructions(&features).unwrap().unwrap();
            assert_eq!(rebuilt.len(), 3 * shape.size());
        }
    }
    for (height, width, hint) in [
        (28, 32, "`image-size = 32`"),
        (30, 30, "`image-size = 28`"),
        (6, 6, "`image-size = 16`"),
        (100, 100, "`image-size = 128`"),
        (480, 640, "`image-size = 256`"),
    ] {
        let error = fresh(&egbad, &FeatureShape::image(height, width, 1))
            .err()
            .unwrap();
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
    let error = fresh(&egbad, &FeatureShape::row(9)).err().unwrap();
    assert!(error.to_string().contains("`networks.width`"), "{error}");
    let table = Egbad::recommended(Kind::Table);
    let error = fresh(&table, &FeatureShape::image(28, 28, 1))
        .err()
        .unwrap();
    assert!(error.to_string().contains("`networks.width`"), "{error}");
}

#[test]
fn the_authors_networks_have_the_authors_sizes() {
    let images: [(&str, &[usize]); 13] = [
        ("encoder.maps.0", &[3, 3, 1, 32]),
        ("encoder.maps.1", &[3, 3, 32, 64]),
        ("encoder.maps.2", &[3, 3, 64, 128]),
        ("encoder.layers.0", &[7 * 7 * 128, 200]),
        ("generator.layers.0", &[200, 1024]),
        ("generator.layers.1", &[1024, 7 * 7 * 128]),
        ("generator.maps.0", &[4, 4, 128, 64]),
        ("generator.maps.1", &[4, 4, 64, 1]),
        ("discriminator.maps.0", &[4, 4, 1, 64]),
        ("discriminator.maps.1", &[4, 4, 64, 64]),
        ("discriminator.z.0", &[200, 512]),
        ("discriminator.joint.0", &[7 * 7 * 64 + 512, 1024]),
        ("discriminator.logit", &[1024, 1]),
    ];
    let table: [(&str, &[usize]); 9] = [
        ("encoder.layers.0", &[121, 64]),
        ("encoder.layers.1", &[64, 32]),
        ("generator.layers.0", &[32, 64]),
        ("generator.layers.1", &[64, 128]),
        ("generator.layers.2", &[128, 121]),
        ("discriminator.x.0", &[121, 128]),
        ("discriminator.z.0", &[32, 128]),
        ("discriminator.joint.0", &[256, 128]),
        ("discriminator.logit", &[128, 1]),
    ];
    for (kind, shape, expected) in [
        (Kind::Images, FeatureShape::image(28, 28, 1), &images[..]),
        (Kind::Table, FeatureShape::row(121), &table),
    ] {
        let playing = fresh(&Egbad::paper(kind), &shape).unwrap();
        let arrays = scorer(&playing).arrays();
        for (name, shape) in expected {
            arrays.get(&format!("{name}.weight"), shape).unwrap();
        }
        let weights = arrays.iter().filter(|(name, _)| name.ends_with("weight"));
        assert_eq!(weights.count(), expected.len());
    }
}

#[test]
fn scoring_rebuilds_what_training_rebuilds() {
    let (shape, count) = (FeatureShape::image(16, 16, 1), 256);
    let batch = Pass::Frozen { dropout: 0 };
    for (residual_trains, rebuilds) in [
        (ResidualTrains::Encoder, Pass::Score),
        (ResidualTrains::EncoderAndGenerator, batch),
    ] {
        let mut egbad = Egbad {
            residual_trains,
            ..narrow()
        };
        egbad.training.adam.learning_rate = Positive::of(1e-3);
        egbad.training.ema = Share::of(0.98);
        let mut playing = fresh(&egbad, &shape).unwrap();
        train(&mut playing, 0..240, 240, 64);

        let spots = samples(&shape, count, 1_000_000);
        let x = rows(&spots, shape.size()); // [N, size]
        let features = Features::new(shape.clone(), spots);
        let rebuilt = |scorer: &dyn Scorer| {
            let rebuilt = scorer.reconstructions(&features).unwrap().unwrap();
            rows(&rebuilt, shape.size()) // [N, size]
        };
        let scored = rebuilt(&scorer(&playing));
        let nets = playing.nets.trained();
        let [e, g, _] = nets.all();
        let trained = g.apply(e.apply(x.clone(), batch), rebuilds); // [N, size]
        let apart = |other: Tensor<2>| values(l1(scored.clone(), other))[0];
        let (distance, error) = (apart(trained), apart(x));
        let without = apart(rebuilt(&forget_statistics(&playing)));
        let found = format!("{residual_trains:?}: {distance}, {error}, {without}");
        assert!(
            distance < 0.35 * error && distance < 0.15 * without,
            "{found}"
        );
    }
}

#[test]
fn a_sample_is_scored_and_shown_alike_in_any_company_and_after_restoring() {
    let shape = FeatureShape::image(16, 16, 3);
    let mut playing = fresh(&narrow(), &shape).unwrap();
    train(&mut playing, 0..3, 3, 8);
    let found = scorer(&playing);
    let x = samples(&shape, 9, 77);
    let all = Features::new(shape.clone(), x);
    assert_alone_as_among("EGBAD", &found, &all, 1e-6);
    let rebuilt = found.reconstructions(&all).unwrap().unwrap();
    for (at, together) in rebuilt.chunks(shape.size()).enumerate() {
        let alone = Features::new(shape.clone(), all.sample(at).to_vec());
        let shown = found.reconstructions(&alone).unwrap().unwrap();
        for (a, b) in shown.iter().zip(together) {
            assert!((a - b).abs() <= 1e-6, "{a} and {b}");
        }
    }

    let generated = found.generated(5, 11).unwrap();
    assert_eq!(generated.len(), 5 * shape.size());
    assert!(generated.iter().all(|v| v.abs() <= 1.0));
    assert_eq!(generated, found.generated(5, 11).unwrap());
    assert_ne!(generated, found.generated(5, 12).unwrap());

    let mut other = fresh(&narrow(), &shape).unwrap();
    other.restore(&playing.save()).unwrap();
    train(&mut playing, 3..4, 4, 8);
    train(&mut other, 3..4, 4, 8);
    assert_eq!(playing.save(), other.save());

    let again = loaded(&narrow(), &shape, &found.arrays()).unwrap();
    let [a, b] = [&again, &found].map(|scorer| bits(&scorer.parts(&all).unwrap()));
    assert_eq!(a, b);
}

#[test]
fn dropout_drops_what_its_seed_says_and_nothing_while_scoring() {
    for shape in [FeatureShape::row(7), FeatureShape::image(16, 16, 1)] {
        let mut egbad = match shape {
            FeatureShape::Image(_) => narrow(),
            _ => Egbad::recommended(Kind::Table),
        };
        egbad.dropout = Share::of(0.5);
        let playing = fresh(&egbad, &shape).unwrap();
        let latent = egbad.latent.get();
        let x = rows(&samples(&shape, 8, 1), shape.size());
        let z = rows(
            &normals(&mut rng(0, Purpose::Latent, 0), 8 * latent),
            latent,
        );
        let [_, _, d] = playing.nets.all();
        let logit = |pass| values(d.tap("logit", [x.clone(), z.clone()], pass));
        let frozen = |dropout| logit(Pass::Frozen { dropout });
        assert_eq!(frozen(1), frozen(1), "{shape:?}");
        assert_ne!(frozen(1), frozen(2), "{shape:?}");
        assert_eq!(logit(Pass::Score), logit(Pass::Score));
        // Both losses of one step drop by the step's own seeds.
        let losses = |dropout| {
            let nets = &playing.nets;
            let (loss, _) = Egbad::discriminator_loss(nets, [x.clone(), z.clone()], dropout);
            values(loss)
        };
        assert_ne!(losses([1, 2]), losses([1, 3]), "{shape:?}");
        assert_ne!(losses([1, 2]), losses([3, 2]), "{shape:?}");
    }
}

#[test]
fn bigan_trains_as_egbad_without_the_residual_term() {
    let shape = FeatureShape::row(7);
    let bigan = Bigan::recommended(Kind::Table);
    let mut one = fresh(&bigan, &shape).unwrap();
    let mut other = fresh(&bigan.0, &shape).unwrap();
    let (losses, theirs) = (train(&mut one, 0..3, 3, 8), train(&mut other, 0..3, 3, 8));
    assert_eq!(losses, theirs);
    assert_eq!(losses[0].get("residual"), None);
    assert_eq!(one.save(), other.save());
    let names: Vec<&str> = bigan.scores().iter().map(|score| score.name).collect();
    assert_eq!(names, ["residual"]);
    // No loss of E reaches G: only the residual term could.
    let [x, z] = [shape.size(), bigan.0.latent.get()].map(|w| rows(&vec![0.5; 2 * w], w));
    let ([_, e], residual) = other
        .method
        .generator_encoder_loss(&other.nets, [x, z], [0; 2]);
    assert!(residual.is_none());
    let found = gradients::<_, 3>(&other, &e);
    assert!(!found.is_empty() && found.iter().all(|(name, _)| name.starts_with("encoder.")));
}
