//! The definitions, in double precision and without any cleverness.

use crate::{Activation, Dropout};

pub(super) fn activate(x: f64, act: Activation) -> f64 {
    match act {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                x * f64::from(slope)
            }
        }
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    }
}

/// Bias, activation and dropout of rows of `columns`.
pub(super) fn finish(
    mut y: Vec<f64>,
    columns: usize,
    b: Option<&[f64]>,
    act: Activation,
    dropout: Option<Dropout>,
) -> Vec<f64> {
    for (i, y) in y.iter_mut().enumerate() {
        *y = activate(*y + b.map_or(0.0, |b| b[i % columns]), act);
        *y *= dropout.map_or(1.0, |dropout| f64::from(dropout.factor(i as u32)));
    }
    y
}

/// `x [n, i] · w [i, o]`
pub(super) fn matmul(x: &[f64], w: &[f64], [n, i, o]: [usize; 3]) -> Vec<f64> {
    let mut y = vec![0.0; n * o];
    for r in 0..n {
        for c in 0..o {
            y[r * o + c] = (0..i).map(|k| x[r * i + k] * w[k * o + c]).sum();
        }
    }
    y
}

/// Images, height, width, channels of a tensor, and how to find an element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Images(pub(super) [usize; 4]);

impl Images {
    pub(super) fn len(self) -> usize {
        self.0.iter().product()
    }

    fn at(self, [n, y, x, c]: [usize; 4]) -> usize {
        ((n * self.0[1] + y) * self.0[2] + x) * self.0[3] + c
    }
}

/// Calls `each(image, fine pixel, coarse pixel, tap)` for all that meet in a convolution.
fn meetings(
    images: usize,
    fine: [usize; 2],
    coarse: [usize; 2],
    [kernel, stride, padding]: [usize; 3],
    mut each: impl FnMut(usize, [usize; 2], [usize; 2], [usize; 2]),
) {
    for n in 0..images {
        for (y, x) in (0..coarse[0]).flat_map(|y| (0..coarse[1]).map(move |x| (y, x))) {
            for (u, v) in (0..kernel).flat_map(|u| (0..kernel).map(move |v| (u, v))) {
                let row = (y * stride + u).checked_sub(padding);
                let column = (x * stride + v).checked_sub(padding);
                if let (Some(row), Some(column)) = (row, column)
                    && row < fine[0]
                    && column < fine[1]
                {
                    each(n, [row, column], [y, x], [u, v]);
                }
            }
        }
    }
}

/// Convolution (`down`) or transposed convolution of `x` to a tensor of shape `out`.
pub(super) fn convolution(
    x: &[f64],
    w: &[f64],
    shape: Images,
    out: Images,
    numbers: [usize; 3],
    down: bool,
) -> Vec<f64> {
    let ([images, h, w_, ci], [_, ho, wo, co]) = (shape.0, out.0);
    let (fine, coarse) = if down {
        ([h, w_], [ho, wo])
    } else {
        ([ho, wo], [h, w_])
    };
    let kernel = Images([numbers[0], numbers[0], ci, co]);
    let mut y = vec![0.0; out.len()];
    meetings(images, fine, coarse, numbers, |n, fine, coarse, tap| {
        let (from, to) = if down { (fine, coarse) } else { (coarse, fine) };
        for i in 0..ci {
            for o in 0..co {
                y[out.at([n, to[0], to[1], o])] +=
                    x[shape.at([n, from[0], from[1], i])] * w[kernel.at([tap[0], tap[1], i, o])];
            }
        }
    });
    y
}

/// Batch norm of rows of `gamma.len()`; statistics of the batch, or the given ones.
pub(super) fn batch_norm(
    x: &[f64],
    gamma: &[f64],
    beta: &[f64],
    epsilon: f64,
    given: Option<(&[f64], &[f64])>,
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let c = gamma.len();
    let rows = (x.len() / c) as f64;
    let column = |i: usize| x.iter().skip(i).step_by(c);
    let mut mean: Vec<f64> = (0..c).map(|i| column(i).sum::<f64>() / rows).collect();
    let mut variance: Vec<f64> = (0..c)
        .map(|i| column(i).map(|v| (v - mean[i]).powi(2)).sum::<f64>() / rows)
        .collect();
    if let Some((given_mean, given_variance)) = given {
        (mean, variance) = (given_mean.to_vec(), given_variance.to_vec());
    }
    let y = x.iter().enumerate().map(|(j, v)| {
        let i = j % c;
        gamma[i] * (v - mean[i]) / (variance[i] + epsilon).sqrt() + beta[i]
    });
    (y.collect(), mean, variance)
}
