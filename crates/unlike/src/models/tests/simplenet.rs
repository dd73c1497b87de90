//! SimpleNet beside PyTorch, the numbers of `tests/golden/simplenet/export.py`, and what it promises of
//! samples.

use unlike_core::{FeatureShape, Features, Scorer};

use super::{
    assert_alone_as_among, bits, context, fresh,
    golden::{Golden, assert_close},
    loaded, samples, scorer,
};
use crate::{
    backend::{Tensor, values},
    method::{Batch, Method, Playing, Settings, Trainee},
    models::{Kind, simplenet::Simplenet},
    rng::{Purpose, normals, rng},
    settings::{Positive, Share, Widths},
};

const BATCH: usize = 6;
const STEPS: usize = 5;
const WIDTH: usize = 7;
const BYTES: &[u8] = include_bytes!("../../../tests/golden/simplenet/simplenet.safetensors");
const VARIANTS: [&str; 2] = ["paper", "climbing"];

fn small(variant: &str) -> (Golden, Playing<Simplenet>) {
    let mut simplenet = Simplenet {
        noise: Positive::of(0.5),
        hidden: Widths::of([9]),
        ..Simplenet::paper()
    };
    assert_eq!(simplenet.margin, Positive::of(0.5));
    assert_eq!(simplenet.adaptor_rate, Positive::of(0.5));
    assert_eq!(simplenet.training.adam.beta1, Share::of(0.9));
    match variant {
        "paper" => simplenet.noise = Positive::of(0.3),
        _ => {
            simplenet.ascent_steps = 3;
            simplenet.ascent = Positive::of(0.4);
        }
    }
    simplenet.training.adam.learning_rate = Positive::of(1e-3);
    simplenet.training.ema = Share::of(0.9);
    let golden = Golden::load(BYTES, variant);
    let playing = golden.playing(&simplenet, &FeatureShape::row(WIDTH));
    (golden, playing)
}

/// The `number`-th step's samples, and their noise.
fn inputs(golden: &Golden, number: usize) -> [Tensor<2>; 2] {
    ["x", "noise"].map(|name| golden.rows(name, number, [BATCH, WIDTH]))
}

#[test]
fn losses_and_gradients_are_those_that_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, playing) = small(variant);
        let (loss, [real, fake]) = playing.method.loss(&playing.nets, inputs(&golden, 0));
        golden.assert_output("real", real, 1e-4);
        golden.assert_output("fake", fake, 1e-4);
        let what = format!("{variant}, loss");
        assert_close(&what, &values(loss.clone()), golden.get("loss"), 1e-5);
        golden.assert_gradients::<_, 2>(&[(&playing, &loss)], 2e-4);
    }
}

#[test]
fn training_has_the_losses_movements_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, mut playing) = small(variant);
        let theirs = golden.get("losses").to_vec();
        assert_eq!(theirs.len(), 3 * STEPS);
        for (number, theirs) in theirs.chunks(3).enumerate() {
            let Playing { method, nets } = &mut playing;
            let losses = method.update(nets, inputs(&golden, number), 1.0).unwrap();
            nets.average_warmed(number as u64);
            let ours = ["hinge", "real", "noise"].map(|name| losses.get(name).unwrap() as f32);
            assert_close(&format!("{variant}, step {number}"), &ours, theirs, 5e-4);
        }
        golden.assert_trained(&playing, 2e-3);
        golden.assert_parts(&playing, &["discriminator"], 2e-4);
    }
}

fn trained(shape: &FeatureShape, steps: u64) -> Playing<Simplenet> {
    let mut simplenet = Simplenet::recommended(Kind::Table);
    simplenet.training.ema = Share::of(0.9);
    simplenet.training.adam.learning_rate = Positive::of(2e-3);
    let mut playing = fresh(&simplenet, shape).unwrap();
    for step in 0..steps {
        let batch = Batch {
            len: 32,
            x: near(shape, 32, step),
            ..Batch::default()
        };
        playing.step(batch, &context(step, steps)).unwrap();
    }
    playing
}

/// Samples around a line, which leaves most directions to noise.
fn near(shape: &FeatureShape, count: usize, index: u64) -> Vec<f32> {
    let rng = &mut rng(3, Purpose::Order, index);
    let (along, off) = (normals(rng, count), normals(rng, count * shape.size()));
    let sample = |i: usize| {
        let t = along[i / shape.size()];
        t + 0.1 * off[i]
    };
    (0..count * shape.size()).map(sample).collect()
}

#[test]
fn it_tells_samples_off_the_line_from_those_on_it() {
    let shape = FeatureShape::row(WIDTH);
    let scorer = scorer(&trained(&shape, 400));
    let score = |values: Vec<f32>| {
        let parts = scorer.parts(&Features::new(shape.clone(), values)).unwrap();
        parts.get("discriminator").unwrap().to_vec()
    };
    let normal = score(near(&shape, 200, 1000));
    let off: Vec<f32> = near(&shape, 200, 1001)
        .iter()
        .enumerate()
        .map(|(i, v)| if i % WIDTH == 2 { v + 3.0 } else { *v })
        .collect();
    let worst = normal.iter().copied().fold(f32::MIN, f32::max);
    let found = score(off).iter().filter(|&&s| s > worst).count();
    assert!(found > 150, "{found} of 200");

    // What it makes of an anomaly is nearer to normal, in the column that is off.
    let mut anomaly = near(&shape, 1, 1002);
    anomaly[2] += 3.0;
    let anomaly = Features::new(shape.clone(), anomaly);
    let contributions = scorer.contributions(&anomaly).unwrap();
    let largest = contributions.iter().copied().fold(0.0, f32::max);
    assert!(
        largest > 0.0 && contributions[2] == largest,
        "{contributions:?}"
    );
}

#[test]
fn an_epoch_is_measured_against_noise_that_is_the_same_for_every_sample() {
    let shape = FeatureShape::row(WIDTH);
    let playing = trained(&shape, 50);
    let (measure, _) = playing.measure();
    let all = Features::new(shape.clone(), samples(&shape, 7, 3));
    let together = measure.parts(&all).unwrap();
    assert!(together.names().eq(["held_out_loss"]));
    let together = together.get("held_out_loss").unwrap();
    assert!(together.iter().all(|&loss| loss >= 0.0));
    for (i, &loss) in together.iter().enumerate() {
        let alone = Features::new(shape.clone(), all.sample(i).to_vec());
        let alone = measure.parts(&alone).unwrap();
        assert!((alone.get("held_out_loss").unwrap()[0] - loss).abs() < 1e-5);
    }
    // A D that says nothing loses twice the margin.
    let untrained = fresh(&playing.method, &shape).unwrap();
    let (measure, _) = untrained.measure();
    let fresh = measure
        .parts(&all)
        .unwrap()
        .get("held_out_loss")
        .unwrap()
        .to_vec();
    let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
    let normal = Features::new(shape.clone(), near(&shape, 50, 2000));
    let (measure, _) = trained(&shape, 400).measure();
    let learned = measure.parts(&normal).unwrap();
    assert!(mean(learned.get("held_out_loss").unwrap()) < 0.8 * mean(&fresh));
}

#[test]
fn a_stop_changes_no_bit() {
    let shape = FeatureShape::row(WIDTH);
    let whole = trained(&shape, 6);
    let mut resumed = fresh(&whole.method, &shape).unwrap();
    for step in 0..6 {
        if step == 3 {
            let saved = resumed.save();
            resumed = fresh(&whole.method, &shape).unwrap();
            resumed.restore(&saved).unwrap();
        }
        let batch = Batch {
            len: 32,
            x: near(&shape, 32, step),
            ..Batch::default()
        };
        resumed.step(batch, &context(step, 6)).unwrap();
    }
    assert_eq!(resumed.save(), whole.save());
}

#[test]
fn a_sample_is_scored_alike_in_any_company_and_after_loading() {
    let shape = FeatureShape::row(WIDTH);
    let playing = trained(&shape, 20);
    let found = scorer(&playing);
    let all = Features::new(shape.clone(), samples(&shape, 9, 77));
    assert_alone_as_among("SimpleNet", &found, &all, 1e-5);
    let again = loaded(&playing.method, &shape, &found.arrays()).unwrap();
    let [a, b] = [&again, &found].map(|s| bits(&s.parts(&all).unwrap()));
    assert_eq!(a, b);
}

#[test]
fn pixels_are_refused() {
    let shape = FeatureShape::image(16, 16, 1);
    let error = Simplenet::recommended(Kind::Images)
        .plans(&shape)
        .unwrap_err();
    assert!(error.to_string().contains("features"), "{error}");
}
