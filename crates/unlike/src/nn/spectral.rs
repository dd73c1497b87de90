//! Spectral normalisation: weights divided by their largest singular value.

use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use unlike_kernels::{Activation, linear, over, reshaped, unit};

use super::{Network, Param, Pass, Visitor, join, norm::lock};
use crate::{
    backend::{Tensor, tensor},
    rng::normals,
};

/// Power iterations on first weights, PyTorch's number.
const FIRST: usize = 15;

/// Spectral normalisation of a weight (Miyato, Kataoka, Koyama, Yoshida, *Spectral Normalization for
/// Generative Adversarial Networks*, ICLR 2018, arXiv 1802.05957): W / σ(W), so that the layer
/// stretches no difference of two inputs.
///
/// σ(W), the largest singular value, is v·W·u. The singular vectors u and v come from power iteration,
/// one step per training pass (algorithm 1), which suffices because weights move slowly. Gradients
/// flow through W in σ(W), not through u and v. A weight of a convolution is taken as the matrix of
/// its windows: [K·K·inputs, outputs].
///
/// The same numbers as PyTorch's `torch.nn.utils.parametrizations.spectral_norm`, but for the names:
/// PyTorch keeps weights transposed.
#[derive(Debug)]
pub struct Spectral {
    /// Behind a lock because a forward pass, which only borrows its network, moves them.
    vectors: Mutex<Vectors>,
}

/// Estimates of the singular vectors that belong to the largest singular value, each of length 1.
#[derive(Clone, Debug)]
struct Vectors {
    /// [outputs]
    u: Tensor<1>,
    /// [inputs], those of a whole window
    v: Tensor<1>,
}

impl Spectral {
    /// With these singular vectors, [outputs] and [inputs].
    pub(super) fn of(u: Tensor<1>, v: Tensor<1>) -> Self {
        Self {
            vectors: Mutex::new(Vectors { u, v }),
        }
    }

    /// For a weight [.., outputs] that is outside autodiff.
    pub(super) fn drawn<const D: usize>(weight: Tensor<D>, rng: &mut ChaCha8Rng) -> Self {
        let w = matrix(weight); // [inputs, outputs]
        let outputs = w.dims()[1];
        let u = unit(tensor(normals(rng, outputs), [outputs], &w.device()));
        let v = across(&w, u.clone());
        let vectors = (0..FIRST).fold(Vectors { u, v }, |vectors, _| vectors.step(&w));
        Self {
            vectors: Mutex::new(vectors),
        }
    }

    /// W / σ(W) for a weight [.., outputs]. Training passes move u and v first.
    fn normalise<const D: usize>(&self, weight: Tensor<D>, pass: Pass) -> Tensor<D> {
        let shape = weight.dims();
        let w = matrix(weight); // [inputs, outputs]
        let Vectors { u, v } = {
            let mut vectors = lock(&self.vectors);
            match pass {
                Pass::Train { .. } => {
                    *vectors = vectors.clone().step(&w.clone().inner());
                    vectors.clone()
                }
                Pass::Frozen { .. } => vectors.clone(),
                // An average of vectors of length 1 is shorter than 1.
                Pass::Score => vectors.clone().units(),
            }
        };
        let projected = product(v.unsqueeze(), w.clone()); // [1, outputs]
        let sigma = product(projected, u.unsqueeze_dim(1)); // [1, 1]
        reshaped(over(w, sigma), shape)
    }
}

/// Weight and bias of a layer in a pass, the weight normalised where that is asked for.
pub(super) fn weight_and_bias<const D: usize>(
    weight: &Param<D>,
    spectral: Option<&Spectral>,
    bias: Option<&Param<1>>,
    pass: Pass,
) -> (Tensor<D>, Option<Tensor<1>>) {
    let w = weight.get(pass);
    let w = match spectral {
        Some(spectral) => spectral.normalise(w, pass),
        None => w,
    };
    (w, bias.map(|b| b.get(pass)))
}

impl Vectors {
    /// One power iteration on w [inputs, outputs].
    fn step(self, w: &Tensor<2>) -> Self {
        let projected = product(self.v.unsqueeze(), w.clone()); // [1, outputs]
        let u = unit(projected.squeeze_dim(0)); // [outputs]
        let v = across(w, u.clone()); // [inputs]
        Self { u, v }
    }

    fn units(self) -> Self {
        Self {
            u: unit(self.u),
            v: unit(self.v),
        }
    }
}

/// The direction of w·u: w [inputs, outputs], u [outputs] → [inputs].
fn across(w: &Tensor<2>, u: Tensor<1>) -> Tensor<1> {
    unit(product(w.clone(), u.unsqueeze_dim(1)).squeeze_dim(1))
}

/// a [M, K], b [K, N] → [M, N], the same on any number of threads.
fn product(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    linear(a, b, None, Activation::Identity, None)
}

/// [.., outputs] → [all others, outputs].
fn matrix<const D: usize>(weight: Tensor<D>) -> Tensor<2> {
    let dims = weight.dims();
    let inputs = dims[..D - 1].iter().product::<usize>();
    reshaped(weight, [inputs, dims[D - 1]])
}

impl Clone for Spectral {
    fn clone(&self) -> Self {
        Self {
            vectors: Mutex::new(lock(&self.vectors).clone()),
        }
    }
}

impl Network for Spectral {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        let vectors = self
            .vectors
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        visitor.buffer(&join(path, "u"), &mut vectors.u);
        visitor.buffer(&join(path, "v"), &mut vectors.v);
    }
}
