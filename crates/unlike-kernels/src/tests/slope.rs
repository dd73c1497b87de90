use burn_tensor::Tensor;

use super::{check, numbers, random, tensor};
use crate::*;

const ROWS: usize = 5;
const COLUMNS: usize = 23;

fn matrix(x: &Tensor<1>) -> Tensor<2> {
    x.clone().reshape([ROWS, COLUMNS])
}

fn row<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let len = x.shape().num_elements();
    x.reshape([len])
}

#[test]
fn the_last_two_axes_change_places_with_their_gradients() {
    let (a, b, c) = (3, 4, 7);
    check(
        &[random(a * b * c, 1)],
        &[true],
        1e-4,
        |x| row(swap_last(x[0].clone().reshape([a, b, c]))),
        |x| {
            let at = |i: usize| (i / (b * c), i / b % c, i % b);
            let from = |(i, k, j): (usize, usize, usize)| x[0][(i * b + j) * c + k];
            (0..a * b * c).map(|i| from(at(i))).collect()
        },
    );
}

#[test]
fn a_gradient_goes_back_through_a_leaky_relu() {
    let y = random(ROWS * COLUMNS, 2);
    for through in [through_slope::<2>, composite::through_slope::<2>] {
        check(
            &[random(ROWS * COLUMNS, 1)],
            &[true],
            1e-4,
            |x| row(through(matrix(&x[0]), matrix(&tensor(&y)), 0.2)),
            |x| {
                let slope = |y: f32| if y > 0.0 { 1.0 } else { f64::from(0.2_f32) };
                x[0].iter().zip(&y).map(|(x, &y)| x * slope(y)).collect()
            },
        );
    }
}

#[test]
fn lengths_are_held_to_1_and_a_mean_spreads_its_gradient() {
    let squared = |row: &[f64]| row.iter().map(|v| v * v).sum::<f64>();
    for penalty in [length_penalty, composite::length_penalty] {
        check(
            &[random(ROWS * COLUMNS, 1)],
            &[true],
            1e-4,
            |x| penalty(matrix(&x[0])),
            |x| {
                let off = |row| (squared(row) + 1e-12).sqrt() - 1.0;
                let all: f64 = x[0].chunks(COLUMNS).map(|row| off(row).powi(2)).sum();
                vec![all / ROWS as f64]
            },
        );
    }
    check(
        &[random(ROWS * COLUMNS, 1)],
        &[true],
        1e-4,
        |x| mean(matrix(&x[0])),
        |x| vec![x[0].iter().sum::<f64>() / x[0].len() as f64],
    );
}

#[test]
fn points_between_rows_and_distances_are_those_of_their_formulas() {
    let [a, b] = [1, 2].map(|seed| random(ROWS * COLUMNS, seed));
    let share = random(ROWS, 3);
    let plain = |x: &[f32]| tensor(x).inner();
    let shares = || plain(&share).reshape([ROWS, 1]);
    let pairs = || a.iter().zip(&b);
    let expected: Vec<f32> = pairs()
        .enumerate()
        .map(|(i, (a, b))| a + (b - a) * share[i / COLUMNS])
        .collect();
    for between in [between, composite::between] {
        let found = between(matrix(&plain(&a)), matrix(&plain(&b)), shares());
        assert_eq!(numbers(found), expected);
    }
    let expected: Vec<f32> = pairs().map(|(a, b)| (a - b).abs()).collect();
    assert_eq!(numbers(distances(plain(&a), plain(&b))), expected);
}

/// Whatever views of memory come in: turned round, cut out, with steps.
#[test]
fn kernels_read_tensors_whose_numbers_do_not_lie_in_order() {
    let cube: Tensor<3> = tensor(&random(4 * 6 * 5, 1)).inner().reshape([4, 6, 5]);
    let zeros = |x: &Tensor<3>| x.zeros_like();
    for view in [
        cube.clone().permute([2, 0, 1]),
        cube.clone().swap_dims(0, 2),
        cube.clone().slice([1..3, 0..6, 2..4]),
        cube.clone().slice([1..3, 2..5, 0..5]).permute([1, 2, 0]),
        cube.clone().flip([1]),
        cube.clone().slice([0..1, 0..6, 0..5]).expand([3, 6, 5]),
    ] {
        let expected: Vec<f32> = numbers(view.clone()).iter().map(|v| v.abs()).collect();
        assert_eq!(numbers(distances(view.clone(), zeros(&view))), expected);
    }
}
