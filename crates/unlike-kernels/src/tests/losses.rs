use proptest::prelude::*;

use super::{check, random};
use crate::*;

fn bce(x: f64, target: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p() - target * x
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn losses_agree_with_their_definitions(
        n in 1_usize..9, each in 1_usize..70, target in 0.0_f32..=1.0, tracked: [bool; 2],
        sum: bool, seed: u64,
    ) {
        let (a, b) = (random(n * each, seed), random(n * each, seed ^ 1));
        let a: Vec<f32> = a.iter().map(|v| v * 4.0).collect();
        let both = [a.clone(), b];
        let t = f64::from(target);
        let reduction = if sum { Reduction::Sum } else { Reduction::Mean };
        let factor = if sum { each as f64 } else { 1.0 };
        let in_rows = |v: &[f64]| -> Vec<f64> {
            v.chunks(each).map(|row| mean(row.iter().copied()) * factor).collect()
        };
        let pairs = |v: &[Vec<f64>], f: fn(f64) -> f64| -> Vec<f64> {
            v[0].iter().zip(&v[1]).map(|(a, b)| f(a - b)).collect()
        };
        let elements = |v: &[Vec<f64>]| v[0].iter().map(|&x| bce(x, t)).collect::<Vec<_>>();
        let one = &tracked[..1];
        for loss in [bce_with_logits::<1>, composite::bce_with_logits::<1>] {
            check(std::slice::from_ref(&a), one, 1e-6, |v| loss(v[0].clone(), target),
                |v| vec![mean(elements(v).into_iter())]);
        }
        for loss in [bce_with_logits_rows::<2>, composite::bce_with_logits_rows::<2>] {
            check(std::slice::from_ref(&a), one, 1e-6,
                |v| loss(v[0].clone().reshape([n, each]), target, reduction),
                |v| in_rows(&elements(v)));
        }
        for (loss, f) in [
            (l1::<1> as fn(_, _) -> _, f64::abs as fn(f64) -> f64),
            (composite::l1::<1>, f64::abs),
            (mse::<1>, |d| d * d),
            (composite::mse::<1>, |d| d * d),
        ] {
            check(&both, &tracked, 1e-6, |v| loss(v[0].clone(), v[1].clone()),
                |v| vec![mean(pairs(v, f).into_iter())]);
        }
        for (loss, f) in [
            (l1_rows::<2> as fn(_, _, _) -> _, f64::abs as fn(f64) -> f64),
            (composite::l1_rows::<2>, f64::abs),
            (mse_rows::<2>, |d| d * d),
            (composite::mse_rows::<2>, |d| d * d),
        ] {
            let rows = |v: &burn_tensor::Tensor<1>| v.clone().reshape([n, each]);
            check(&both, &tracked, 1e-6, |v| loss(rows(&v[0]), rows(&v[1]), reduction),
                |v| in_rows(&pairs(v, f)));
        }
    }
}

#[test]
fn losses_of_large_tensors_and_large_logits_stay_precise() {
    let x: Vec<f32> = random(100_003, 5).iter().map(|v| v * 30.0).collect();
    let exact = mean(x.iter().map(|&x| bce(f64::from(x), 1.0)));
    let found = super::numbers(bce_with_logits(super::tensor(&x), 1.0))[0];
    assert!((f64::from(found) - exact).abs() < 1e-6 * exact);
    for (x, target) in [(200.0, 0.0), (-200.0, 1.0)] {
        let leaf = super::tensor(&[x]).require_grad();
        let loss = bce_with_logits(leaf.clone(), target);
        let grads = loss.backward();
        assert_eq!(super::numbers(loss), [200.0]);
        assert_eq!(
            leaf.grad(&grads).map(super::numbers),
            Some(vec![x.signum()])
        );
    }
}

#[test]
fn the_loss_of_a_sample_does_not_depend_on_its_batch() {
    let (a, b) = (random(8 * 20_000, 1), random(8 * 20_000, 2));
    let run = |a: &[f32], b: &[f32]| {
        let n = a.len() / 20_000;
        let [a, b] = [a, b].map(|v| super::tensor(v).reshape([n, 20_000]));
        super::numbers(l1_rows::<2>(a, b, Reduction::Mean))
    };
    let together = run(&a, &b);
    for (i, (a, b)) in a.chunks(20_000).zip(b.chunks(20_000)).enumerate() {
        assert_eq!(run(a, b), together[i..=i]);
    }
}
