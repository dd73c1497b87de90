//! Slopes in x, and what one plan gives in different ways of running it.

use std::sync::Arc;

use unlike_core::{Array, Arrays, FeatureShape, ImageShape};
use unlike_kernels::Activation::{Identity, LeakyRelu, Relu, Tanh};

use super::layers;
use crate::{
    backend::{Device, Gradients, Tensor, tensor, values},
    models::tests::golden::assert_close,
    nn::{
        Init, Layer, Net, Network, Param, Pass, Plan, Visitor, Window, conv, conv_up, dense,
        hidden, network_arrays,
    },
    rng::{Purpose, normals, rng},
};

const TRAIN: Pass = Pass::Train { dropout: 0 };
const FROZEN: Pass = Pass::Frozen { dropout: 0 };

fn drawn(plan: Plan) -> Net {
    let rng = &mut rng(4, Purpose::Initialisation, 0);
    Net::draw(&Arc::new(plan), Init::normal(0.5), rng, &Device::flex()).unwrap()
}

fn arrays(net: &Net) -> Arrays {
    let mut arrays = Arrays::new();
    network_arrays(net, "", &mut arrays);
    arrays
}

/// Rows; windows of stride 2 that leave nothing, and a pixel, over; windows of 3 × 3; a way up.
fn chains() -> Vec<(&'static str, FeatureShape, Plan)> {
    let leaky = LeakyRelu(0.2);
    let of = |shape: &FeatureShape, maps: Vec<Layer>, rows: Vec<Layer>| {
        let rows = [rows, vec![dense(1)]].concat();
        Plan::chain(shape, [("maps", maps), ("rows", rows)], "y")
    };
    let row = FeatureShape::row(7);
    let image = |side: usize| FeatureShape::image(side, side, 2);
    let four = |side: usize| {
        let maps = vec![
            conv(3, Window::new(4, 2, 1)).act(leaky),
            conv(4, Window::new(4, 2, 1)).act(Relu),
        ];
        (image(side), of(&image(side), maps, vec![]))
    };
    let three = |side: usize| {
        let maps = vec![
            conv(3, Window::new(3, 1, 1)).act(leaky),
            conv(4, Window::new(3, 2, 1)).act(leaky),
            conv(3, Window::new(3, 2, 1)).without_bias(),
        ];
        (image(side), of(&image(side), maps, hidden(&[5], leaky)))
    };
    let up = vec![
        conv(3, Window::new(4, 2, 1)).act(leaky),
        conv_up(2, Window::new(4, 2, 1)).act(leaky),
        conv(2, Window::new(4, 1, 0)).act(leaky),
    ];
    let (even, odd) = (four(8), four(9));
    let (three_even, three_odd) = (three(8), three(7));
    vec![
        (
            "rows",
            row.clone(),
            of(&row, vec![], hidden(&[9, 6, 5], leaky)),
        ),
        ("one layer", row.clone(), of(&row, vec![], vec![])),
        ("4 × 4 windows of 8 pixels", even.0, even.1),
        ("4 × 4 windows of 9 pixels", odd.0, odd.1),
        ("3 × 3 windows of 8 pixels", three_even.0, three_even.1),
        ("3 × 3 windows of 7 pixels", three_odd.0, three_odd.1),
        ("down and up", image(8), of(&image(8), up, vec![])),
    ]
}

fn inputs(shape: &FeatureShape, n: usize) -> Vec<f32> {
    normals(&mut rng(6, Purpose::Latent, 0), n * shape.size())
}

fn rows(values: &[f32], shape: &FeatureShape) -> Tensor<2> {
    let (size, n) = (shape.size(), values.len() / shape.size());
    tensor(values.to_vec(), [n, size], &Device::flex())
}

/// A network of such a chain in double precision, one sample at a time, from its arrays and the plan
/// of [`chains`]. Written for finite differences: in single precision they say little.
mod exact {
    /// [H, W, C], or a row as [1, 1, C].
    pub(super) type Maps = ([usize; 3], Vec<f64>);

    pub(super) enum Step {
        Dense,
        /// Window and whether it goes up.
        Conv([usize; 3], bool),
    }

    /// What a layer does, its slope below 0, its outputs, weight and bias.
    pub(super) struct Layer {
        pub(super) step: Step,
        pub(super) below: f64,
        pub(super) outputs: usize,
        pub(super) weight: Vec<f64>,
        pub(super) bias: Option<Vec<f64>>,
    }

    /// The layers of a chain.
    pub(super) struct Exact(pub(super) Vec<Layer>);

    impl Exact {
        pub(super) fn run(&self, x: Maps) -> f64 {
            let (_, y) = self.0.iter().fold(x, apply);
            assert_eq!(y.len(), 1);
            y[0]
        }
    }

    fn apply(([h, w, c], x): Maps, layer: &Layer) -> Maps {
        let Layer {
            step,
            below,
            outputs,
            weight,
            bias,
        } = layer;
        let outputs = *outputs;
        let ([oh, ow], mut y) = match *step {
            Step::Dense => {
                let mut y = vec![0.0; outputs];
                for (i, x) in x.iter().enumerate() {
                    for (o, y) in y.iter_mut().enumerate() {
                        *y += x * weight[i * outputs + o];
                    }
                }
                ([1, 1], y)
            }
            Step::Conv([k, stride, padding], up) => {
                let out = |side: usize| match up {
                    true => (side - 1) * stride + k - 2 * padding,
                    false => (side + 2 * padding - k) / stride + 1,
                };
                let (oh, ow) = (out(h), out(w));
                let mut y = vec![0.0; oh * ow * outputs];
                // The pixel of the finer side that a tap meets.
                let fine = |coarse: usize, tap: usize| (coarse * stride + tap).checked_sub(padding);
                let (ch, cw, fh, fw) = match up {
                    true => (h, w, oh, ow),
                    false => (oh, ow, h, w),
                };
                for (r, q) in (0..ch).flat_map(|r| (0..cw).map(move |q| (r, q))) {
                    for (u, v) in (0..k).flat_map(|u| (0..k).map(move |v| (u, v))) {
                        let (Some(fr), Some(fq)) = (fine(r, u), fine(q, v)) else {
                            continue;
                        };
                        if fr >= fh || fq >= fw {
                            continue;
                        }
                        let ([xr, xq], [yr, yq]) = if up {
                            ([r, q], [fr, fq])
                        } else {
                            ([fr, fq], [r, q])
                        };
                        for i in 0..c {
                            for o in 0..outputs {
                                y[(yr * ow + yq) * outputs + o] += x[(xr * w + xq) * c + i]
                                    * weight[((u * k + v) * c + i) * outputs + o];
                            }
                        }
                    }
                }
                ([oh, ow], y)
            }
        };
        for (at, y) in y.iter_mut().enumerate() {
            *y += bias.as_ref().map_or(0.0, |b| b[at % outputs]);
            *y *= if *y > 0.0 { 1.0 } else { *below };
        }
        let shape = match step {
            Step::Dense => [1, 1, outputs],
            Step::Conv(..) => [oh, ow, outputs],
        };
        (shape, y)
    }
}

use exact::{Exact, Maps, Step};

/// The double of a network of [`chains`].
fn double(net: &Net) -> Exact {
    let arrays = arrays(net);
    let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let all = layers(net).into_iter();
    let layer = all.map(|(path, below, conv)| {
        let weight = arrays.any_shape(&format!("{path}.weight")).unwrap();
        let bias = arrays.any_shape(&format!("{path}.bias")).ok();
        let step = conv.map_or(Step::Dense, |(w, up)| {
            Step::Conv([w.size, w.stride, w.padding], up)
        });
        let bias = bias.map(|b| wide(&b.values));
        exact::Layer {
            step,
            below,
            outputs: weight.shape[weight.shape.len() - 1],
            weight: wide(&weight.values),
            bias,
        }
    });
    Exact(layer.collect())
}

fn maps(shape: &FeatureShape, x: &[f64]) -> Maps {
    match *shape {
        FeatureShape::Row { width } | FeatureShape::Patch { width, .. } => {
            ([1, 1, width], x.to_vec())
        }
        FeatureShape::Image(ImageShape {
            height,
            width,
            channels,
        }) => ([height, width, channels], x.to_vec()),
    }
}

/// ∂y/∂x by central differences, and whether no kink is near.
fn slope(exact: &Exact, shape: &FeatureShape, x: &[f64]) -> Vec<f64> {
    const STEP: f64 = 1e-6;
    let at = |i: usize, by: f64| {
        let mut moved = x.to_vec();
        moved[i] += by;
        exact.run(maps(shape, &moved))
    };
    let difference = |i| (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP);
    (0..x.len()).map(difference).collect()
}

#[test]
fn slopes_in_x_are_those_of_central_differences() {
    for (what, shape, plan) in chains() {
        let net = drawn(plan);
        let exact = double(&net);
        let x = inputs(&shape, 3);
        let y = values(net.apply(rows(&x, &shape), FROZEN));
        let ours = values(net.input_gradient(rows(&x, &shape)));
        let mut double = Vec::new();
        for (n, x) in x.chunks(shape.size()).enumerate() {
            let x: Vec<f64> = x.iter().map(|&v| v.into()).collect();
            double.push(exact.run(maps(&shape, &x)) as f32);
            let theirs: Vec<f32> = slope(&exact, &shape, &x)
                .iter()
                .map(|&v| v as f32)
                .collect();
            let ours = &ours[n * shape.size()..][..shape.size()];
            assert_close(&format!("{what}, sample {n}"), ours, &theirs, 1e-4);
            assert!(theirs.iter().any(|&v| v != 0.0));
        }
        assert_close(what, &y, &double, 1e-5);
    }
}

struct Collect(Gradients, Arrays);

impl Visitor for Collect {
    fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
        if let Some(grad) = param.leaf().grad(&self.0) {
            self.1.insert(name, &grad.dims(), values(grad));
        }
    }
}

/// mean (‖∂y/∂x‖ − 1)²
fn penalty(net: &Net, x: Tensor<2>) -> Tensor<1> {
    let slope = net.input_gradient(x);
    let length = slope.square().sum_dim(1).sqrt(); // [N, 1]
    (length - 1.0).square().mean()
}

#[test]
fn gradients_of_a_penalty_of_slopes_are_those_of_central_differences() {
    for (what, shape, plan) in chains() {
        let net = drawn(plan);
        let x = inputs(&shape, 2);
        let grads = penalty(&net, rows(&x, &shape)).backward();
        let mut found = Collect(grads, Arrays::new());
        net.clone().visit("", &mut found);
        let found = found.1;
        let exact = |layer: usize, at: usize, by: f64| {
            let mut exact = double(&net);
            exact.0[layer].weight[at] += by;
            let of = |x: &[f32]| {
                let x: Vec<f64> = x.iter().map(|&v| v.into()).collect();
                let slope = slope(&exact, &shape, &x);
                (slope.iter().map(|v| v * v).sum::<f64>().sqrt() - 1.0).powi(2)
            };
            x.chunks(shape.size()).map(of).sum::<f64>() / 2.0
        };
        for (layer, (path, ..)) in layers(&net).iter().enumerate() {
            let name = format!("{path}.weight");
            let ours = &found.any_shape(&name).unwrap().values;
            // A few of each: every one of them takes the slope twice.
            let some: Vec<usize> = (0..ours.len()).step_by((ours.len() / 12).max(1)).collect();
            const STEP: f64 = 1e-4;
            let theirs: Vec<f32> = some
                .iter()
                .map(|&at| {
                    ((exact(layer, at, STEP) - exact(layer, at, -STEP)) / (2.0 * STEP)) as f32
                })
                .collect();
            let ours: Vec<f32> = some.iter().map(|&at| ours[at]).collect();
            assert!(theirs.iter().any(|&v| v != 0.0), "{what}, {name}");
            assert_close(&format!("{what}, {name}"), &ours, &theirs, 1e-3);
        }
        // Biases move masks only.
        let moved = |(_, array): (&str, &Array)| array.values.iter().any(|&v| v != 0.0);
        assert!(
            !found
                .iter()
                .filter(|(name, _)| name.ends_with("bias"))
                .any(moved)
        );
    }
}

#[test]
fn x_gets_no_gradient_of_a_slope() {
    let (_, shape, plan) = chains().remove(0);
    let net = drawn(plan);
    let x = rows(&inputs(&shape, 2), &shape).autodiff().require_grad();
    let grads = penalty(&net, x.clone()).backward();
    assert!(x.grad(&grads).is_none());
}

#[test]
fn slopes_of_what_has_none_are_refused() {
    let shape = FeatureShape::row(4);
    let of = |layer: Layer, end: usize| Plan::chain(&shape, [("", vec![layer, dense(end)])], "y");
    for (plan, why) in [
        (of(dense(3).act(Tanh), 1), "constant in pieces"),
        (of(dense(3).norm(), 1), "without norm"),
        (of(dense(3).dropout(0.5), 1), "without norm and dropout"),
        (of(dense(3).spectral(true), 1), "without norm"),
        (of(dense(3), 2), "one number a sample"),
    ] {
        let slope = || {
            let net = drawn(plan.clone());
            values(net.input_gradient(rows(&[0.5; 8], &shape)));
        };
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(slope)).unwrap_err();
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        assert!(text.clone().unwrap_or_default().contains(why), "{text:?}");
    }
}

/// Two inputs that meet, two outputs, and the first of them from the second.
fn branched(spectral: bool) -> (Net, [FeatureShape; 2]) {
    let shapes = [FeatureShape::image(6, 6, 2), FeatureShape::row(3)];
    let mut plan = Plan::new();
    let [x, z] = [plan.input(&shapes[0]), plan.input(&shapes[1])];
    let down = |layer: Layer| layer.spectral(spectral).act(LeakyRelu(0.1));
    let x = plan.stack("x", [x], [down(conv(3, Window::new(4, 2, 1)))]);
    let z = plan.stack("z", [z], [down(dense(4))]);
    let f = plan.stack("joint", [x, z], [down(dense(6)), down(dense(5))]);
    let logit = plan.layer("logit", [f], dense(1).spectral(spectral));
    (drawn(plan.output("logit", logit).output("f", f)), shapes)
}

#[test]
fn all_ways_of_running_a_network_give_the_same_numbers() {
    for spectral in [false, true] {
        let (net, shapes) = branched(spectral);
        let inputs = || {
            shapes
                .each_ref()
                .map(|shape| rows(&inputs(shape, 4), shape))
        };
        for pass in [FROZEN, Pass::Score] {
            let [logit, f] = net.forward(inputs(), pass).map(values);
            assert_eq!((logit.len(), f.len()), (4, 20));
            assert_close("tap", &values(net.tap("f", inputs(), pass)), &f, 1e-6);
            assert_close(
                "tap",
                &values(net.tap("logit", inputs(), pass)),
                &logit,
                1e-6,
            );
            let tensor = tensor(f.clone(), [4, 5], &Device::flex());
            assert_close("after", &values(net.after("f", tensor, pass)), &logit, 1e-6);
        }
    }
    let (net, shapes) = branched(false);
    let inputs = || {
        shapes
            .each_ref()
            .map(|shape| rows(&inputs(shape, 4), shape))
    };
    let [train, score] = [TRAIN, Pass::Score].map(|pass| values(net.tap("logit", inputs(), pass)));
    assert_close("training and scoring", &train, &score, 1e-5);
}

#[test]
fn a_tap_in_two_roles_gives_the_same_numbers_twice_and_each_gradient_once() {
    let leaky = LeakyRelu(0.2);
    let shape = FeatureShape::image(8, 8, 2);
    let maps = vec![
        conv(3, Window::new(4, 2, 1)).act(leaky),
        conv(4, Window::new(4, 2, 1)).norm().act(leaky),
    ];
    let row = FeatureShape::row(6);
    for (shape, plan) in [
        (shape.clone(), Plan::chain(&shape, [("", maps)], "f")),
        (
            row.clone(),
            Plan::chain(&row, [("", hidden(&[5, 4], leaky))], "f"),
        ),
        // No layer at all.
        (row.clone(), Plan::chain(&row, [("", vec![])], "f")),
    ] {
        let net = drawn(plan);
        let numbers = inputs(&shape, 4);
        let x = rows(&numbers, &shape).autodiff().require_grad();
        let [frozen, trained] = net.tap_twice("f", x.clone());
        assert_eq!(values(frozen.clone()), values(trained.clone()), "{shape:?}");
        assert_eq!(
            values(frozen.clone()),
            values(net.tap("f", [x.clone()], TRAIN))
        );
        let grads = frozen.square().sum().backward();
        assert!(x.grad(&grads).is_some(), "{shape:?}");
        if !layers(&net).is_empty() {
            let grads = trained.square().sum().backward();
            assert!(x.grad(&grads).is_none(), "{shape:?}");
        }
    }
}

#[test]
fn dropping_layers_of_one_pass_drop_by_themselves() {
    let shape = FeatureShape::row(64);
    let layers = vec![dense(64).dropout(0.5), dense(64).dropout(0.5)];
    let net = drawn(Plan::chain(&shape, [("", layers)], "y"));
    let x = || rows(&inputs(&shape, 4), &shape);
    let y = values(net.apply(x(), Pass::Train { dropout: 3 }));
    let dropped: Vec<bool> = y.iter().map(|&v| v == 0.0).collect();
    let count = dropped.iter().filter(|&&d| d).count();
    assert!((80..180).contains(&count), "{count} of 256 are dropped");
    // The first layer alone drops others.
    let one = drawn(Plan::chain(
        &shape,
        [("", vec![dense(64).dropout(0.5)])],
        "y",
    ));
    let first = values(one.apply(x(), Pass::Train { dropout: 3 }));
    assert_ne!(
        dropped,
        first.iter().map(|&v| v == 0.0).collect::<Vec<bool>>()
    );
    assert!(
        values(net.apply(x(), Pass::Score))
            .iter()
            .all(|&v| v != 0.0)
    );
    assert_eq!(y, values(net.apply(x(), Pass::Frozen { dropout: 3 })));
}

#[test]
fn batch_norm_takes_the_place_of_the_bias() {
    let shape = FeatureShape::image(8, 8, 1);
    let maps = vec![
        conv(3, Window::new(4, 2, 1)).norm().act(Relu),
        conv_up(2, Window::new(4, 2, 1)).norm_drawn(0.02).act(Relu),
    ];
    let rows = vec![dense(4).norm().act(Relu), dense(2).act(Identity)];
    let net = drawn(Plan::chain(&shape, [("maps", maps), ("rows", rows)], "y"));
    let arrays = arrays(&net);
    let names: Vec<&str> = arrays.iter().map(|(name, _)| name).collect();
    let normed = |layer: &str| {
        [
            "norm.beta",
            "norm.gamma",
            "norm.running_mean",
            "norm.running_variance",
            "weight",
        ]
        .map(|array| format!("{layer}.{array}"))
    };
    let mut expected = [normed("maps.0"), normed("maps.1"), normed("rows.0")].concat();
    expected.extend(["rows.1.bias".to_owned(), "rows.1.weight".to_owned()]);
    assert_eq!(names, expected);
    let gamma = |layer: &str| {
        &arrays
            .any_shape(&format!("{layer}.norm.gamma"))
            .unwrap()
            .values
    };
    assert!(gamma("maps.0").iter().all(|&g| g == 1.0));
    assert!(
        gamma("maps.1")
            .iter()
            .all(|&g| g != 1.0 && (g - 1.0).abs() < 0.1)
    );
}

#[test]
fn only_training_passes_move_running_statistics_and_scoring_uses_them() {
    let shape = FeatureShape::row(5);
    let net = drawn(Plan::chain(
        &shape,
        [("", vec![dense(4).norm(), dense(1)])],
        "y",
    ));
    let x = || rows(&inputs(&shape, 16), &shape);
    let before = arrays(&net);
    let frozen = values(net.apply(x(), FROZEN));
    let scored = values(net.apply(x(), Pass::Score));
    assert_eq!(arrays(&net), before);
    assert_ne!(frozen, scored);
    for _ in 0..200 {
        assert_eq!(values(net.apply(x(), TRAIN)), frozen);
    }
    let after = arrays(&net);
    for (name, array) in before.iter() {
        let moves = name.contains("running");
        assert_eq!(after.any_shape(name).unwrap() != array, moves, "{name}");
    }
    // What scores was made anew; its variance is the unbiased one.
    let scored = values(net.apply(x(), Pass::Score));
    assert_close("scoring", &scored, &frozen, 0.05);
}

#[test]
fn networks_too_large_for_any_machine_are_refused() {
    let shape = FeatureShape::row(1 << 16);
    let plan = Plan::chain(&shape, [("", vec![dense(1 << 16)])], "y");
    let rng = &mut rng(0, Purpose::Initialisation, 0);
    let error = Net::draw(&Arc::new(plan), Init::Xavier {}, rng, &Device::flex());
    let error = error.err().unwrap().to_string();
    assert!(error.contains("4294967296 weights"), "{error}");
}
