//! Spectral norm beside PyTorch (the numbers of `tests/golden/spectral/export.py`), and its laws.

use rand::SeedableRng;
use unlike_core::Arrays;
use unlike_kernels::mse;

use super::*;
use crate::{
    backend::{Device, Gradients, values},
    models::golden::{assert_close, fixture, under},
    nn::{
        Adam, AdamConfig, Conv, Init, Linear, LinearJoint, Param, Window, network_arrays,
        restore_network,
    },
};

const STEPS: usize = 5;
const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };

/// A layer of any kind, over rows.
#[derive(Clone)]
enum Layer {
    Linear(Linear),
    /// With the side and the channels of what comes in.
    Conv(Conv, [usize; 2]),
}

impl Layer {
    fn new(name: &str) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let device = &Device::flex();
        let init = Init::Normal { sd: 0.5 };
        let window = Window::new(4, 2, 1);
        match name {
            "linear" => {
                let layer = Linear::new([7, 5], Activation::Identity, init, rng, device);
                Self::Linear(layer.with_spectral_norm(rng))
            }
            "conv" => {
                let conv = Conv::down([3, 4], window, init, rng, device);
                Self::Conv(conv.with_bias().with_spectral_norm(rng), [8, 3])
            }
            _ => {
                let conv = Conv::up([3, 4], window, init, rng, device);
                Self::Conv(conv.with_bias().with_spectral_norm(rng), [4, 3])
            }
        }
    }

    fn forward(&self, x: &[f32], pass: Pass) -> Tensor<2> {
        let device = &Device::flex();
        match self {
            Self::Linear(layer) => {
                let x = tensor(x.to_vec(), [x.len() / 7, 7], device);
                layer.forward(x, pass, 0)
            }
            &Self::Conv(ref layer, [side, channels]) => {
                let n = x.len() / (side * side * channels);
                let x = tensor(x.to_vec(), [n, side, side, channels], device);
                layer.forward(x, pass, 0).flatten(1, 3)
            }
        }
    }

    /// The weight that a pass uses, as the matrix [inputs, outputs], row by row, and its outputs.
    fn weight(&mut self, pass: Pass) -> (Vec<f32>, usize) {
        let (w, spectral) = self.parts();
        let w = matrix(spectral.normalise(w, pass));
        let outputs = w.dims()[1];
        (values(w), outputs)
    }

    fn parts(&mut self) -> (Tensor<4>, Spectral) {
        struct Find(Option<Tensor<4>>, Vec<Tensor<1>>);
        impl Visitor for Find {
            fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
                if name == "weight" {
                    let w = matrix(param.leaf().clone());
                    let [inputs, outputs] = w.dims();
                    self.0 = Some(w.reshape([1, 1, inputs, outputs]));
                }
            }

            fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
                self.1.push(buffer.clone());
            }
        }
        let mut found = Find(None, Vec::new());
        self.visit("", &mut found);
        let [u, v] = <[_; 2]>::try_from(found.1).unwrap();
        let vectors = Mutex::new(Vectors { u, v });
        (found.0.unwrap(), Spectral { vectors })
    }
}

impl Network for Layer {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        match self {
            Self::Linear(layer) => layer.visit(path, visitor),
            Self::Conv(layer, _) => layer.visit(path, visitor),
        }
    }
}

const LAYERS: [&str; 3] = ["linear", "conv", "conv_transpose"];

struct Gradient<'a> {
    grads: &'a Gradients,
    theirs: &'a [f32],
}

impl Visitor for Gradient<'_> {
    fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
        if name == "weight" {
            let ours = values(param.leaf().grad(self.grads).unwrap());
            assert_close("gradient", &ours, self.theirs, 1e-4);
        }
    }
}

#[test]
fn outputs_gradients_and_vectors_are_those_that_pytorch_gives() {
    let bytes = include_bytes!("../../tests/golden/spectral/spectral.safetensors");
    for name in LAYERS {
        let golden = fixture(bytes, &format!("{name}."));
        let get = |what: &str| &golden.any_shape(what).unwrap().values;
        let mut layer = Layer::new(name);
        restore_network(&mut layer, "", &under(&golden, "start")).unwrap();
        let mut adam = Adam::new(AdamConfig {
            learning_rate: 0.05,
            beta1: 0.5,
            beta2: 0.999,
            clip: None,
        });
        for step in 0..STEPS {
            let ys = [0, 1].map(|which| {
                let y = layer.forward(get(&format!("{step}.x.{which}")), TRAIN);
                let theirs = get(&format!("{step}.y.{which}"));
                assert_close(name, &values(y.clone()), theirs, 2e-5);
                y
            });
            let [zero, one] = ys.map(|y| (y.clone(), y.zeros_like().detach()));
            let loss = mse(zero.0, zero.1) + mse(one.0, one.1 + 1.0);
            let mut grads = loss.backward();
            let theirs = get(&format!("{step}.gradient"));
            layer.visit(
                "",
                &mut Gradient {
                    grads: &grads,
                    theirs,
                },
            );
            adam.step(&mut layer, &mut grads, 1.0).unwrap();
        }
        let mut trained = Arrays::new();
        network_arrays(&layer, "", &mut trained);
        let theirs = under(&golden, "trained");
        assert_eq!(theirs.len(), 4, "weight, bias, u, v");
        for (what, theirs) in theirs.iter() {
            let ours = trained.get(what, &theirs.shape).unwrap();
            assert_close(&format!("{name}, {what}"), ours, &theirs.values, 1e-4);
        }
        for pass in [FROZEN, Pass::Score] {
            let answer = values(layer.forward(get("query"), pass));
            assert_close(name, &answer, get("answer"), 1e-4);
        }
    }
}

/// The largest singular value of w [inputs, outputs], in double precision.
fn largest_singular_value((w, outputs): &(Vec<f32>, usize)) -> f64 {
    let mut u = vec![1.0; *outputs];
    let mut sigma = 0.0;
    for _ in 0..5_000 {
        let mut next = vec![0.0; *outputs];
        for row in w.chunks(*outputs) {
            let along: f64 = row.iter().zip(&u).map(|(&w, u)| f64::from(w) * u).sum();
            for (next, &w) in next.iter_mut().zip(row) {
                *next += along * f64::from(w);
            }
        }
        let length = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        sigma = length.sqrt();
        u = next.into_iter().map(|v| v / length).collect();
    }
    sigma
}

/// Points both vectors anywhere.
struct Astray;

impl Visitor for Astray {
    fn param<const D: usize>(&mut self, _: &str, _: &mut Param<D>) {}

    fn buffer(&mut self, _: &str, buffer: &mut Tensor<1>) {
        let n = buffer.dims()[0];
        let rng = &mut ChaCha8Rng::seed_from_u64(5);
        *buffer = unit(tensor(normals(rng, n), [n], &buffer.device()));
    }
}

#[test]
fn the_largest_singular_value_goes_to_one_and_only_training_passes_move_it() {
    for name in LAYERS {
        let mut layer = Layer::new(name);
        let x = vec![0.5; if name == "linear" { 7 } else { 3 * 64 }];
        layer.visit("", &mut Astray);
        let before = layer.weight(FROZEN);
        let sigma = largest_singular_value(&before);
        assert!((sigma - 1.0).abs() > 0.1, "{name}: {sigma} from the start");
        let frozen = values(layer.forward(&x, FROZEN));
        values(layer.forward(&x, Pass::Score));
        assert_eq!(before, layer.weight(FROZEN), "{name}");
        for _ in 0..300 {
            layer.forward(&x, TRAIN);
        }
        let sigma = largest_singular_value(&layer.weight(FROZEN));
        assert!((sigma - 1.0).abs() < 1e-5, "{name}: {sigma}");
        let scored = largest_singular_value(&layer.weight(Pass::Score));
        assert!((scored - 1.0).abs() < 1e-5, "{name}: {scored}");
        // The weights kept for scoring were made anew after training.
        let (now, scored) = (
            values(layer.forward(&x, FROZEN)),
            values(layer.forward(&x, Pass::Score)),
        );
        assert_close(name, &scored, &now, 1e-6);
        assert_ne!(now, frozen, "{name}: 300 power iterations moved nothing");
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
        let mut layer = Layer::new(name);
        let x = vec![0.5; if name == "linear" { 7 } else { 3 * 64 }];
        let before = values(layer.forward(&x, Pass::Score));
        layer.visit("", &mut Shorten);
        assert_close(name, &values(layer.forward(&x, Pass::Score)), &before, 1e-6);
    }
}

#[test]
fn two_inputs_side_by_side_see_the_same_weight_as_their_concatenation() {
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    let device = &Device::flex();
    let (init, act) = (Init::Normal { sd: 0.5 }, Activation::Identity);
    let inner = Linear::new([7, 5], act, init, rng, device).with_spectral_norm(rng);
    let joint = LinearJoint::new(inner.clone());
    let x: Tensor<2> = tensor(normals(rng, 14), [2, 7], device);
    let (left, right) = (x.clone().narrow(1, 0, 3), x.clone().narrow(1, 3, 4));
    for pass in [TRAIN, FROZEN, Pass::Score] {
        let together = values(inner.forward(x.clone(), pass, 0));
        let apart = values(joint.forward(left.clone(), right.clone(), pass, 0));
        assert_close("joint", &apart, &together, 1e-6);
    }
}
