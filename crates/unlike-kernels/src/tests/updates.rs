use burn::tensor::Tensor;

use super::{close, numbers, random, tensor};
use crate::cpu::graph::Input;
use crate::*;

fn address<const D: usize>(x: &Tensor<D>) -> usize {
    Input::new(x.clone()).values().as_ptr() as usize
}

#[test]
fn adam_is_pytorchs() {
    let n = 77;
    let plain = |seed| tensor(&random(n, seed)).inner();
    for update in [adam::<1>, composite::adam::<1>] {
        let (mut p, mut m, mut v) = (plain(1), plain(0) * 0.0, plain(0) * 0.0);
        let mut exact: Vec<[f64; 3]> = random(n, 1)
            .iter()
            .map(|&p| [f64::from(p), 0.0, 0.0])
            .collect();
        for t in 1..=5 {
            let step = AdamStep {
                learning_rate: 0.01,
                beta1: 0.5,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.1,
                step: t,
            };
            (p, m, v) = update(p, plain(t + 10), m, v, &step);
            for ([p, m, v], g) in exact.iter_mut().zip(random(n, t + 10)) {
                let g = f64::from(g) + 0.1 * *p;
                *m = 0.5 * *m + 0.5 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                let t = t as i32;
                let (m, v) = (*m / (1.0 - 0.5_f64.powi(t)), *v / (1.0 - 0.999_f64.powi(t)));
                *p -= 0.01 * m / (v.sqrt() + 1e-8);
            }
        }
        for (i, found) in [p, m, v].into_iter().enumerate() {
            let exact: Vec<f64> = exact.iter().map(|e| e[i]).collect();
            close("adam", &numbers(found), &exact, 1e-6);
        }
    }
}

#[test]
fn an_average_moves_by_its_decay() {
    for update in [ema::<1>, composite::ema::<1>] {
        let y = update(
            tensor(&[1.0, -2.0]).inner(),
            tensor(&[3.0, 2.0]).inner(),
            0.75,
        );
        assert_eq!(numbers(y), [1.5, -1.0]);
    }
}

#[test]
fn updates_are_in_place_after_the_backward_pass() {
    let step = AdamStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        step: 1,
    };
    let mut w = tensor(&random(64 * 32, 1))
        .reshape([64, 32])
        .inner()
        .autodiff()
        .require_grad();
    let zeros = || tensor(&random(64 * 32, 2)).reshape([64, 32]).inner() * 0.0;
    let (mut m, mut v) = (zeros(), zeros());
    let x = tensor(&random(8 * 64, 3)).reshape([8, 64]);
    let mut average = w.clone().inner() * 1.0;
    let mut addresses = Vec::new();
    for _ in 0..4 {
        let y: Tensor<2> = linear(x.clone(), w.clone(), None, Activation::Tanh, None);
        let loss = mse(y, x.clone().slice([0..8, 0..32]));
        let mut grads = loss.backward();
        drop(loss);
        let Some(grad) = w.grad_remove(&mut grads) else {
            panic!("no gradient")
        };
        let (p, m1, v1) = adam(w.inner(), grad, m, v, &step);
        average = ema(average, p.clone(), 0.9);
        addresses.push([&p, &m1, &v1, &average].map(address));
        (w, m, v) = (p.autodiff().require_grad(), m1, v1);
    }
    // The first update may move memory that Burn allocated to aligned memory; later ones stay.
    assert_eq!(addresses[1], addresses[2]);
    assert_eq!(addresses[2], addresses[3]);
}

#[test]
fn shared_memory_is_not_written() {
    let p = tensor(&[1.0; 40]).inner();
    let kept = p.clone();
    let y = ema(p, tensor(&[0.0; 40]).inner(), 0.5);
    assert_eq!(numbers(kept), [1.0; 40]);
    assert_eq!(numbers(y), [0.5; 40]);
}
