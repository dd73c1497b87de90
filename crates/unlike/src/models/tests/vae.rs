//! The VAE beside PyTorch, the numbers of `tests/golden/vae/export.py`, and what it promises of samples.

use unlike_core::{FeatureShape, Features, Scorer};

use super::{
    assert_alone_as_among, bits, context, fresh,
    golden::{Golden, assert_close},
    loaded, samples, scorer,
};
use crate::{
    backend::{Tensor, values},
    method::{Batch, Playing, Settings, Trainee},
    models::{Kind, vae::Vae},
    settings::{Positive, Share, Width, Widths},
};

const BATCH: usize = 6;
const STEPS: usize = 5;
const LATENT: usize = 3;
const BYTES: &[u8] = include_bytes!("../../../tests/golden/vae/vae.safetensors");

fn small(variant: &str) -> (Golden, Playing<Vae>, FeatureShape) {
    let (shape, kind) = match variant {
        "rows" => (FeatureShape::row(7), Kind::Table),
        _ => (FeatureShape::image(4, 4, 1), Kind::Images),
    };
    let mut vae = match variant {
        "rows" => Vae::paper(kind),
        _ => Vae::recommended(kind),
    };
    vae.hidden = match variant {
        "rows" => Widths::of([9, 5]),
        _ => Widths::of([10]),
    };
    vae.latent = Width::of(LATENT);
    vae.spread = Positive::of(0.4);
    assert_eq!(vae.training.adam.learning_rate, Positive::of(1e-3));
    vae.training.ema = Share::of(0.9);
    let golden = Golden::load(BYTES, variant);
    let playing = golden.playing(&vae, &shape);
    (golden, playing, shape)
}

/// The `number`-th step's samples, and their noise.
fn inputs(golden: &Golden, number: usize, size: usize) -> [Tensor<2>; 2] {
    [("x", size), ("noise", LATENT)].map(|(name, width)| golden.rows(name, number, [BATCH, width]))
}

#[test]
fn the_bound_and_its_gradients_are_those_that_pytorch_gives() {
    for variant in ["rows", "images"] {
        let (golden, playing, shape) = small(variant);
        let inputs = inputs(&golden, 0, shape.size());
        let terms = playing.method.bound(&playing.nets, inputs);
        let ours = [0, 1, 2].map(|i: usize| values(terms[i].clone())[0]);
        assert_close(variant, &ours, golden.get("terms"), 1e-5);
        golden.assert_gradients::<_, 2>(&[(&playing, &terms[0])], 2e-4);
    }
}

#[test]
fn training_has_the_losses_movements_and_scores_that_pytorch_gives() {
    for variant in ["rows", "images"] {
        let (golden, mut playing, shape) = small(variant);
        let theirs = golden.get("losses").to_vec();
        assert_eq!(theirs.len(), 3 * STEPS);
        for (number, theirs) in theirs.chunks(3).enumerate() {
            let Playing { method, nets } = &mut playing;
            let inputs = inputs(&golden, number, shape.size());
            let losses = method.update(nets, inputs, 1.0).unwrap();
            nets.average_warmed(number as u64);
            let names = ["bound", "reconstruction", "divergence"];
            let ours = names.map(|name| losses.get(name).unwrap() as f32);
            assert_close(&format!("{variant}, step {number}"), &ours, theirs, 5e-4);
        }
        golden.assert_trained(&playing, 2e-3);
        golden.assert_parts(&playing, &["bound", "reconstruction", "divergence"], 2e-4);
    }
}

fn trained(shape: &FeatureShape, steps: u64) -> Playing<Vae> {
    let mut vae = Vae::recommended(Kind::Table);
    vae.latent = Width::of(2);
    vae.training.ema = Share::of(0.9);
    let mut playing = fresh(&vae, shape).unwrap();
    for step in 0..steps {
        playing
            .step(batch(shape, step), &context(step, steps))
            .unwrap();
    }
    playing
}

fn batch(shape: &FeatureShape, step: u64) -> Batch {
    let z = samples(&FeatureShape::row(2), 32, step);
    Batch {
        len: 32,
        x: along(shape, 32, step),
        z: z.clone(),
        z_other: z,
        ..Batch::default()
    }
}

/// Samples on a line.
fn along(shape: &FeatureShape, count: usize, seed: u64) -> Vec<f32> {
    let at = samples(&FeatureShape::row(1), count, seed);
    let size = shape.size();
    (0..count * size).map(|i| at[i / size]).collect()
}

#[test]
fn it_rebuilds_what_it_learned_and_nothing_else() {
    let shape = FeatureShape::row(6);
    let scorer = scorer(&trained(&shape, 400));
    let part = |values: Vec<f32>| {
        let parts = scorer.parts(&Features::new(shape.clone(), values)).unwrap();
        parts.get("reconstruction").unwrap().to_vec()
    };
    let normal = part(along(&shape, 100, 1000));
    let off: Vec<f32> = along(&shape, 100, 1001)
        .iter()
        .enumerate()
        .map(|(i, v)| if i % 6 == 2 { v + 1.5 } else { *v })
        .collect();
    let worst = normal.iter().copied().fold(f32::MIN, f32::max);
    let found = part(off).iter().filter(|&&s| s > worst).count();
    assert!(found > 90, "{found} of 100");
}

#[test]
fn a_stop_changes_no_bit_and_a_sample_is_scored_alike_in_any_company() {
    let shape = FeatureShape::row(5);
    let whole = trained(&shape, 6);
    let mut resumed = fresh(&whole.method, &shape).unwrap();
    for step in 0..6 {
        if step == 3 {
            let saved = resumed.save();
            resumed = fresh(&whole.method, &shape).unwrap();
            resumed.restore(&saved).unwrap();
        }
        resumed
            .step(batch(&shape, step), &context(step, 6))
            .unwrap();
    }
    assert_eq!(resumed.save(), whole.save());

    let found = scorer(&whole);
    let all = Features::new(shape.clone(), samples(&shape, 9, 77));
    assert_alone_as_among("VAE", &found, &all, 1e-5);
    let again = loaded(&whole.method, &shape, &found.arrays()).unwrap();
    let [a, b] = [&again, &found].map(|s| bits(&s.parts(&all).unwrap()));
    assert_eq!(a, b);
}
