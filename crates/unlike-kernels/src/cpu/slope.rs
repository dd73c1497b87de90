//! What the penalty on a critic's slope is made of.

use burn_flex::FlexTensor;
use burn_tensor::{Shape, Tensor};

use super::buffer::Buffer;
use super::graph::{Input, record, untracked};
use super::kernels::kernels;
use super::memory::values;
use super::sums::sum;
use super::threads::{Out, parallel_if};
use crate::blocks::SLOPE_EPSILON;

/// Elements that a task takes.
const CHUNK: usize = 1 << 14;

/// `f(i)` for every element.
fn each(len: usize, f: impl Fn(usize) -> f32 + Sync) -> Buffer {
    let mut to = Buffer::new(len);
    let out = Out::new(&mut to);
    parallel_if(len, len.div_ceil(CHUNK), |task| {
        let first = task * CHUNK;
        // SAFETY: these elements belong to this task.
        let to = unsafe { out.slice(first, CHUNK.min(len - first)) };
        for (i, to) in to.iter_mut().enumerate() {
            *to = f(first + i);
        }
    });
    to
}

pub(crate) fn swap_last<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let x = Input::new(x);
    let y = swapped(x.tensor());
    record(y, vec![x], |_| Box::new(|dy| vec![Some(swapped(&dy))]))
}

/// A contiguous tensor's copy with the last two axes swapped.
fn swapped(x: &FlexTensor) -> FlexTensor {
    let mut shape: Vec<usize> = x.layout().shape().to_vec();
    let last = shape.len() - 1;
    let (rows, columns) = (shape[last - 1], shape[last]);
    shape.swap(last - 1, last);
    let from = values(x);
    let mut to = Buffer::new(from.len());
    let size = rows * columns;
    let out = Out::new(&mut to);
    let matrices = from.len().checked_div(size).unwrap_or(0);
    parallel_if(from.len(), matrices, |task| {
        let from = &from[task * size..][..size];
        // SAFETY: this matrix belongs to this task.
        let to = unsafe { out.slice(task * size, size) };
        (kernels().transpose)(from, columns, to, rows);
    });
    to.into_tensor(Shape::from(shape))
}

pub(crate) fn through_slope<const D: usize>(
    gradient: Tensor<D>,
    y: Tensor<D>,
    below: f32,
) -> Tensor<D> {
    let inputs = vec![Input::new(gradient), Input::new(y)];
    let shape = inputs[0].tensor().layout().shape().clone();
    assert_eq!(
        &shape,
        inputs[1].tensor().layout().shape(),
        "through_slope: the shapes differ"
    );
    // As the sum of products that the composition is.
    let above = 1.0 * (1.0 - below) + below;
    let times_slope = move |gradient: &[f32], y: &[f32]| {
        let slope = |y: f32| if y > 0.0 { above } else { below };
        each(y.len(), |i| gradient[i] * slope(y[i]))
    };
    let out = times_slope(inputs[0].values(), inputs[1].values()).into_tensor(shape.clone());
    record(out, inputs, move |saved| {
        Box::new(move |dy| {
            let back = times_slope(values(&dy), values(&saved[1]));
            vec![Some(back.into_tensor(shape)), None]
        })
    })
}

pub(crate) fn between(a: Tensor<2>, b: Tensor<2>, share: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = a.dims();
    let [a, b, share] = [a, b, share].map(Input::new);
    let y = {
        let [a, b, share] = [&a, &b, &share].map(Input::values);
        assert!(
            a.len() == b.len() && share.len() == rows,
            "between: the shapes do not fit"
        );
        each(a.len(), |i| a[i] + (b[i] - a[i]) * share[i / columns])
    };
    untracked(y.into_tensor([rows, columns]), &[&a, &b, &share])
}

pub(crate) fn length_penalty(x: Tensor<2>) -> Tensor<1> {
    let [rows, columns] = x.dims();
    let x = Input::new(x);
    let squares: Vec<f32> = x
        .values()
        .chunks(columns.max(1))
        .map(|row| sum(row, |v| v * v) + SLOPE_EPSILON)
        .collect();
    let off = |square: f32| square.sqrt() - 1.0;
    let mut y = Buffer::new(1);
    y[0] = sum(&squares, |square| off(square) * off(square)) / rows as f32;
    record(y.into_tensor([1]), vec![x], move |saved| {
        Box::new(move |dy| {
            let (x, dy) = (values(&saved[0]), values(&dy)[0]);
            let of_mean = (1.0 / rows as f64) as f32 * dy;
            let of_square = |&square: &f32| {
                let of_length = 2.0 * (of_mean * off(square));
                of_length * (square.powf(-0.5) / 2.0)
            };
            let factors: Vec<f32> = squares.iter().map(of_square).collect();
            let dx = each(x.len(), |i| 2.0 * (factors[i / columns] * x[i]));
            vec![Some(dx.into_tensor([rows, columns]))]
        })
    })
}

pub(crate) fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let x = Input::new(x);
    let (len, shape) = (x.values().len(), x.tensor().layout().shape().clone());
    let mut y = Buffer::new(1);
    y[0] = sum(x.values(), |v| v) / len as f32;
    record(y.into_tensor([1]), vec![x], move |_| {
        Box::new(move |dy| {
            let share = (1.0 / len as f64) as f32 * values(&dy)[0];
            vec![Some(each(len, |_| share).into_tensor(shape))]
        })
    })
}

pub(crate) fn distances<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    let [a, b] = [a, b].map(Input::new);
    let shape = a.tensor().layout().shape();
    assert_eq!(
        shape,
        b.tensor().layout().shape(),
        "distances: the shapes differ"
    );
    let y = {
        let [a, b] = [&a, &b].map(Input::values);
        each(a.len(), |i| (a[i] - b[i]).abs())
    };
    let y = y.into_tensor(shape.clone());
    untracked(y, &[&a, &b])
}
