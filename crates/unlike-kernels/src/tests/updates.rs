use burn_tensor::Tensor;

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

/// A weight in several operations gets the sum of their gradients, in the order of the pass, whether
/// they are kernels or Burn's operations, and whatever other gradients of it are alive.
#[test]
fn gradients_of_a_weight_that_is_used_again_add_up() {
    let (inputs, outputs) = (96, 200); // More elements than one task adds.
    let weight = || {
        tensor(&random(inputs * outputs, 1))
            .reshape([inputs, outputs])
            .inner()
            .autodiff()
            .require_grad()
    };
    let x = |seed| tensor(&random(3 * inputs, seed)).reshape([3, inputs]);
    let through_kernel = |w: &Tensor<2>, seed| {
        let y = linear(x(seed), w.clone(), None, Activation::Identity, None);
        mse(y, tensor(&[0.5; 3 * 200]).reshape([3, outputs]))
    };
    let through_burn = |w: &Tensor<2>| w.clone().square().sum();
    let alone = |loss: &dyn Fn(&Tensor<2>) -> Tensor<1>| {
        let w = weight();
        let grads = loss(&w).backward();
        w.grad(&grads).map(numbers).unwrap_or_default()
    };
    let kernels = [2, 3, 4].map(|seed| alone(&|w| through_kernel(w, seed)));
    let burn = alone(&through_burn);

    let w = weight();
    // Two passes over one weight, with the gradients of both alive.
    let first = (through_kernel(&w, 2) + through_kernel(&w, 3)).backward();
    let second = (through_kernel(&w, 4) + through_burn(&w) + through_kernel(&w, 2)).backward();
    let kept = w.grad(&first);
    let third = (through_kernel(&w, 3) + through_kernel(&w, 4)).backward();
    let sum = |parts: &[&Vec<f32>]| -> Vec<f64> {
        let at = |i: usize| parts.iter().map(|part| f64::from(part[i])).sum();
        (0..inputs * outputs).map(at).collect()
    };
    for (grads, parts) in [
        (&first, vec![&kernels[0], &kernels[1]]),
        (&second, vec![&kernels[2], &burn, &kernels[0]]),
        (&third, vec![&kernels[1], &kernels[2]]),
    ] {
        let found = w.grad(grads).map(numbers).unwrap_or_default();
        close("sum", &found, &sum(&parts), 1e-6);
    }
    let kept = kept.map(numbers).unwrap_or_default();
    assert_eq!(Some(kept), w.grad(&first).map(numbers));
}

#[test]
fn another_shape_keeps_numbers_and_memory_and_gradients() {
    let values = random(2 * 3 * 4, 1);
    let plain = tensor(&values).inner();
    let cube: Tensor<3> = reshaped(plain.clone(), [2, 3, 4]);
    assert_eq!(cube.dims(), [2, 3, 4]);
    assert_eq!(numbers(cube.clone()), values);
    assert_eq!(address(&cube), address(&plain));
    assert_eq!(numbers(flat(cube.clone())), values);
    // Neither contiguous nor from the start of its memory.
    let part = cube.slice([1..2, 0..3, 1..3]).swap_dims(1, 2);
    assert_eq!(numbers(flat(part.clone())), numbers(part.clone()));
    assert_eq!(numbers(reshaped(part.clone(), [3, 2])), numbers(part));
    let leaf = tensor(&values).require_grad();
    let weights = tensor(&random(24, 2)).reshape([4, 6]);
    let grads = (reshaped(leaf.clone(), [4, 6]) * weights).sum().backward();
    assert_eq!(leaf.grad(&grads).map(numbers), Some(random(24, 2)));
}

#[test]
fn zeros_are_zeros_whatever_their_memory_held() {
    for _ in 0..3 {
        let x = tensor(&random(70, 1));
        let zeros = zeros([7, 10], &x);
        assert!(!zeros.is_tracked());
        assert_eq!(numbers(zeros), [0.0; 70]);
    }
}
