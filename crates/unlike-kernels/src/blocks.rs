//! What blocks are computed from: the same for the own kernels and for compositions of Burn's
//! operations.

use burn_tensor::Tensor;

use crate::activation::Activation;
use crate::dropout::Dropout;

/// Keeps a length of 0 from dividing, PyTorch's default for spectral normalisation.
pub(crate) const SPECTRAL_EPSILON: f32 = 1e-12;

/// Kept under the root of a squared length, whose slope at 0 is infinite.
pub(crate) const SLOPE_EPSILON: f32 = 1e-12;

/// Where an input of a [`Dense`] layer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An input of the network.
    Input(usize),
    /// The output of an earlier layer.
    Layer(usize),
}

/// One fully connected block of [`dense`](crate::dense).
#[derive(Debug, Clone)]
pub struct Dense {
    /// `[sum of the widths of its inputs, O]`
    pub w: Tensor<2>,
    /// `[O]`
    pub b: Option<Tensor<1>>,
    /// Applied to the affine part.
    pub act: Activation,
    /// Applied last.
    pub dropout: Option<Dropout>,
    /// Its inputs, concatenated in this order.
    pub from: Vec<Source>,
}

/// What a convolution is computed from.
#[derive(Debug, Clone)]
pub struct ConvInputs {
    /// `[N, H, W, Ci]`
    pub x: Tensor<4>,
    /// `[K, K, Ci, Co]`
    pub w: Tensor<4>,
    /// `[Co]`
    pub b: Option<Tensor<1>>,
}

/// What batch normalisation is computed from.
#[derive(Debug, Clone)]
pub struct NormInputs<const D: usize> {
    /// `[..., C]`
    pub x: Tensor<D>,
    /// `[C]`
    pub gamma: Tensor<1>,
    /// `[C]`
    pub beta: Tensor<1>,
}

/// What [`batch_norm_train`](crate::batch_norm_train) returns.
#[derive(Debug, Clone)]
pub struct BatchNormTrain<const D: usize> {
    /// The normalised, activated output, of the input's shape.
    pub y: Tensor<D>,
    /// Mean of the batch `[C]`, outside the graph of gradients.
    pub mean: Tensor<1>,
    /// Biased variance of the batch `[C]`, outside the graph of gradients. Running statistics in
    /// PyTorch's manner take it times `M / (M - 1)`, with `M` the elements of a channel.
    pub variance: Tensor<1>,
}

/// How a loss per sample combines that sample's own elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Mean over the sample's elements.
    Mean,
    /// Sum over the sample's elements.
    Sum,
}

/// The numbers of one Adam update (Kingma and Ba 2015, arXiv 1412.6980), as PyTorch defines them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Step size.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the corrected second moment.
    pub epsilon: f32,
    /// L2 penalty, added to the gradient (PyTorch's `Adam`, not `AdamW`); 0 for none.
    pub weight_decay: f32,
    /// Which update this is, counted from 1, for the bias correction.
    pub step: u64,
}

impl AdamStep {
    /// `learning_rate / (1 - beta1^t)` and `1 / sqrt(1 - beta2^t)`.
    pub(crate) fn corrections(&self) -> (f32, f32) {
        let t = self.step as f64;
        let first = 1.0 - f64::from(self.beta1).powf(t);
        let second = 1.0 - f64::from(self.beta2).powf(t);
        (
            (f64::from(self.learning_rate) / first) as f32,
            (1.0 / second.sqrt()) as f32,
        )
    }
}
