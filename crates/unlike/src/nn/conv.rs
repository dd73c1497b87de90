//! Convolutions and transposed convolutions with what usually follows them.

use unlike_core::Result;
use unlike_kernels::{
    Activation, ConvInputs, FrozenWeight, conv_transpose2d, conv2d, conv2d_twice, swap_last,
};

use super::{
    Network, Norm, Param, Pass, Visitor, dense::slope, join, norm::Ready, plan::Layer, spectral,
    spectral::Spectral, weights::Weights,
};
use crate::backend::Tensor;

/// The window of a convolution, square and padded by zeros on all four sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Pixels along a side.
    pub size: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
}

impl Window {
    /// Shorthand for the three numbers in their order.
    pub const fn new(size: usize, stride: usize, padding: usize) -> Self {
        Self {
            size,
            stride,
            padding,
        }
    }

    /// The side of what comes out where a side of this many pixels goes in.
    pub(super) fn applied(self, side: usize, up: bool) -> Option<usize> {
        let Self {
            size,
            stride,
            padding,
        } = self;
        match up {
            true => ((side.checked_sub(1)?) * stride + size).checked_sub(2 * padding),
            false => Some((side + 2 * padding).checked_sub(size)? / stride + 1),
        }
    }
}

/// y = dropout(act(norm(conv(x) + b))), the transposed convolution if it goes up.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    weight: Param<4>,
    bias: Option<Param<1>>,
    spectral: Option<Spectral>,
    norm: Option<Norm>,
    window: Window,
    up: bool,
    activation: Activation,
    dropout: f32,
    number: u64,
    ready: Ready<(FrozenWeight, Option<Tensor<1>>)>,
}

impl Conv {
    /// From `inputs` to `outputs` channels.
    pub(super) fn build(
        path: &str,
        [inputs, outputs]: [usize; 2],
        (window, up): (Window, bool),
        layer: &Layer,
        number: u64,
        weights: &mut Weights<'_>,
    ) -> Result<Self> {
        let Window { size, .. } = window;
        let (shape, area) = ([size, size, inputs, outputs], size * size);
        let fans = [area * inputs, area * outputs];
        let weight = weights.weight(&join(path, "weight"), shape, fans)?;
        let bias = match layer.bias {
            true => Some(weights.vector(&join(path, "bias"), outputs, 0.0)?),
            false => None,
        };
        let norm = match layer.norm {
            Some(spread) => Some(Norm::build(&join(path, "norm"), outputs, spread, weights)?),
            None => None,
        };
        Ok(Self {
            weight,
            bias,
            spectral: None,
            norm,
            window,
            up,
            activation: layer.activation,
            dropout: layer.dropout,
            number,
            ready: Ready::new(),
        })
    }

    /// Divides the weight, as the matrix of its windows, by its largest singular value
    /// ([`Spectral`]).
    pub(super) fn build_spectral(&mut self, path: &str, weights: &mut Weights<'_>) -> Result<()> {
        let weight = self.weight.get(Pass::Score);
        self.spectral = Some(weights.spectral(&join(path, "spectral"), weight)?);
        Ok(())
    }

    /// x [N, H, W, inputs] → [N, H', W', outputs].
    pub(super) fn forward(&self, x: Tensor<4>, pass: Pass) -> Tensor<4> {
        if pass == Pass::Score {
            let (w, b) = self.ready.get(|| self.for_scoring());
            let Window {
                stride, padding, ..
            } = self.window;
            return match self.up {
                true => w.conv_transpose2d(x, b, stride, padding, self.activation),
                false => w.conv2d(x, b, stride, padding, self.activation),
            };
        }
        if self.norm.is_some() || self.spectral.is_some() {
            self.ready.forget();
        }
        let (w, b) = self.weight_and_bias(pass);
        let dropout = pass.dropout(self.dropout, self.number);
        let Some(norm) = &self.norm else {
            return self.convolve(x, w, b, self.activation, dropout);
        };
        let y = self.convolve(x, w, b, Activation::Identity, None); // [N, H', W', outputs]
        norm.train(y, self.activation, dropout, pass)
    }

    /// A convolution that does not go up, of the same x [N, H, W, inputs] in two roles, for two
    /// losses: gradients of the first result go on to what made x, those of the second to the weights.
    /// The values, [N, H', W', outputs], are computed once, as one training pass.
    pub(super) fn forward_twice(&self, [frozen, trained]: [Tensor<4>; 2]) -> [Tensor<4>; 2] {
        assert!(!self.up, "a transposed convolution has one role at a time");
        let pass = Pass::Train { dropout: 0 };
        self.ready.forget();
        let (w, b) = self.weight_and_bias(pass);
        let inputs = [
            ConvInputs {
                x: frozen,
                w: w.clone().inner(),
                b: b.clone().map(Tensor::inner),
            },
            ConvInputs { x: trained, w, b },
        ];
        let Window {
            stride, padding, ..
        } = self.window;
        let dropout = pass.dropout(self.dropout, self.number);
        let Some(norm) = &self.norm else {
            return conv2d_twice(inputs, stride, padding, self.activation, dropout);
        };
        let y = conv2d_twice(inputs, stride, padding, Activation::Identity, None);
        norm.train_twice(y, self.activation, dropout)
    }

    /// The gradient of what follows, from this layer's outputs y back to its inputs: `gradient` and y
    /// [N, H', W', outputs] → [N, H, W, inputs]. The layer drops nothing and has no norm.
    pub(super) fn backward(&self, gradient: Tensor<4>, y: Tensor<4>, height: usize) -> Tensor<4> {
        let (w, _) = self.weight_and_bias(Pass::Train { dropout: 0 });
        let w = swap_last(w); // [K, K, outputs, inputs]
        let Window {
            size,
            stride,
            padding,
        } = self.window;
        let gradient = slope(self.activation, gradient, y); // [N, H', W', outputs]
        let act = Activation::Identity;
        if self.up {
            return conv2d(gradient, w, None, stride, padding, act, None);
        }
        // What windows of this stride leave over at the far side.
        let reached = (gradient.dims()[1] - 1) * stride + size - 2 * padding;
        let over = height - reached;
        conv_transpose2d(gradient, w, None, stride, padding, over, act, None)
    }

    fn convolve(
        &self,
        x: Tensor<4>,
        w: Tensor<4>,
        b: Option<Tensor<1>>,
        activation: Activation,
        dropout: Option<unlike_kernels::Dropout>,
    ) -> Tensor<4> {
        let Window {
            stride, padding, ..
        } = self.window;
        match self.up {
            true => conv_transpose2d(x, w, b, stride, padding, 0, activation, dropout),
            false => conv2d(x, w, b, stride, padding, activation, dropout),
        }
    }

    fn for_scoring(&self) -> (FrozenWeight, Option<Tensor<1>>) {
        let (w, b) = self.weight_and_bias(Pass::Score);
        let (w, b) = match &self.norm {
            Some(norm) => {
                let (w, b) = norm.fold(w, b);
                (w, Some(b))
            }
            None => (w, b),
        };
        (FrozenWeight::new(w), b)
    }

    fn weight_and_bias(&self, pass: Pass) -> (Tensor<4>, Option<Tensor<1>>) {
        let (spectral, bias) = (self.spectral.as_ref(), self.bias.as_ref());
        spectral::weight_and_bias(&self.weight, spectral, bias, pass)
    }
}

impl Network for Conv {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.ready.forget();
        visitor.param(&join(path, "weight"), &mut self.weight);
        if let Some(bias) = &mut self.bias {
            visitor.param(&join(path, "bias"), bias);
        }
        if let Some(spectral) = &mut self.spectral {
            spectral.visit(&join(path, "spectral"), visitor);
        }
        if let Some(norm) = &mut self.norm {
            norm.visit(&join(path, "norm"), visitor);
        }
    }
}
