//! EGBAD's score of 100 images and AnoGAN's search for 64 queries and for one, with the networks of
//! the reference script as scoring has them: batch norm folded into weights that no gradient
//! reaches.
//!
//! Arguments: threads (0: all), repetitions, part of the names of the cases. With `CPU=1` times are
//! those that this thread ran: on a busy machine, with one thread, these can be compared.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement for people"
)]
use std::time::{SystemTime, UNIX_EPOCH};

use burn::tensor::{Device, Distribution, Tensor};
use unlike_kernels::*;

enum Layer {
    Conv(Tensor<4>, Tensor<1>, [usize; 2], Activation),
    Up(Tensor<4>, Tensor<1>, Activation),
    Linear(Tensor<2>, Tensor<1>, Activation),
}
#[derive(Clone)]
enum Value {
    Images(Tensor<4>),
    Rows(Tensor<2>),
}
impl Value {
    fn images(self) -> Tensor<4> {
        match self {
            Self::Images(x) => x,
            Self::Rows(x) => {
                let n = x.dims()[0];
                x.reshape([n, 7, 7, 128])
            }
        }
    }
    fn rows(self) -> Tensor<2> {
        match self {
            Self::Images(x) => x.flatten(1, 3),
            Self::Rows(x) => x,
        }
    }
}
fn random<const D: usize>(shape: [usize; D], spread: f64) -> Tensor<D> {
    let w = Tensor::random(shape, Distribution::Normal(0., spread), &Device::flex());
    aligned(w)
}
fn conv(k: usize, i: usize, o: usize, stride: usize) -> Layer {
    let act = Activation::LeakyRelu(0.1);
    Layer::Conv(
        random([k, k, i, o], 0.03),
        random([o], 0.1),
        [stride, 1],
        act,
    )
}
fn up(i: usize, o: usize, act: Activation) -> Layer {
    Layer::Up(random([4, 4, i, o], 0.03), random([o], 0.1), act)
}
fn full(i: usize, o: usize, act: Activation) -> Layer {
    Layer::Linear(random([i, o], 0.03), random([o], 0.1), act)
}
fn run(net: &[Layer], x: Value) -> Value {
    net.iter().fold(x, |x, layer| match layer {
        Layer::Conv(w, b, [s, p], act) => {
            let (w, b) = (w.clone(), Some(b.clone()));
            Value::Images(conv2d(x.images(), w, b, *s, *p, *act, None))
        }
        Layer::Up(w, b, act) => {
            let (w, b) = (w.clone(), Some(b.clone()));
            Value::Images(conv_transpose2d(x.images(), w, b, 2, 1, 0, *act, None))
        }
        Layer::Linear(w, b, act) => {
            Value::Rows(linear(x.rows(), w.clone(), Some(b.clone()), *act, None))
        }
    })
}

fn seconds() -> f64 {
    if std::env::var("CPU").is_ok() {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        return text.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-9;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}
/// The median over `repetitions` of the time of one of `calls`.
fn median(repetitions: usize, calls: usize, mut f: impl FnMut()) -> f64 {
    f();
    let mut times: Vec<f64> = (0..repetitions)
        .map(|_| {
            let start = seconds();
            (0..calls).for_each(|_| f());
            (seconds() - start) / calls as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default| arguments.get(i).map_or(default, |v| v.parse().unwrap());
    set_threads(number(0, 0));
    let repetitions = number(1, 7);
    let wanted = |case: &str| arguments.get(2).is_none_or(|some| case.contains(some));
    let device = Device::flex();
    let (leaky, relu) = (Activation::LeakyRelu(0.1), Activation::Relu);
    let encoder = [
        conv(3, 1, 32, 1),
        conv(3, 32, 64, 2),
        conv(3, 64, 128, 2),
        full(6272, 200, Activation::Identity),
    ];
    let generator = [
        full(200, 1024, relu),
        full(1024, 6272, relu),
        up(128, 64, relu),
        up(64, 1, Activation::Tanh),
    ];
    let of_images = [conv(4, 1, 64, 2), conv(4, 64, 64, 2)];
    let of_latents = [full(200, 512, leaky)];
    let (joint, joint_bias) = (random([64 * 49 + 512, 1024], 0.03), random([1024], 0.1));
    let x = Tensor::random([100, 28, 28, 1], Distribution::Uniform(-1., 1.), &device);

    let feature = |x: Tensor<4>, z: Tensor<2>| {
        let x = run(&of_images, Value::Images(x)).rows();
        let z = run(&of_latents, Value::Rows(z)).rows();
        linear_joint(x, z, joint.clone(), Some(joint_bias.clone()), leaky, None)
    };
    if wanted("egbad28_score100") {
        let time = median(repetitions, 2, || {
            let z = run(&encoder, Value::Images(x.clone())).rows();
            let r = run(&generator, Value::Rows(z.clone())).images();
            let (real, made) = (feature(x.clone(), z.clone()), feature(r.clone(), z));
            let score = l1_rows(x.clone(), r, Reduction::Mean) * 0.9
                + l1_rows(real, made, Reduction::Mean) * 0.1;
            _ = score.into_data();
        });
        println!("egbad28_score100: {:.0} samples/s", 100.0 / time);
    }

    let body = [
        conv(4, 1, 64, 2),
        conv(4, 64, 64, 2),
        full(64 * 49, 1024, leaky),
    ];
    for queries in [64, 1] {
        if !wanted(&format!("anogan28_search{queries}")) {
            continue;
        }
        let x = aligned(x.clone().narrow(0, 0, queries));
        let fx = run(&body, Value::Images(x.clone())).rows();
        let steps = if queries == 1 { 100 } else { 10 };
        let time = median(repetitions, 1, || {
            let zero = || Tensor::<2>::zeros([queries, 200], &device);
            let (mut z, mut m, mut v) = (zero(), zero(), zero());
            for step in 1..=steps {
                let s = AdamStep {
                    learning_rate: 1e-2,
                    beta1: 0.9,
                    beta2: 0.999,
                    epsilon: 1e-8,
                    weight_decay: 0.0,
                    step,
                };
                let leaf = z.autodiff().require_grad();
                let r = run(&generator, Value::Rows(leaf.clone())).images();
                let f = run(&body, Value::Images(r.clone())).rows();
                let loss = l1_rows(x.clone().autodiff(), r, Reduction::Mean) * 0.9
                    + l1_rows(fx.clone().autodiff(), f, Reduction::Mean) * 0.1;
                let mut gradients = loss.sum().backward();
                let gradient = leaf.grad_remove(&mut gradients).unwrap();
                (z, m, v) = adam(leaf.inner(), gradient, m, v, &s);
            }
        });
        let each = time / steps as f64;
        println!(
            "anogan28_search{queries}: {:.2} ms a step, {:.0} query-steps/s",
            each * 1e3,
            queries as f64 / each
        );
    }
}
