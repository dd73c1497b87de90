//! Descents: the best point, the stop, rates that change, samples that do not feel each other.

use crate::{
    backend::{Device, Tensor, tensor, values},
    nn::{Descent, Plateau},
    settings::{Count, Share},
};

fn points(z: &[f32]) -> Tensor<2> {
    tensor(z.to_vec(), [z.len(), 1], &Device::flex())
}

/// (z − x)², one number a sample.
fn square([x]: [Tensor<2>; 1], z: Tensor<2>) -> Tensor<1> {
    (z - x).square().squeeze_dim(1)
}

fn plateau(patience: usize, tolerance: f32) -> Option<Plateau> {
    Some(Plateau {
        patience: Count::of(patience),
        tolerance: Share::of(tolerance),
    })
}

#[test]
fn points_come_to_their_own_smallest_loss() {
    let descent = Descent::new(400, &[(0, 0.1), (200, 0.01)]);
    let x = [1.0, -2.0, 0.25];
    let found = values(descent.best(vec![points(&[0.0; 3])], [points(&x)], square));
    for (found, x) in found.iter().zip(x) {
        assert!((found - x).abs() < 1e-2, "{found}, {x}");
    }
    // Each alone, the same to the bit.
    for (at, &x) in x.iter().enumerate() {
        let alone = values(descent.best(vec![points(&[0.0])], [points(&[x])], square));
        assert_eq!(alone, [found[at]]);
    }
}

#[test]
fn without_steps_the_best_start_is_the_answer() {
    let descent = Descent::new(0, &[(0, 0.1)]);
    let starts = [[0.0, 3.0], [0.9, 9.0], [2.0, 4.5]];
    let starts = starts.map(|start| points(&start)).to_vec();
    let found = values(descent.best(starts, [points(&[1.0, 4.0])], square));
    assert_eq!(found, [0.9, 4.5]);
}

#[test]
fn the_best_point_counts_and_not_the_last() {
    // The first step goes from 0.0 far beyond 0.1 and never back.
    let descent = Descent::new(3, &[(0, 50.0)]);
    let found = values(descent.best(vec![points(&[0.0])], [points(&[0.1])], square));
    assert_eq!(found, [0.0]);
    // A loss that is no number is never the best.
    let bad = |[x]: [Tensor<2>; 1], z: Tensor<2>| {
        let nan = (z.clone() * 0.0 - 1.0).sqrt();
        (x + z + nan).squeeze_dim(1)
    };
    let found = values(descent.best(vec![points(&[7.0])], [points(&[0.1])], bad));
    assert_eq!(found, [0.0]);
}

#[test]
fn rates_apply_from_their_steps_on() {
    let moved = |rates: &[(usize, f32)], steps| {
        let descent = Descent::new(steps, rates);
        // A constant slope: Adam's steps are the rates themselves.
        let slope = |[x]: [Tensor<2>; 1], z: Tensor<2>| (x - z).squeeze_dim(1);
        values(descent.best(vec![points(&[0.0])], [points(&[100.0])], slope))[0]
    };
    let near = |a: f32, b: f32| assert!((a - b).abs() < 1e-4, "{a} and {b}");
    near(moved(&[(0, 0.5)], 4), 2.0);
    near(moved(&[(0, 0.5), (2, 0.1)], 4), 1.2);
    near(moved(&[(0, 0.5), (1, 0.1), (3, 0.01)], 5), 0.72);
}

#[test]
fn a_sample_stops_when_its_loss_has_not_fallen_for_its_patience() {
    // How many points each sample has been to, with losses that are given step by step.
    let visits = |losses: Vec<Vec<f32>>, plateau| {
        let count = losses.len();
        let steps = losses[0].len() - 1;
        let seen = std::sync::Mutex::new(vec![0usize; count]);
        let descent = Descent {
            plateau,
            ..Descent::new(steps, &[(0, 0.1)])
        };
        let samples: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let loss = |[x]: [Tensor<2>; 1], z: Tensor<2>| {
            let mut seen = seen.lock().unwrap();
            let given: Vec<f32> = values(x)
                .iter()
                .map(|&sample| {
                    let sample = sample as usize;
                    seen[sample] += 1;
                    losses[sample][seen[sample] - 1]
                })
                .collect();
            let n = given.len();
            // z takes part, so that there is a gradient.
            z.squeeze_dim::<1>(1) * 0.0 + tensor::<1>(given, [n], &Device::flex())
        };
        let start = vec![points(&vec![0.0; count])];
        descent.best(start, [points(&samples)], loss);
        seen.into_inner().unwrap()
    };
    let stop = plateau(3, 0.1);
    let three = vec![
        vec![1.0, 0.95, 0.92, 0.91, 0.5, 0.4, 0.3],
        vec![1.0, 0.95, 0.89, 0.88, 0.87, 0.86, 0.5],
        vec![1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1],
    ];
    assert_eq!(visits(three.clone(), stop), [4, 6, 7]);
    assert_eq!(visits(three, None), [7, 7, 7]);
    // A loss that is no number is no progress.
    assert_eq!(visits(vec![vec![f32::NAN; 9]], stop), [3]);
    // What stays at 0 makes no progress either.
    assert_eq!(visits(vec![vec![0.0; 9]], plateau(2, 0.0)), [3]);
}
