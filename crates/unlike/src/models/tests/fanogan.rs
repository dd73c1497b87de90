//! f-AnoGAN beside PyTorch, the numbers of `tests/golden/fanogan/export.py`, and what its two stages
//! promise.

use rand::RngExt;
use unlike_core::{Arrays, FeatureShape, Features, Scorer};

use super::{
    assert_alone_as_among, averaged, bits, context, fresh, gradients, live, loaded, samples,
    scorer, train,
};
use crate::{
    backend::values,
    method::{Batch, Method, Playing, Settings, Step, Trainee},
    models::{
        Kind,
        fanogan::{Fanogan, FanoganNetworks},
        tests::golden::{Golden, assert_arrays, assert_close, under},
    },
    nn::{AdamConfig, Pass},
    rng::{Purpose, rng},
    settings::{Count, Positive, Share, Weight, Width, Widths},
};

const BATCH: usize = 6;
const LATENT: usize = 3;
/// Updates of the two stages.
const FIRST: usize = 4;
const SECOND: usize = 3;
const OF: u64 = 7;
const BYTES: &[u8] = include_bytes!("../../../tests/golden/fanogan/fanogan.safetensors");
const VARIANTS: [&str; 3] = ["table", "image", "image-dense"];

fn small(variant: &str) -> (Golden, Playing<Fanogan>) {
    let (shape, width, dense): (_, _, [&[usize]; 2]) = match variant {
        "table" => (FeatureShape::row(7), None, [&[6, 8], &[9, 5]]),
        "image" => (FeatureShape::image(16, 16, 3), Some(2), [&[], &[]]),
        _ => (FeatureShape::image(16, 16, 3), Some(2), [&[5], &[6]]),
    };
    let mut fanogan = Fanogan {
        latent: Width::of(LATENT),
        gan_share: Share::of(0.6),
        critic_steps: Count::of(2),
        reach: Positive::of(2.0),
        networks: FanoganNetworks {
            width: width.map(Width::of),
            generator: Widths::of(dense[0]),
            critic: Widths::of(dense[1]),
        },
        ..Fanogan::paper(Kind::Table)
    };
    assert_eq!(
        (fanogan.penalty, fanogan.kappa),
        (Weight::of(10.0), Weight::of(1.0))
    );
    assert_eq!(fanogan.encoder_rate, Positive::of(0.5));
    fanogan.training.adam = AdamConfig {
        learning_rate: Positive::of(1e-3),
        ..fanogan.training.adam
    };
    fanogan.training.ema = Share::of(0.9);
    fanogan.ziz = match variant {
        "image-dense" => Weight::of(0.7),
        _ => Weight::of(0.0),
    };
    let golden = Golden::load(BYTES, variant);
    let playing = golden.playing(&fanogan, &shape);
    (golden, playing)
}

/// The `number`-th step's samples and noise; the second stage has that of the last step of the first.
fn step(golden: &Golden, playing: &Playing<Fanogan>, number: usize) -> Step {
    let size = playing.nets.shape().size();
    let x = golden.rows("x", number, [BATCH, size]);
    let z = |which| golden.rows("z", 2 * number.min(FIRST - 1) + which, [BATCH, LATENT]);
    Step {
        x_other: x.clone(),
        x,
        z: z(0),
        z_other: z(1),
        number: number as u64,
        of: OF,
        seed: 0,
        rate: 1.0,
    }
}

#[test]
fn the_shares_of_the_fixture_are_those_that_are_drawn() {
    for variant in VARIANTS {
        let golden = Golden::load(BYTES, variant);
        for number in 0..FIRST {
            let mut rng = rng(0, Purpose::Interpolation, number as u64);
            let ours: Vec<f32> = (0..BATCH).map(|_| rng.random()).collect();
            let theirs = golden.batch("share", number, [BATCH, 1]);
            let whole: Vec<f32> = ours.iter().map(|v| v * (1 << 24) as f32).collect();
            assert_eq!(
                ours, theirs,
                "SHARES of export.py, step {number}: {whole:?}"
            );
        }
    }
}

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, playing) = small(variant);
        let Step { x, z, .. } = step(&golden, &playing, 0);
        let [g, c, e] = playing.nets.all();
        golden.assert_output("generated", g.apply(z, Pass::Score), 1e-5);
        for pass in [Pass::Train { dropout: 0 }, Pass::Score] {
            let [real, f] = c.forward([x.clone()], pass);
            golden.assert_output("real", real, 1e-5);
            golden.assert_output("features", f, 1e-5);
        }
        golden.assert_output("encoded", e.apply(x, Pass::Score), 1e-5);
    }
}

#[test]
fn losses_and_gradients_are_those_that_pytorch_gives_and_reach_only_their_network() {
    for variant in VARIANTS {
        let (golden, playing) = small(variant);
        let (fanogan, nets) = (&playing.method, &playing.nets);
        let first = step(&golden, &playing, 0);
        let critic = fanogan.critic_loss(nets, &first);
        for (name, (ours, &theirs)) in ["critic", "distance", "penalty"]
            .iter()
            .zip(critic.iter().zip(golden.get("critic_loss")))
        {
            let ours = values(ours.clone())[0];
            golden.assert_number(name, ours.into(), theirs, 1e-5);
        }
        let generator = Fanogan::generator_loss(nets, first.z_other);

        let (_, second) = small(variant);
        let encoder = fanogan.encoder_loss(&second.nets, [first.x, first.z]);
        for (name, (ours, &theirs)) in ["encoder", "residual", "feature", "ziz"]
            .iter()
            .zip(encoder.iter().zip(golden.get("encoder_loss")))
        {
            let ours = values(ours.clone())[0];
            golden.assert_number(name, ours.into(), theirs, 1e-5);
        }
        let losses = [
            (&playing, &critic[0]),
            (&playing, &generator),
            (&second, &encoder[0]),
        ];
        golden.assert_gradients::<_, 3>(&losses, 1e-4);

        // The second derivatives alone. The penalty is that of slopes, which biases do not change.
        let theirs = golden.under("penalty_gradient");
        let [_, _, penalty] = fanogan.critic_loss(nets, &step(&golden, &playing, 0));
        let ours = gradients::<_, 3>(&playing, &penalty);
        let mut compared = 0;
        for (name, array) in theirs.iter() {
            match name.ends_with("weight") {
                true => {
                    let ours = ours.get(name, &array.shape).unwrap();
                    let what = format!("{variant}, the penalty's gradient of {name}");
                    assert_close(&what, ours, &array.values, 1e-4);
                    compared += 1;
                }
                false => {
                    assert!(array.values.iter().all(|&v| v == 0.0), "{variant}, {name}");
                    let ours = ours.any_shape(name).ok();
                    assert!(ours.is_none_or(|a| a.values.iter().all(|&v| v == 0.0)));
                }
            }
        }
        assert_eq!(2 * compared, theirs.len());
        assert!(ours.iter().all(|(name, _)| theirs.any_shape(name).is_ok()));
    }
}

#[test]
fn both_stages_have_the_losses_movements_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, mut playing) = small(variant);
        let (first, second) = (golden.get("first"), golden.get("second"));
        assert_eq!((first.len(), second.len()), (4 * FIRST, 4 * SECOND));
        for number in 0..FIRST + SECOND {
            let step = step(&golden, &playing, number);
            let losses = playing.method.step(&mut playing.nets, step).unwrap();
            let (names, theirs): (&[_], _) = match number < FIRST {
                true => {
                    let names = &["critic", "distance", "penalty", "generator"];
                    // G moves at every second step.
                    let moves = number % 2 == 1;
                    assert_eq!(losses.get("generator").is_some(), moves);
                    let count = if moves { 4 } else { 3 };
                    (&names[..count], &first[4 * number..][..count])
                }
                false => {
                    let names = &["encoder", "residual", "feature", "ziz"];
                    let counts = playing.method.ziz.get() > 0.0;
                    assert_eq!(losses.get("ziz").is_some(), counts);
                    let count = if counts { 4 } else { 3 };
                    (&names[..count], &second[4 * (number - FIRST)..][..count])
                }
            };
            assert_eq!(losses.0.len(), names.len());
            for (name, &theirs) in names.iter().zip(theirs) {
                let what = format!("step {number}, {name}");
                golden.assert_number(&what, losses.get(name).unwrap(), theirs, 5e-5);
            }
        }
        golden.assert_trained(&playing, 5e-4);
        golden.assert_parts(&playing, &["residual", "feature", "latent"], 2e-4);
        golden.assert_score(&playing, "paper", 2e-4);
    }
}

/// Narrow networks, half of whose updates are of the first stage.
fn narrow(shape: &FeatureShape) -> Fanogan {
    let (kind, width, dense): (_, _, [&[usize]; 2]) = match shape {
        FeatureShape::Image(_) => (Kind::Images, Some(2), [&[], &[]]),
        _ => (Kind::Table, None, [&[12], &[10, 8]]),
    };
    let mut fanogan = Fanogan {
        latent: Width::of(6),
        critic_steps: Count::of(2),
        networks: FanoganNetworks {
            width: width.map(Width::of),
            generator: Widths::of(dense[0]),
            critic: Widths::of(dense[1]),
        },
        ..Fanogan::recommended(kind)
    };
    fanogan.training.ema = Share::of(0.9);
    fanogan
}

fn shapes() -> [FeatureShape; 2] {
    [FeatureShape::row(9), FeatureShape::image(16, 16, 3)]
}

#[test]
fn each_stage_trains_its_networks_and_no_others() {
    for shape in shapes() {
        let mut playing = fresh(&narrow(&shape), &shape).unwrap();
        let of = |arrays: &Arrays, name: &str| under(arrays, name);
        let start = live(&playing.nets);
        train(&mut playing, 0..1, 8, 8);
        let one = live(&playing.nets);
        assert_eq!(
            of(&one, "generator"),
            of(&start, "generator"),
            "before its turn"
        );
        assert_ne!(of(&one, "critic"), of(&start, "critic"));
        train(&mut playing, 1..4, 8, 8);
        let (first, average) = (live(&playing.nets), averaged(&playing.nets));
        assert_ne!(of(&first, "generator"), of(&start, "generator"));
        assert_eq!(
            of(&first, "encoder"),
            of(&start, "encoder"),
            "E learns later"
        );
        // Averages of numbers that stay are rounded.
        assert_arrays("E", &of(&average, "encoder"), &of(&start, "encoder"), 1e-6);
        assert_ne!(of(&first, "generator"), of(&average, "generator"));

        train(&mut playing, 4..8, 8, 8);
        let second = live(&playing.nets);
        for name in ["generator", "critic"] {
            // What the first stage averaged, to the bit, and so it stays.
            assert_eq!(of(&second, name), of(&average, name), "{name}");
        }
        assert_ne!(of(&second, "encoder"), of(&start, "encoder"));
    }
}

#[test]
fn no_network_scores_before_its_encoder_learns() {
    let fanogan = narrow(&FeatureShape::row(9));
    let could = |of| {
        (0..=of)
            .filter(|&steps| fanogan.can_score(steps, of))
            .collect::<Vec<u64>>()
    };
    assert_eq!(could(1), [1]);
    assert_eq!(could(2), [2]);
    assert_eq!(could(5), [3, 4, 5]);
    assert_eq!(could(6), [4, 5, 6]);
}

#[test]
fn a_stop_in_either_stage_or_between_them_changes_no_bit() {
    for shape in shapes() {
        let of = 8;
        let mut whole = fresh(&narrow(&shape), &shape).unwrap();
        train(&mut whole, 0..of, of, 8);
        for stop in 1..of {
            let mut playing = fresh(&narrow(&shape), &shape).unwrap();
            train(&mut playing, 0..stop, of, 8);
            let mut resumed = fresh(&narrow(&shape), &shape).unwrap();
            resumed.restore(&playing.save()).unwrap();
            train(&mut resumed, stop..of, of, 8);
            assert_eq!(
                resumed.save(),
                whole.save(),
                "{shape:?}, after {stop} steps"
            );
        }
    }
}

#[test]
fn a_sample_is_scored_alike_in_any_company_and_after_loading() {
    for shape in shapes() {
        let mut playing = fresh(&narrow(&shape), &shape).unwrap();
        train(&mut playing, 0..8, 8, 8);
        let found = scorer(&playing);
        let all = Features::new(shape.clone(), samples(&shape, 9, 77));
        assert_alone_as_among("f-AnoGAN", &found, &all, 1e-6);
        let again = loaded(&playing.method, &shape, &found.arrays()).unwrap();
        let [a, b] = [&again, &found].map(|s| bits(&s.parts(&all).unwrap()));
        assert_eq!(a, b);
        assert_eq!(found.generated(3, 7).unwrap().len(), 3 * shape.size());
        let rebuilt = found.reconstructions(&all).unwrap().unwrap();
        let parts = found.parts(&all).unwrap();
        for (i, &residual) in parts.get("residual").unwrap().iter().enumerate() {
            let squares = rebuilt[i * shape.size()..].iter().zip(all.sample(i));
            let mean = squares.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / shape.size() as f32;
            assert!((mean - residual).abs() <= 1e-5 * residual);
        }
    }
}

#[test]
fn images_of_all_sizes_pass_and_others_are_refused_with_a_hint() {
    for (side, channels) in [(16, 1), (28, 3), (32, 1), (64, 3), (128, 1), (256, 1)] {
        let shape = FeatureShape::image(side, side, channels);
        let mut fanogan = narrow(&shape);
        fanogan.networks.width = Some(Width::of(1));
        let mut playing = fresh(&fanogan, &shape).unwrap();
        train(&mut playing, 0..4, 4, 2);
        let features = Features::new(shape.clone(), samples(&shape, 2, 0));
        let rebuilt = scorer(&playing)
            .reconstructions(&features)
            .unwrap()
            .unwrap();
        assert_eq!(rebuilt.len(), 2 * shape.size());
    }
    let fanogan = narrow(&FeatureShape::image(16, 16, 1));
    for (height, width, hint) in [(28, 32, "32"), (30, 30, "28"), (480, 640, "256")] {
        let error = fresh(&fanogan, &FeatureShape::image(height, width, 1))
            .err()
            .unwrap();
        assert!(
            error
                .hint()
                .unwrap()
                .ends_with(&format!("`image-size = {hint}`")),
            "{error}"
        );
    }
}

#[test]
fn the_papers_networks_for_64_pixels() {
    let shape = FeatureShape::image(64, 64, 1);
    let arrays = scorer(&fresh(&Fanogan::paper(Kind::Images), &shape).unwrap()).arrays();
    let expected: [(&str, &[usize]); 15] = [
        ("generator.dense.0", &[128, 4 * 4 * 512]),
        ("generator.up.0", &[4, 4, 512, 256]),
        ("generator.up.1", &[4, 4, 256, 128]),
        ("generator.up.2", &[4, 4, 128, 64]),
        ("generator.up.3", &[4, 4, 64, 1]),
        ("critic.down.0", &[4, 4, 1, 64]),
        ("critic.down.1", &[4, 4, 64, 128]),
        ("critic.down.2", &[4, 4, 128, 256]),
        ("critic.down.3", &[4, 4, 256, 512]),
        ("critic.real", &[4 * 4 * 512, 1]),
        ("encoder.down.0", &[4, 4, 1, 64]),
        ("encoder.down.1", &[4, 4, 64, 128]),
        ("encoder.down.2", &[4, 4, 128, 256]),
        ("encoder.down.3", &[4, 4, 256, 512]),
        ("encoder.dense.0", &[4 * 4 * 512, 128]),
    ];
    for (name, shape) in expected {
        arrays.get(&format!("{name}.weight"), shape).unwrap();
    }
    let weights = arrays.iter().filter(|(name, _)| name.ends_with("weight"));
    assert_eq!(weights.count(), expected.len());
}

/// A batch as the training loop has it gives the same step as the tensors of it.
#[test]
fn steps_of_the_training_loop_are_those_of_the_paper() {
    let (golden, mut loop_of) = small("table");
    let (_, mut paper) = small("table");
    for number in 0..FIRST + SECOND {
        let now = step(&golden, &paper, number);
        let batch = Batch {
            len: BATCH,
            x: values(now.x.clone()),
            x_other: Vec::new(),
            z: values(now.z.clone()),
            z_other: values(now.z_other.clone()),
        };
        let theirs = paper.method.step(&mut paper.nets, now).unwrap();
        let ours = loop_of.step(batch, &context(number as u64, OF)).unwrap();
        assert_eq!(ours, theirs);
    }
    assert_eq!(loop_of.save(), paper.save());
}
