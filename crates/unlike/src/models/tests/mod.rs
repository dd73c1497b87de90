//! Every model beside PyTorch, and what each promises beyond its numbers.

mod anogan;
mod egbad;
mod fanogan;
mod ganomaly;
pub(crate) mod golden;
mod settings;
mod simplenet;
mod vae;

use unlike_core::{Arrays, FeatureShape, Features, ImageShape, Result, ScoreParts, Scorer};

use crate::{
    backend::{Device, Tensor, tensor, values},
    method::{Batch, Losses, Method, NetworkScorer, Playing, StepContext, Trainee},
    nn::{Network, Networks, Param, Visitor},
    rng::{self, Purpose, normals},
};

/// Fresh networks for samples of this shape.
fn fresh<M: Method>(method: &M, shape: &FeatureShape) -> Result<Playing<M>> {
    Playing::new(method, shape, 5, &Device::flex())
}

/// Numbers as rows of this width.
fn rows(numbers: &[f32], width: usize) -> Tensor<2> {
    let n = numbers.len() / width;
    tensor(numbers.to_vec(), [n, width], &Device::flex())
}

/// One step in the middle of nowhere, at the full learning rate.
fn context(step: u64, steps: u64) -> StepContext {
    StepContext {
        step,
        steps,
        seed: 0,
        learning_rate_scale: 1.0,
    }
}

/// What would score if training stopped here.
fn scorer<M: Method>(playing: &Playing<M>) -> NetworkScorer<M> {
    NetworkScorer::new(playing.method.clone(), playing.nets.trained())
}

/// A scorer with the arrays of another, as from a file.
fn loaded<M: Method>(
    method: &M,
    shape: &FeatureShape,
    arrays: &Arrays,
) -> Result<NetworkScorer<M>> {
    let plans = method.plans(shape)?;
    let nets = crate::nn::Trained::load(plans, shape, arrays, &Device::flex())?;
    Ok(NetworkScorer::new(method.clone(), nets))
}

/// Gradients of a loss by `network.array`; what the loss does not reach has none.
fn gradients<M: Method, const N: usize>(playing: &Playing<M>, loss: &Tensor<1>) -> Arrays {
    struct Collect {
        grads: crate::backend::Gradients,
        found: Arrays,
    }
    impl Visitor for Collect {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            if let Some(grad) = param.leaf().grad(&self.grads) {
                self.found.insert(name, &grad.dims(), values(grad));
            }
        }
    }
    let plans = playing.method.plans(playing.nets.shape()).unwrap();
    let mut collect = Collect {
        grads: loss.backward(),
        found: Arrays::new(),
    };
    for ((name, _), net) in plans.iter().zip(playing.nets.all::<N>()) {
        net.clone().visit(name, &mut collect);
    }
    collect.found
}

/// Whether running statistics are as before any training.
fn forget_statistics<M: Method>(playing: &Playing<M>) -> NetworkScorer<M> {
    let mut arrays = scorer(playing).arrays();
    let trained = arrays.clone();
    for (name, array) in trained.iter() {
        let fresh = match name.rsplit('.').next() {
            Some("running_mean") => 0.0,
            Some("running_variance") => 1.0,
            _ => continue,
        };
        arrays.insert(name, &array.shape, vec![fresh; array.values.len()]);
    }
    loaded(&playing.method, playing.nets.shape(), &arrays).unwrap()
}

/// What every scorer makes of one sample must not depend on its company; with `exact`, not in a bit.
fn assert_alone_as_among<M: Method>(
    what: &str,
    scorer: &NetworkScorer<M>,
    all: &Features,
    tolerance: f32,
) {
    let together = scorer.parts(all).unwrap();
    assert!(!together.is_empty(), "{what}");
    let n = all.len();
    let batches: [&[usize]; 4] = [&[0], &[n / 2], &[n - 1, 1], &[n / 2, 2, 2, n - 2, 0]];
    for positions in batches {
        let some = Features::new(all.shape().clone(), all.gather(positions));
        let apart = scorer.parts(&some).unwrap();
        for (part, values) in together.iter() {
            let apart = apart.get(part).unwrap();
            for (&position, &found) in positions.iter().zip(apart) {
                let expected = values[position];
                let near = (found - expected).abs() <= tolerance * expected.abs();
                assert!(
                    found.is_finite() && near,
                    "{what}, `{part}`, sample {position}: {found} among {positions:?}, {expected} \
                     among all"
                );
            }
        }
    }
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

/// Samples of this shape for the `index`-th batch: spots, or rows of a slanted cloud.
fn samples(shape: &FeatureShape, count: usize, index: u64) -> Vec<f32> {
    match *shape {
        FeatureShape::Image(ImageShape {
            height, channels, ..
        }) => spots(count, height, channels, index),
        FeatureShape::Row { width } | FeatureShape::Patch { width, .. } => {
            let rng = &mut rng::rng(1, Purpose::Order, index);
            let row = |_| {
                let t = normals(rng, 1)[0];
                let noise = normals(rng, width);
                let value = move |(i, e): (usize, f32)| (t * (1.0 + i as f32)).sin() + 0.1 * e;
                noise.into_iter().enumerate().map(value)
            };
            (0..count).flat_map(row).collect()
        }
    }
}

/// The `step`-th batch of a training.
fn batch<M: Method>(playing: &Playing<M>, len: usize, step: u64) -> Batch {
    let (shape, latent) = (playing.nets.shape(), playing.latent());
    let z = |which| {
        normals(
            &mut rng::rng(2, Purpose::Latent, 2 * step + which),
            len * latent,
        )
    };
    let x_other = match playing.needs_other_samples() {
        true => samples(shape, len, 2 * step + 1),
        false => Vec::new(),
    };
    Batch {
        len,
        x: samples(shape, len, 2 * step),
        x_other,
        z: z(0),
        z_other: z(1),
    }
}

/// Takes steps on fresh samples, at a learning rate that falls to 0 after `of` of them.
fn train<M: Method>(
    playing: &mut Playing<M>,
    steps: std::ops::Range<u64>,
    of: u64,
    len: usize,
) -> Vec<Losses> {
    let each = |step| {
        let context = StepContext {
            seed: 3,
            learning_rate_scale: 1.0 - step as f32 / of as f32,
            ..context(step, of)
        };
        let batch = batch(playing, len, step);
        let losses = playing.step(batch, &context).unwrap();
        assert!(losses.0.iter().all(|l| l.1.is_finite()), "{losses:?}");
        losses
    };
    steps.map(each).collect()
}

/// Parts as bits, to be compared exactly.
fn bits(parts: &ScoreParts) -> Vec<(String, Vec<u32>)> {
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect();
    parts
        .iter()
        .map(|(name, v)| (name.to_owned(), bits(v)))
        .collect()
}

/// The networks as they are now, by `network.array`.
fn live(nets: &Networks) -> Arrays {
    golden::under(&nets.save(), "networks")
}

/// Their averages.
fn averaged(nets: &Networks) -> Arrays {
    golden::under(&nets.save(), "average")
}
