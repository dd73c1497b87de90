//! One training step of GANomaly as in the reference script (but D runs once on each batch), the
//! time of each part, and scoring in evaluation mode.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement for people"
)]
use std::time::Duration;
/// Wall time, or with `CPU=1` the time that this thread ran.
#[derive(Clone, Copy)]
struct Instant(Duration);
impl Instant {
    fn now() -> Self {
        if std::env::var("CPU").is_ok() {
            let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            return Self(Duration::from_nanos(
                s.split(' ').next().unwrap().parse().unwrap(),
            ));
        }
        Self(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap(),
        )
    }
    fn elapsed(self) -> Duration {
        Self::now().0 - self.0
    }
}
impl std::ops::Sub for Instant {
    type Output = Duration;
    fn sub(self, other: Self) -> Duration {
        self.0 - other.0
    }
}
use burn::tensor::{Device, Distribution, Gradients, Tensor};
use unlike_kernels::*;

struct P<const D: usize> {
    w: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
}
impl<const D: usize> P<D> {
    fn new(w: Tensor<D>) -> Self {
        Self {
            m: w.zeros_like(),
            v: w.zeros_like(),
            w: w.autodiff().require_grad(),
        }
    }
    fn get(&self, train: bool) -> Tensor<D> {
        if train {
            self.w.clone()
        } else {
            self.w.clone().inner()
        }
    }
    fn step(&mut self, g: &mut Gradients, s: &AdamStep) {
        let d = Device::flex();
        let grad = self.w.grad_remove(g).unwrap();
        let [w, m, v] = [&mut self.w, &mut self.m, &mut self.v]
            .map(|t| std::mem::replace(t, Tensor::empty([1; D], &d)));
        let (w, m, v) = adam(w.inner(), grad, m, v, s);
        *self = Self {
            w: w.autodiff().require_grad(),
            m,
            v,
        };
    }
}
struct Layer {
    w: P<4>,
    bn: Option<(P<1>, P<1>, Tensor<1>, Tensor<1>)>,
    up: bool,
    stride: usize,
    pad: usize,
    act: Activation,
}
impl Layer {
    fn new(
        i: usize,
        o: usize,
        bn: bool,
        up: bool,
        stride: usize,
        pad: usize,
        act: Activation,
    ) -> Self {
        let d = Device::flex();
        Self {
            w: P::new(Tensor::random(
                [4, 4, i, o],
                Distribution::Normal(0., 0.02),
                &d,
            )),
            bn: bn.then(|| {
                (
                    P::new(Tensor::ones([o], &d)),
                    P::new(Tensor::zeros([o], &d)),
                    Tensor::zeros([o], &d),
                    Tensor::ones([o], &d),
                )
            }),
            up,
            stride,
            pad,
            act,
        }
    }
    fn fold(&self) -> Folded {
        let w = self.w.get(false);
        let (w, b) = match &self.bn {
            Some((g, b, m, v)) => {
                let (w, b) = fold_batch_norm(
                    w,
                    None,
                    m.clone(),
                    v.clone(),
                    g.get(false),
                    b.get(false),
                    1e-5,
                );
                (w, Some(b))
            }
            None => (aligned(w), None),
        };
        Folded {
            w,
            b,
            up: self.up,
            stride: self.stride,
            pad: self.pad,
            act: self.act,
        }
    }
    fn run(&self, x: Tensor<4>, train: bool, eval: bool) -> Tensor<4> {
        let act = if self.bn.is_some() {
            Activation::Identity
        } else {
            self.act
        };
        let w = self.w.get(train);
        let y = if self.up {
            conv_transpose2d(x, w, None, self.stride, self.pad, 0, act, None)
        } else {
            conv2d(x, w, None, self.stride, self.pad, act, None)
        };
        match &self.bn {
            Some((g, b, m, v)) if eval => batch_norm_eval(
                y,
                m.clone(),
                v.clone(),
                g.get(train),
                b.get(train),
                1e-5,
                self.act,
            ),
            Some((g, b, ..)) => {
                batch_norm_train(y, g.get(train), b.get(train), 1e-5, self.act, None).y
            }
            None => y,
        }
    }
    fn step(&mut self, g: &mut Gradients, s: &AdamStep) {
        self.w.step(g, s);
        if let Some((a, b, ..)) = &mut self.bn {
            a.step(g, s);
            b.step(g, s);
        }
    }
}
struct Folded {
    w: Tensor<4>,
    b: Option<Tensor<1>>,
    up: bool,
    stride: usize,
    pad: usize,
    act: Activation,
}
fn score(net: &[Folded], mut x: Tensor<4>) -> Tensor<4> {
    for l in net {
        let (w, b) = (l.w.clone(), l.b.clone());
        x = if l.up {
            conv_transpose2d(x, w, b, l.stride, l.pad, 0, l.act, None)
        } else {
            conv2d(x, w, b, l.stride, l.pad, l.act, None)
        };
    }
    x
}
fn encoder(size: usize, nc: usize, nz: usize) -> Vec<Layer> {
    let l = Activation::LeakyRelu(0.2);
    let mut v = vec![Layer::new(nc, 64, false, false, 2, 1, l)];
    let (mut c, mut s) = (64, size / 2);
    while s > 4 {
        v.push(Layer::new(c, 2 * c, true, false, 2, 1, l));
        c *= 2;
        s /= 2;
    }
    v.push(Layer::new(c, nz, false, false, 1, 0, Activation::Identity));
    v
}
fn decoder(size: usize, nc: usize, nz: usize) -> Vec<Layer> {
    let r = Activation::Relu;
    let (mut c, mut s) = (64, 8);
    while s < size {
        c *= 2;
        s *= 2;
    }
    let mut v = vec![Layer::new(nz, c, true, true, 1, 0, r)];
    s = 4;
    while s < size / 2 {
        v.push(Layer::new(c, c / 2, true, true, 2, 1, r));
        c /= 2;
        s *= 2;
    }
    v.push(Layer::new(c, nc, false, true, 2, 1, Activation::Tanh));
    v
}
fn run(net: &[Layer], mut x: Tensor<4>, train: bool, eval: bool) -> Tensor<4> {
    for l in net {
        x = l.run(x, train, eval);
    }
    x
}
fn main() {
    let a: Vec<usize> = std::env::args()
        .skip(1)
        .map(|v| v.parse().unwrap())
        .collect();
    let (size, nc, batch) = (
        a.first().copied().unwrap_or(32),
        a.get(1).copied().unwrap_or(1),
        64,
    );
    if let Some(&t) = a.get(2) {
        set_threads(t);
    }
    let reps = a.get(3).copied().unwrap_or(9);
    let d = Device::flex();
    let (mut e, mut g, mut e2, mut dd) = (
        encoder(size, nc, 100),
        decoder(size, nc, 100),
        encoder(size, nc, 100),
        encoder(size, nc, 1),
    );
    let x =
        Tensor::<4>::random([batch, size, size, nc], Distribution::Uniform(-1., 1.), &d).autodiff();
    let mut times = vec![];
    let mut parts = vec![];
    for it in 0..reps + 2 {
        let s = AdamStep {
            learning_rate: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step: it as u64 + 1,
        };
        let t = Instant::now();
        let z = run(&e, x.clone(), true, false);
        let r = run(&g, z.clone(), true, false);
        let z2 = run(&e2, r.clone(), true, false);
        let t1 = Instant::now();
        // G's pass: D frozen. D's own pass: with weights, on x and the detached reconstruction.
        let body = dd.len() - 1;
        let fr = run(&dd[..body], r.clone(), false, false);
        let fx = run(&dd[..body], x.clone(), true, false);
        let loss = mse(fr, fx.clone().detach()) + l1(r.clone(), x.clone()) * 50.0 + mse(z2, z);
        let t2 = Instant::now();
        let mut gr = loss.backward();
        drop(loss);
        let t3 = Instant::now();
        for l in e.iter_mut().chain(&mut g).chain(&mut e2) {
            l.step(&mut gr, &s);
        }
        drop(gr);
        let t4 = Instant::now();
        let pf = run(&dd, r.detach(), true, false);
        let pr = run(&dd[body..], fx, true, false);
        let loss = (bce_with_logits(pr, 1.0) + bce_with_logits(pf, 0.0)) * 0.5;
        let t5 = Instant::now();
        let mut gr = loss.backward();
        drop(loss);
        for l in &mut dd {
            l.step(&mut gr, &s);
        }
        let t6 = Instant::now();
        if it >= 2 {
            times.push((t6 - t).as_secs_f64());
            parts.push(
                [t1 - t, t2 - t1, t3 - t2, t4 - t3, t5 - t4, t6 - t5]
                    .map(|v| v.as_secs_f64() * 1e3),
            );
        }
    }
    times.sort_by(f64::total_cmp);
    let med = |f: usize| {
        let mut v: Vec<f64> = parts.iter().map(|p| p[f]).collect();
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    };
    println!(
        "train {size}: median {:.1} ms, min {:.1}, {:.1} samples/s | fwd G {:.1} D {:.1} bwd G {:.1} adam {:.1} | D fwd {:.1} bwd+adam {:.1}",
        times[times.len() / 2] * 1e3,
        times[0] * 1e3,
        batch as f64 / times[times.len() / 2],
        med(0),
        med(1),
        med(2),
        med(3),
        med(4),
        med(5)
    );
    let xe = x.inner();
    let [fe, fg, fe2] = [&e, &g, &e2].map(|n| n.iter().map(Layer::fold).collect::<Vec<_>>());
    for b in [64, 1] {
        let xb = xe.clone().narrow(0, 0, b);
        let mut t: Vec<f64> = (0..if b == 1 { 200 } else { 15 })
            .map(|_| {
                let t = Instant::now();
                let z = score(&fe, xb.clone());
                let r = score(&fg, z.clone());
                let z2 = score(&fe2, r);
                let _s: Vec<f32> = mse_rows(z, z2, Reduction::Mean)
                    .into_data()
                    .try_into_vec()
                    .unwrap();
                t.elapsed().as_secs_f64()
            })
            .collect();
        t.sort_by(f64::total_cmp);
        println!(
            "score batch {b}: median {:.3} ms (10%: {:.3}), {:.0} samples/s",
            t[t.len() / 2] * 1e3,
            t[t.len() / 10] * 1e3,
            b as f64 / t[t.len() / 2]
        );
    }
}
