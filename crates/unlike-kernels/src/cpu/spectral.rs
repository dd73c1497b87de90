//! The steps of spectral normalisation that are not matrix products.

use burn_tensor::Tensor;

use super::buffer::Buffer;
use super::graph::{Input, record, untracked};
use super::memory::values;
use super::sums::sum;
use super::threads::{Out, parallel_if};
use crate::blocks::SPECTRAL_EPSILON;

/// Elements that a task takes.
const CHUNK: usize = 1 << 14;
/// Columns that a task adds up.
const COLUMNS: usize = 64;

pub(crate) fn unit(x: Tensor<1>) -> Tensor<1> {
    let x = Input::new(x);
    let from = x.values();
    let length = sum(from, |x| x * x).sqrt();
    let length = if length <= SPECTRAL_EPSILON {
        SPECTRAL_EPSILON
    } else {
        length
    };
    let mut to = Buffer::new(from.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = from / length;
    }
    let to = to.into_tensor([from.len()]);
    untracked(to, &[&x])
}

pub(crate) fn over(w: Tensor<2>, sigma: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = w.dims();
    let inputs = vec![Input::new(w), Input::new(sigma)];
    let &[sigma] = inputs[1].values() else {
        panic!("over: sigma is more than one number");
    };
    let scale = 1.0 / sigma;
    let y = scaled(inputs[0].values(), scale).into_tensor([rows, columns]);
    let [of_w, of_sigma] = [0, 1].map(|i| inputs[i].tracked());
    record(y, inputs, move |saved| {
        Box::new(move |dy| {
            let dy = values(&dy);
            let dw = of_w.then(|| scaled(dy, scale).into_tensor([rows, columns]));
            let dsigma = of_sigma.then(|| {
                let sums = column_sums(dy, values(&saved[0]), columns);
                let mut dsigma = Buffer::new(1);
                dsigma[0] = sum(&sums, |x| x) * -(1.0 / (sigma * sigma));
                dsigma.into_tensor([1, 1])
            });
            vec![dw, dsigma]
        })
    })
}

fn scaled(from: &[f32], scale: f32) -> Buffer {
    let mut to = Buffer::new(from.len());
    let out = Out::new(&mut to);
    parallel_if(from.len(), from.len().div_ceil(CHUNK), |task| {
        let (first, len) = (task * CHUNK, CHUNK.min(from.len() - task * CHUNK));
        // SAFETY: these elements belong to this task.
        let to = unsafe { out.slice(first, len) };
        for (to, from) in to.iter_mut().zip(&from[first..]) {
            *to = from * scale;
        }
    });
    to
}

/// `Σ a · b` of each column, from the first row on.
fn column_sums(a: &[f32], b: &[f32], columns: usize) -> Buffer {
    let mut sums = Buffer::zeroed(columns);
    let out = Out::new(&mut sums);
    parallel_if(a.len(), columns.div_ceil(COLUMNS), |task| {
        let (first, len) = (task * COLUMNS, COLUMNS.min(columns - task * COLUMNS));
        // SAFETY: these columns belong to this task.
        let sums = unsafe { out.slice(first, len) };
        for (a, b) in a.chunks_exact(columns).zip(b.chunks_exact(columns)) {
            for (sum, (a, b)) in sums.iter_mut().zip(a[first..].iter().zip(&b[first..])) {
                *sum += a * b;
            }
        }
    });
    sums
}
