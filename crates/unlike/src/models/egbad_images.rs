//! EGBAD on images: sizes, evaluation mode, and what a trained one shows.

use rand::SeedableRng;

use super::*;

fn image(side: usize, channels: usize) -> FeatureShape {
    FeatureShape::Image {
        height: side,
        width: side,
        channels,
    }
}

fn narrow() -> EgbadConfig {
    EgbadConfig {
        latent: 8,
        networks: EgbadNetworks::Convolutional {
            width: 4,
            generator: vec![32],
            discriminator_z: vec![16],
            discriminator_joint: vec![32],
        },
        ..EgbadConfig::recommended(Kind::Images)
    }
}

fn fresh(config: &EgbadConfig, shape: &FeatureShape) -> Result<Egbad> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    config.build(shape, &mut rng, &Device::flex())
}

/// Soft spots at random places on a dark ground, `[count, side, side, channels]`.
fn spots(count: usize, side: usize, channels: usize, index: u64) -> Vec<f32> {
    use rand::RngExt;
    let mut rng = rng::rng(1, Purpose::Order, index);
    let mut all = Vec::with_capacity(count * side * side * channels);
    for _ in 0..count {
        let within = 0.3..0.7f32;
        let centre = [rng.random_range(within.clone()), rng.random_range(within)];
        let spread = rng.random_range(0.1..0.2f32);
        for row in 0..side {
            for column in 0..side {
                let away = |at: usize, centre: f32| (at as f32 + 0.5) / side as f32 - centre;
                let square = away(row, centre[0]).powi(2) + away(column, centre[1]).powi(2);
                let value = 2.0 * (-square / (2.0 * spread * spread)).exp() - 1.0;
                all.extend(std::iter::repeat_n(value, channels));
            }
        }
    }
    all
}

/// Takes steps on fresh spots.
fn train(egbad: &mut Egbad, steps: u64, n: usize, side: usize, channels: usize) {
    let latent = egbad.latent();
    for step in 0..steps {
        let z = |which| {
            normals(
                &mut rng::rng(2, Purpose::Latent, 2 * step + which),
                n * latent,
            )
        };
        let batch = Batch {
            len: n,
            x: spots(n, side, channels, 2 * step),
            x_other: spots(n, side, channels, 2 * step + 1),
            z: z(0),
            z_other: z(1),
        };
        let context = StepContext {
            step,
            seed: 3,
            learning_rate_scale: 1.0 - step as f32 / steps as f32,
        };
        let losses = egbad.step(batch, &context).unwrap();
        assert!(losses.0.iter().all(|l| l.1.is_finite()), "{losses:?}");
    }
}

#[test]
fn images_of_all_sizes_pass_and_others_are_refused_with_a_hint() {
    let config = EgbadConfig {
        networks: EgbadNetworks::Convolutional {
            width: 1,
            generator: vec![2],
            discriminator_z: vec![2],
            discriminator_joint: vec![2],
        },
        ..narrow()
    };
    for (side, smallest) in [(28, 7), (32, 4), (64, 4), (128, 4), (256, 4)] {
        for channels in [1, 3] {
            let shape = image(side, channels);
            let pyramid = Pyramid::new(&shape, 3).unwrap();
            assert_eq!(pyramid.sides.last(), Some(&smallest), "{side}");
            assert!(pyramid.channels.iter().all(|&c| c <= 24), "{pyramid:?}");
            let mut egbad = fresh(&config, &shape).unwrap();
            train(&mut egbad, 1, 2, side, channels);
            let features = Features::new(shape.clone(), spots(3, side, channels, 0));
            let scorer = egbad.scorer();
            assert_eq!(scorer.parts(&features).unwrap().len(), 3);
            let rebuilt = scorer.reconstructions(&features).unwrap().unwrap();
            assert_eq!(rebuilt.len(), 3 * shape.size());
        }
    }
    for (height, width, hint) in [
        (28, 32, "image-size = 32"),
        (30, 30, "image-size = 28"),
        (6, 6, "image-size = 28"),
        (100, 100, "image-size = 128"),
        (480, 640, "image-size = 256"),
    ] {
        let shape = FeatureShape::Image {
            height,
            width,
            channels: 1,
        };
        let error = fresh(&config, &shape).unwrap_err();
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
    let error = fresh(&config, &FeatureShape::Row { width: 9 }).unwrap_err();
    assert!(error.hint().unwrap().contains("dense"), "{error}");
}

#[test]
fn the_authors_network_has_the_authors_sizes() {
    let egbad = fresh(&EgbadConfig::paper(Kind::Images), &image(28, 1)).unwrap();
    let mut arrays = Arrays::new();
    network_arrays(&egbad.networks, "", &mut arrays);
    for (name, shape) in [
        ("encoder.maps.0.weight", &[3, 3, 1, 32][..]),
        ("encoder.maps.1.weight", &[3, 3, 32, 64]),
        ("encoder.maps.2.weight", &[3, 3, 64, 128]),
        ("encoder.0.weight", &[7 * 7 * 128, 200]),
        ("generator.0.weight", &[200, 1024]),
        ("generator.1.weight", &[1024, 7 * 7 * 128]),
        ("generator.maps.0.weight", &[4, 4, 128, 64]),
        ("generator.maps.1.weight", &[4, 4, 64, 1]),
        ("discriminator.maps.0.weight", &[4, 4, 1, 64]),
        ("discriminator.maps.1.weight", &[4, 4, 64, 64]),
        ("discriminator.z.0.weight", &[200, 512]),
        ("discriminator.meet.weight", &[7 * 7 * 64 + 512, 1024]),
        ("discriminator.logit.weight", &[1024, 1]),
    ] {
        arrays.get(name, shape).unwrap();
    }
    let weights = arrays.iter().filter(|(name, _)| name.ends_with("weight"));
    assert_eq!(weights.count(), 13);
}

#[test]
fn scoring_rebuilds_what_training_rebuilds() {
    /// Running statistics as before the training.
    struct Reset;
    impl Visitor for Reset {
        fn param<const D: usize>(&mut self, _: &str, _: &mut crate::nn::Param<D>) {}

        fn buffer(&mut self, name: &str, buffer: &mut Tensor<1>) {
            *buffer = match name.ends_with("mean") {
                true => buffer.zeros_like(),
                false => buffer.ones_like(),
            };
        }
    }
    let (side, count) = (16, 256);
    let batch = Pass::Frozen { dropout: 0 };
    for (residual_trains, rebuilds) in [
        (ResidualTrains::Encoder, Pass::Score),
        (ResidualTrains::EncoderAndGenerator, batch),
    ] {
        let config = EgbadConfig {
            residual_trains,
            adam: AdamConfig {
                learning_rate: 1e-3,
                ..narrow().adam
            },
            ema: 0.98,
            ..narrow()
        };
        let shape = image(side, 1);
        let mut egbad = fresh(&config, &shape).unwrap();
        train(&mut egbad, 240, 64, side, 1);

        let spots = spots(count, side, 1, 1_000_000);
        let rows = |values| tensor::<2>(values, [count, side * side], &Device::flex()); // [N, size]
        let x = rows(spots.clone());
        let scored = egbad.scorer().reconstructions(&Features::new(shape, spots));
        let scored = rows(scored.unwrap().unwrap());
        let rebuild = |networks: &Networks, encodes, rebuilds| {
            let z = networks.encoder.forward(x.clone(), encodes); // [N, latent]
            networks.generator.forward(z, rebuilds) // [N, size]
        };
        let mut fresh_statistics = egbad.scoring_networks().clone();
        fresh_statistics.visit("", &mut Reset);
        let apart = |other: Tensor<2>| values(l1(scored.clone(), other))[0];
        let distance = apart(rebuild(egbad.scoring_networks(), batch, rebuilds));
        let error = apart(x.clone());
        let without = apart(rebuild(&fresh_statistics, Pass::Score, Pass::Score));
        let found = format!("{residual_trains:?}: {distance}, {error}, {without}");
        assert!(
            distance < 0.25 * error && distance < 0.15 * without,
            "{found}"
        );
    }
}

#[test]
fn a_sample_is_scored_and_shown_alike_in_any_company_and_after_restoring() {
    let shape = image(16, 3);
    let mut egbad = fresh(&narrow(), &shape).unwrap();
    train(&mut egbad, 3, 8, 16, 3);
    let scorer = egbad.scorer();
    let x = spots(9, 16, 3, 77);
    let all = Features::new(shape.clone(), x.clone());
    let (parts, rebuilt) = (scorer.parts(&all).unwrap(), scorer.reconstructions(&all));
    let rebuilt = rebuilt.unwrap().unwrap();
    for at in 0..9 {
        let alone = x[at * shape.size()..(at + 1) * shape.size()].to_vec();
        let alone = Features::new(shape.clone(), alone);
        let one = scorer.parts(&alone).unwrap();
        for part in [RESIDUAL, FEATURE, CROSS_ENTROPY] {
            let (a, b) = (parts.get(part).unwrap()[at], one.get(part).unwrap()[0]);
            assert!((a - b).abs() <= 1e-6 * b.abs(), "{part}: {a} and {b}");
        }
        let shown = scorer.reconstructions(&alone).unwrap().unwrap();
        for (a, b) in shown.iter().zip(&rebuilt[at * shape.size()..]) {
            assert!((a - b).abs() <= 1e-6, "{a} and {b}");
        }
    }

    let generated = scorer.generated(5, 11).unwrap();
    assert_eq!(generated.len(), 5 * shape.size());
    assert!(generated.iter().all(|v| v.abs() <= 1.0));
    assert_eq!(generated, scorer.generated(5, 11).unwrap());
    assert_ne!(generated, scorer.generated(5, 12).unwrap());

    let mut saved = Arrays::new();
    egbad.save(&mut saved);
    let mut other = fresh(&narrow(), &shape).unwrap();
    other.restore(&saved).unwrap();
    train(&mut egbad, 1, 8, 16, 3);
    train(&mut other, 1, 8, 16, 3);
    assert_eq!(egbad.scorer().arrays(), other.scorer().arrays());

    let mut loaded = fresh(&narrow(), &shape).unwrap();
    loaded.restore_scoring(&scorer.arrays()).unwrap();
    assert_eq!(loaded.scorer().parts(&all).unwrap(), parts);
}
