//! Losses: one pass over the inputs, sums in a fixed order.

use burn_tensor::Tensor;

use super::buffer::Buffer;
use super::graph::{Input, record};
use super::kernels::{Kernels, kernels};
use super::memory::values;
use super::threads::{Out, parallel_if};
use crate::blocks::Reduction;

/// Elements of a partial sum over a whole tensor.
const CHUNK: usize = 1 << 13;

/// What is summed over the elements.
#[derive(Clone, Copy)]
pub(crate) enum Term {
    /// Binary cross-entropy of `sigmoid(a)` with a target.
    Bce(f32),
    /// `|a - b|`
    L1,
    /// `(a - b)²`
    Mse,
}

impl Term {
    fn sum(self, kernels: &Kernels, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Bce(target) => (kernels.bce)(a, target),
            Self::L1 => (kernels.l1)(a, b),
            Self::Mse => (kernels.mse)(a, b),
        }
    }

    /// `scale` times the gradient in `a`; that in `b` is its negative.
    fn gradient(self, kernels: &Kernels, a: &[f32], b: &[f32], scale: f32, da: &mut [f32]) {
        match self {
            Self::Bce(target) => (kernels.bce_backward)(a, target, scale, da),
            Self::L1 => (kernels.l1_backward)(a, b, scale, da),
            Self::Mse => (kernels.mse_backward)(a, b, 2.0 * scale, da),
        }
    }
}

/// How the elements are grouped into outputs.
#[derive(Clone, Copy)]
struct Groups {
    term: Term,
    /// Outputs: `None` is one for the whole tensor, else one for each sample.
    samples: Option<usize>,
    /// Elements of each.
    each: usize,
    /// Factor of each sum.
    factor: f32,
}

/// Mean of the term over all elements, `[1]`.
pub(crate) fn whole<const D: usize>(term: Term, a: Tensor<D>, b: Option<Tensor<D>>) -> Tensor<1> {
    let each = a.shape().num_elements();
    let groups = Groups {
        term,
        samples: None,
        each,
        factor: (1.0 / each as f64) as f32,
    };
    groups.run(a, b)
}

/// The term reduced over each sample's elements, `[N]`.
pub(crate) fn rows<const D: usize>(
    term: Term,
    a: Tensor<D>,
    b: Option<Tensor<D>>,
    reduction: Reduction,
) -> Tensor<1> {
    let dims = a.dims();
    let each = dims[1..].iter().product::<usize>();
    let factor = match reduction {
        Reduction::Mean => (1.0 / each as f64) as f32,
        Reduction::Sum => 1.0,
    };
    Groups {
        term,
        samples: Some(dims[0]),
        each,
        factor,
    }
    .run(a, b)
}

impl Groups {
    fn run<const D: usize>(self, a: Tensor<D>, b: Option<Tensor<D>>) -> Tensor<1> {
        let kernels = kernels();
        let inputs: Vec<Input> = [Some(a), b].into_iter().flatten().map(Input::new).collect();
        let shapes = inputs.iter().map(|input| input.tensor().layout().shape());
        let mut others = shapes.clone().zip(shapes.skip(1));
        assert!(others.all(|(a, b)| a == b), "loss: the shapes differ");
        let y = self
            .forward(kernels, &inputs)
            .into_tensor([self.samples.unwrap_or(1)]);
        let wanted: Vec<bool> = inputs.iter().map(Input::tracked).collect();
        record(y, inputs, move |saved| {
            Box::new(move |dy| {
                let a = values(&saved[0]);
                let b = saved.last().map_or(a, values);
                let gradient = |sign| {
                    self.backward(kernels, a, b, values(&dy), sign)
                        .into_tensor(saved[0].layout().shape().clone())
                };
                let signs = [1.0, -1.0].into_iter().zip(wanted);
                signs
                    .map(|(sign, wanted)| wanted.then(|| gradient(sign)))
                    .collect()
            })
        })
    }

    fn forward(self, kernels: &Kernels, inputs: &[Input]) -> Buffer {
        let Self {
            term,
            samples,
            each,
            factor,
        } = self;
        let a = inputs[0].values();
        let b = inputs.last().map_or(a, Input::values);
        // One sum for each group, or for each chunk of the only group.
        let (sums, span) = match samples {
            None => (a.len().div_ceil(CHUNK), CHUNK),
            Some(samples) => (samples, each),
        };
        let mut partial = Buffer::zeroed(sums);
        let out = Out::new(&mut partial);
        parallel_if(a.len(), sums, |i| {
            let (first, end) = (i * span, ((i + 1) * span).min(a.len()));
            let sum = term.sum(kernels, &a[first..end], &b[first..end]);
            // SAFETY: element `i` belongs to this task.
            unsafe { out.at(i).write(sum) };
        });
        if samples.is_none() {
            let sum = partial.iter().map(|&sum| f64::from(sum)).sum::<f64>();
            let mut y = Buffer::new(1);
            y[0] = (sum * f64::from(factor)) as f32;
            return y;
        }
        partial.iter_mut().for_each(|sum| *sum *= factor);
        partial
    }

    fn backward(self, kernels: &Kernels, a: &[f32], b: &[f32], dy: &[f32], sign: f32) -> Buffer {
        let Self {
            term,
            samples,
            each,
            factor,
        } = self;
        let mut da = Buffer::new(a.len());
        let span = samples.map_or(CHUNK, |_| each.max(1));
        let out = Out::new(&mut da);
        parallel_if(a.len(), a.len().div_ceil(span), |i| {
            let (first, end) = (i * span, ((i + 1) * span).min(a.len()));
            let scale = sign * factor * dy[samples.map_or(0, |_| i)];
            // SAFETY: these elements belong to this task.
            let part = unsafe { out.slice(first, end - first) };
            term.gradient(kernels, &a[first..end], &b[first..end], scale, part);
        });
        da
    }
}
