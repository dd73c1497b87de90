//! One training step of EGBAD on tables as in the reference script, and its time.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement for people"
)]
use burn::tensor::{Device, Distribution, Tensor};
use std::time::Instant;
use unlike_kernels::*;

struct Layer {
    w: Tensor<2>,
    b: Tensor<1>,
    m: [Tensor<2>; 2],
    mb: [Tensor<1>; 2],
}
impl Layer {
    fn new(i: usize, o: usize, d: &Device) -> Self {
        let p = d.clone();
        let ad = d.clone().autodiff();
        Self {
            w: Tensor::random([i, o], Distribution::Normal(0., 0.05), &ad).require_grad(),
            b: Tensor::zeros([o], &ad).require_grad(),
            m: [Tensor::zeros([i, o], &p), Tensor::zeros([i, o], &p)],
            mb: [Tensor::zeros([o], &p), Tensor::zeros([o], &p)],
        }
    }
    fn step(&mut self, g: &mut burn::tensor::Gradients, s: &AdamStep) {
        let gw = self.w.grad_remove(g).unwrap();
        let gb = self.b.grad_remove(g).unwrap();
        take(
            &mut self.w,
            |w, [m, v]| {
                let (w, m, v) = adam(w, gw, m, v, s);
                (w, [m, v])
            },
            &mut self.m,
        );
        take(
            &mut self.b,
            |w, [m, v]| {
                let (w, m, v) = adam(w, gb, m, v, s);
                (w, [m, v])
            },
            &mut self.mb,
        );
    }
}
fn take<const D: usize>(
    w: &mut Tensor<D>,
    f: impl FnOnce(Tensor<D>, [Tensor<D>; 2]) -> (Tensor<D>, [Tensor<D>; 2]),
    m: &mut [Tensor<D>; 2],
) {
    let d = Device::flex();
    let stand = || Tensor::<D>::empty([1; D], &d);
    let old = std::mem::replace(w, stand()).inner();
    let mm = std::mem::replace(m, [stand(), stand()]);
    let (n, mm) = f(old, mm);
    *w = n.autodiff().require_grad();
    *m = mm;
}
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-3
}
fn main() {
    let d = Device::flex();
    let batch: usize = std::env::args().nth(1).map_or(50, |v| v.parse().unwrap());
    if let Some(t) = std::env::args().nth(2) {
        set_threads(t.parse().unwrap());
    }
    let l = Activation::LeakyRelu(0.1);
    let mut e = [Layer::new(121, 64, &d), Layer::new(64, 32, &d)];
    let mut g = [
        Layer::new(32, 64, &d),
        Layer::new(64, 128, &d),
        Layer::new(128, 121, &d),
    ];
    let mut dd = [
        Layer::new(121, 128, &d),
        Layer::new(32, 128, &d),
        Layer::new(256, 128, &d),
        Layer::new(128, 1, &d),
    ];
    let ad = d.clone().autodiff();
    let x = Tensor::<2>::random([batch, 121], Distribution::Normal(0., 1.), &ad);
    let mut count = 0u64;
    let rng = std::env::var("NORNG").is_err();
    let z0 = Tensor::<2>::random([batch, 32], Distribution::Normal(0., 1.), &d).autodiff();
    let mut times = vec![];
    let mut parts = [0.0f64; 6];
    let mut start = 0.0;
    for it in 0..3000 {
        if it == 1000 {
            start = cpu();
        }
        let t = Instant::now();
        count += 1;
        let s = AdamStep {
            learning_rate: 1e-4,
            beta1: 0.5,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            step: count,
        };
        let noise = || {
            if rng {
                Tensor::<2>::random([batch, 32], Distribution::Normal(0., 1.), &d).autodiff()
            } else {
                z0.clone()
            }
        };
        let part = |k: &Layer, act, dropout, train: bool, from: Vec<Source>| Dense {
            w: if train {
                k.w.clone()
            } else {
                k.w.clone().inner()
            },
            b: Some(if train {
                k.b.clone()
            } else {
                k.b.clone().inner()
            }),
            act,
            dropout,
            from,
        };
        let run_d = |dd: &[Layer; 4], x: Tensor<2>, z: Tensor<2>, seed: u64, train: bool| {
            let dr = |k| {
                Some(Dropout {
                    probability: 0.2,
                    seed: seed * 8 + k,
                })
            };
            dense(
                vec![x, z],
                vec![
                    part(&dd[0], l, dr(0), train, vec![Source::Input(0)]),
                    part(&dd[1], l, dr(1), train, vec![Source::Input(1)]),
                    part(
                        &dd[2],
                        l,
                        dr(2),
                        train,
                        vec![Source::Layer(0), Source::Layer(1)],
                    ),
                    part(
                        &dd[3],
                        Activation::Identity,
                        None,
                        train,
                        vec![Source::Layer(2)],
                    ),
                ],
            )
        };
        let run_g = |g: &[Layer; 3], z: Tensor<2>, train| {
            dense(
                vec![z],
                vec![
                    part(&g[0], Activation::Relu, None, train, vec![Source::Input(0)]),
                    part(&g[1], Activation::Relu, None, train, vec![Source::Layer(0)]),
                    part(
                        &g[2],
                        Activation::Identity,
                        None,
                        train,
                        vec![Source::Layer(1)],
                    ),
                ],
            )
        };
        let run_e = |e: &[Layer; 2], x: Tensor<2>, train| {
            dense(
                vec![x],
                vec![
                    part(&e[0], l, None, train, vec![Source::Input(0)]),
                    part(
                        &e[1],
                        Activation::Identity,
                        None,
                        train,
                        vec![Source::Layer(0)],
                    ),
                ],
            )
        };
        let z = noise();
        let (gz, ex) = (run_g(&g, z.clone(), false), run_e(&e, x.clone(), false));
        let t1 = Instant::now();
        let loss = bce_with_logits(run_d(&dd, x.clone(), ex, count * 4, true), 1.0)
            + bce_with_logits(run_d(&dd, gz, z, count * 4 + 1, true), 0.0);
        let t2 = Instant::now();
        let mut gr = loss.backward();
        drop(loss);
        let t3 = Instant::now();
        for k in &mut dd {
            k.step(&mut gr, &s);
        }
        let t4 = Instant::now();
        let z = noise();
        let loss = bce_with_logits(
            run_d(&dd, run_g(&g, z.clone(), true), z, count * 4 + 2, false),
            1.0,
        ) + bce_with_logits(
            run_d(
                &dd,
                x.clone(),
                run_e(&e, x.clone(), true),
                count * 4 + 3,
                false,
            ),
            0.0,
        );
        let t5 = Instant::now();
        let mut gr = loss.backward();
        drop(loss);
        let t6 = Instant::now();
        for k in e.iter_mut().chain(&mut g) {
            k.step(&mut gr, &s);
        }
        let t7 = Instant::now();
        times.push(t.elapsed().as_secs_f64());
        if it >= 1000 {
            for (p, v) in
                parts
                    .iter_mut()
                    .zip([t2 - t, t3 - t2, t4 - t3, t5 - t4, t6 - t5, t7 - t6])
            {
                *p += v.as_secs_f64() / 2000.0 * 1e6;
            }
            let _ = t1;
        }
    }
    println!("this thread: {:.0} us a step", (cpu() - start) / 2000.0);
    let mut t = times[1000..].to_vec();
    t.sort_by(f64::total_cmp);
    let m = t[t.len() / 2];
    println!(
        "{batch} rows, {} threads: median {:.0} us a step (2%: {:.0}), {:.0} samples/s; D fwd {:.0} bwd {:.0} adam {:.0}, GE fwd {:.0} bwd {:.0} adam {:.0}",
        threads(),
        m * 1e6,
        t[t.len() / 50] * 1e6,
        batch as f64 / m,
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        parts[4],
        parts[5]
    );
}
