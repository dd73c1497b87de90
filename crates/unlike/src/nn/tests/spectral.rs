//! Spectral norm beside PyTorch, the numbers of `tests/golden/spectral/export.py`, and its laws.

use std::sync::Arc;

use unlike_core::{Arrays, FeatureShape};
use unlike_kernels::mse;

use crate::{
    backend::{Device, Tensor, tensor, values},
    models::tests::golden::{assert_arrays, assert_close, assert_moved_alike, fixture, under},
    nn::{
        AdamConfig, Init, Net, Network, Networks, Param, Pass, Plan, Training, Visitor, Window,
        conv, conv_up, dense, network_arrays,
    },
    rng::{Purpose, normals, rng},
    settings::{Positive, Share},
};

const STEPS: usize = 5;
const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };
const LAYERS: [&str; 3] = ["linear", "conv", "conv_transpose"];
const BYTES: &[u8] = include_bytes!("../../../tests/golden/spectral/spectral.safetensors");

/// A network of one such layer, and the shape of what it reads.
fn plan(name: &str, spectral: bool) -> (Plan, FeatureShape) {
    let window = Window::new(4, 2, 1);
    let (layer, shape) = match name {
        "linear" => (dense(5), FeatureShape::row(7)),
        "conv" => (conv(4, window), FeatureShape::image(8, 8, 3)),
        _ => (conv_up(4, window), FeatureShape::image(4, 4, 3)),
    };
    let mut plan = Plan::new();
    let x = plan.input(&shape);
    let y = plan.layer("layer", [x], layer.spectral(spectral));
    (plan.output("y", y), shape)
}

fn drawn(name: &str) -> (Net, FeatureShape) {
    let (plan, shape) = plan(name, true);
    let rng = &mut rng(3, Purpose::Initialisation, 0);
    let net = Net::draw(&Arc::new(plan), Init::normal(0.5), rng, &Device::flex());
    (net.unwrap(), shape)
}

fn rows(numbers: &[f32], shape: &FeatureShape) -> Tensor<2> {
    let n = numbers.len() / shape.size();
    tensor(numbers.to_vec(), [n, shape.size()], &Device::flex())
}

fn arrays(net: &Net) -> Arrays {
    let mut arrays = Arrays::new();
    network_arrays(net, "", &mut arrays);
    arrays
}

#[test]
fn outputs_gradients_and_vectors_are_those_that_pytorch_gives() {
    for name in LAYERS {
        let golden = fixture(BYTES, &format!("{name}."));
        let get = |what: &str| &golden.any_shape(what).unwrap().values;
        let (plan, shape) = plan(name, true);
        let training = Training {
            init: Init::Xavier {},
            adam: AdamConfig {
                learning_rate: Positive::of(0.05),
                ..AdamConfig::gan(0.05)
            },
            ema: Share::of(0.0),
        };
        let rng = &mut rng(0, Purpose::Initialisation, 0);
        let plans = vec![("net", plan)];
        let mut nets = Networks::draw(plans, &shape, training, rng, &Device::flex()).unwrap();
        let start = under(&golden, "weights");
        assert_eq!(start.len(), 4, "weight, bias, u, v");
        let mut saved = nets.save();
        for (name, array) in start.iter() {
            saved.insert(
                format!("networks.{name}"),
                &array.shape,
                array.values.clone(),
            );
        }
        nets.restore(&saved).unwrap();
        for step in 0..STEPS {
            // Twice, from the same vectors: a graph is walked once.
            let run = |nets: &Networks| {
                let [net] = nets.all();
                let ys = [0, 1].map(|which| {
                    let y = net.apply(rows(get(&format!("{step}.x.{which}")), &shape), TRAIN);
                    let theirs = get(&format!("{step}.y.{which}"));
                    assert_close(
                        &format!("{name}, step {step}"),
                        &values(y.clone()),
                        theirs,
                        1e-5,
                    );
                    y
                });
                let [zero, one] = ys.map(|y| (y.clone(), y.zeros_like().detach()));
                mse(zero.0, zero.1) + mse(one.0, one.1 + 1.0)
            };
            let copy = nets.clone();
            let mut found = Collect(run(&copy).backward(), Arrays::new());
            copy.all::<1>()[0].clone().visit("net", &mut found);
            let theirs = under(&golden, &format!("{step}.gradient"));
            assert_arrays(&format!("{name}, step {step}"), &found.1, &theirs, 1e-4);
            let loss = run(&nets);
            nets.minimise(&loss, [0], 1.0).unwrap();
        }
        let ours = under(&nets.save(), "networks");
        let theirs = under(&golden, "trained");
        assert_moved_alike(name, &start, [&ours, &theirs], 1e-3);
        let [net] = nets.all();
        for pass in [FROZEN, Pass::Score] {
            let answer = values(net.apply(rows(get("query"), &shape), pass));
            assert_close(name, &answer, get("answer"), 1e-4);
        }
    }
}

struct Collect(crate::backend::Gradients, Arrays);

impl Visitor for Collect {
    fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
        if let Some(grad) = param.leaf().grad(&self.0) {
            self.1.insert(name, &grad.dims(), values(grad));
        }
    }
}

/// The largest singular value of w [inputs, outputs], in double precision.
fn largest_singular_value(w: &[f64], outputs: usize) -> f64 {
    let mut u = vec![1.0; outputs];
    let mut sigma = 0.0;
    for _ in 0..5_000 {
        let mut next = vec![0.0; outputs];
        for row in w.chunks(outputs) {
            let along: f64 = row.iter().zip(&u).map(|(w, u)| w * u).sum();
            for (next, w) in next.iter_mut().zip(row) {
                *next += along * w;
            }
        }
        let length = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        sigma = length.sqrt();
        u = next.into_iter().map(|v| v / length).collect();
    }
    sigma
}

/// The largest singular value of the weight that a pass uses, which is that of the weight itself times
/// the factor that it puts on the layer's outputs.
fn sigma(name: &str, net: &Net, pass: Pass) -> f64 {
    let shape = plan(name, true).1;
    let arrays = arrays(net);
    let weight = arrays.any_shape("layer.weight").unwrap();
    let outputs = *weight.shape.last().unwrap();
    let w: Vec<f64> = weight.values.iter().map(|&v| v.into()).collect();
    let raw = largest_singular_value(&w, outputs);
    // Biases start at 0.
    let x = normals(&mut rng(8, Purpose::Latent, 0), shape.size());
    let normalised = values(net.apply(rows(&x, &shape), pass));
    let bare = Net::load(&Arc::new(plan(name, false).0), "", &arrays, &Device::flex());
    let plain = values(bare.unwrap().apply(rows(&x, &shape), FROZEN));
    let largest = |a: &usize, b: &usize| plain[*a].abs().total_cmp(&plain[*b].abs());
    let at = (0..plain.len()).max_by(largest).unwrap();
    raw * f64::from(normalised[at]) / f64::from(plain[at])
}

/// Points both vectors anywhere.
struct Astray;

impl Visitor for Astray {
    fn param<const D: usize>(&mut self, _: &str, _: &mut Param<D>) {}

    fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
        let n = buffer.dims()[0];
        let v = normals(&mut rng(5, Purpose::Latent, 0), n);
        let length = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        *buffer = tensor(
            v.iter().map(|v| v / length).collect(),
            [n],
            &buffer.device(),
        );
    }
}

#[test]
fn the_largest_singular_value_goes_to_one_and_only_training_passes_move_it() {
    for name in LAYERS {
        let (mut net, shape) = drawn(name);
        let x = || {
            rows(
                &normals(&mut rng(7, Purpose::Latent, 0), 2 * shape.size()),
                &shape,
            )
        };
        // Drawn weights have been through some power iterations.
        let first = sigma(name, &net, Pass::Score);
        assert!((first - 1.0).abs() < 0.05, "{name}: {first} as it is drawn");
        net.visit("", &mut Astray);
        let before = arrays(&net);
        let astray = sigma(name, &net, FROZEN);
        assert!(
            (astray - 1.0).abs() > 0.1,
            "{name}: {astray} from the start"
        );
        let frozen = values(net.apply(x(), FROZEN));
        values(net.apply(x(), Pass::Score));
        assert_eq!(arrays(&net), before, "{name}");
        for _ in 0..300 {
            net.apply(x(), TRAIN);
        }
        for pass in [FROZEN, Pass::Score] {
            let sigma = sigma(name, &net, pass);
            assert!((sigma - 1.0).abs() < 1e-5, "{name}: {sigma}");
        }
        // The weights kept for scoring were made anew after training.
        let now = values(net.apply(x(), FROZEN));
        let scored = values(net.apply(x(), Pass::Score));
        assert_close(name, &scored, &now, 1e-6);
        assert_ne!(now, frozen, "{name}: 300 power iterations moved nothing");
        let after = arrays(&net);
        for (array, then) in before.iter() {
            let moves = array.contains("spectral");
            assert_eq!(
                after.any_shape(array).unwrap() != then,
                moves,
                "{name}, {array}"
            );
        }
    }
}

/// Shortens both vectors, as an average of different ones does.
struct Shorten;

impl Visitor for Shorten {
    fn param<const D: usize>(&mut self, _: &str, _: &mut Param<D>) {}

    fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
        *buffer = buffer.clone() * 0.5;
    }
}

#[test]
fn scoring_does_not_depend_on_the_length_of_averaged_vectors() {
    for name in LAYERS {
        let (mut net, shape) = drawn(name);
        let x = || {
            rows(
                &normals(&mut rng(7, Purpose::Latent, 0), 2 * shape.size()),
                &shape,
            )
        };
        let before = values(net.apply(x(), Pass::Score));
        net.visit("", &mut Shorten);
        assert_close(name, &values(net.apply(x(), Pass::Score)), &before, 1e-6);
    }
}

#[test]
fn two_inputs_side_by_side_see_the_same_weight_as_their_concatenation() {
    let shapes = [3, 4, 7].map(FeatureShape::row);
    let layer = || dense(5).spectral(true);
    let mut apart = Plan::new();
    let both = [apart.input(&shapes[0]), apart.input(&shapes[1])];
    let y = apart.layer("layer", both, layer());
    let apart = Arc::new(apart.output("y", y));
    let (together, shape) = drawn("linear");
    let apart = Net::load(&apart, "", &arrays(&together), &Device::flex()).unwrap();
    let x = rows(&normals(&mut rng(7, Purpose::Latent, 0), 14), &shape);
    let sides = || [x.clone().narrow(1, 0, 3), x.clone().narrow(1, 3, 4)];
    for pass in [TRAIN, FROZEN, Pass::Score] {
        let whole = values(together.apply(x.clone(), pass));
        let [parts] = apart.forward(sides(), pass);
        assert_close("side by side", &values(parts), &whole, 1e-6);
    }
}
