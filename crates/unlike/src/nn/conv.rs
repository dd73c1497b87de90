//! Convolutions and transposed convolutions with what usually follows them.

use rand_chacha::ChaCha8Rng;
use unlike_kernels::{
    Activation, ConvInputs, FrozenWeight, conv_transpose2d, conv2d, conv2d_twice,
};

use super::{
    Init, Network, Norm, Param, Pass, Visitor, join, norm::Ready, spectral, spectral::Spectral,
};
use crate::backend::{Device, Tensor};

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
}

/// y = dropout(act(norm(conv(x) + b))), the transposed convolution if it goes up.
#[derive(Clone, Debug)]
pub struct Conv {
    weight: Param<4>,
    bias: Option<Param<1>>,
    spectral: Option<Spectral>,
    norm: Option<Norm>,
    window: Window,
    up: bool,
    activation: Activation,
    dropout: f32,
    ready: Ready<(FrozenWeight, Option<Tensor<1>>)>,
}

impl Conv {
    /// A convolution from `inputs` to `outputs` channels, without bias or norm.
    pub fn down(
        [inputs, outputs]: [usize; 2],
        window: Window,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let Window { size, .. } = window;
        let area = size * size;
        let weight = init.draw(rng, area * inputs * outputs, area * inputs, area * outputs);
        Self {
            weight: Param::new(weight, [size, size, inputs, outputs], device),
            bias: None,
            spectral: None,
            norm: None,
            window,
            up: false,
            activation: Activation::Identity,
            dropout: 0.0,
            ready: Ready::new(),
        }
    }

    /// A transposed convolution from `inputs` to `outputs` channels, without bias or norm.
    pub fn up(
        channels: [usize; 2],
        window: Window,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        Self {
            up: true,
            ..Self::down(channels, window, init, rng, device)
        }
    }

    /// Adds a bias that starts at 0.
    #[must_use]
    pub fn with_bias(mut self) -> Self {
        let [_, _, _, outputs] = self.weight.get(Pass::Score).dims();
        let device = self.weight.get(Pass::Score).device();
        self.bias = Some(Param::new(vec![0.0; outputs], [outputs], &device));
        self
    }

    /// Divides the weight, as the matrix of its windows, by its largest singular value
    /// ([`Spectral`]).
    #[must_use]
    pub fn with_spectral_norm(mut self, rng: &mut ChaCha8Rng) -> Self {
        self.spectral = Some(Spectral::new(self.weight.get(Pass::Score), rng));
        self
    }

    /// Normalises what the convolution gives.
    #[must_use]
    pub fn with_norm(mut self, norm: Norm) -> Self {
        self.norm = Some(norm);
        self
    }

    /// What comes after convolution and norm.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Drops outputs with this probability while training.
    #[must_use]
    pub fn with_dropout(mut self, probability: f32) -> Self {
        self.dropout = probability;
        self
    }

    /// x [N, H, W, inputs] → [N, H', W', outputs]. `layer` tells the dropping layers of one pass
    /// apart.
    pub fn forward(&self, x: Tensor<4>, pass: Pass, layer: u64) -> Tensor<4> {
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
        let dropout = pass.dropout(self.dropout, layer);
        let Some(norm) = &self.norm else {
            return self.convolve(x, w, b, self.activation, dropout);
        };
        let y = self.convolve(x, w, b, Activation::Identity, None); // [N, H', W', outputs]
        norm.train(y, self.activation, dropout, pass)
    }

    /// A convolution that does not go up, of the same x [N, H, W, inputs] in two roles, for two
    /// losses: gradients of the first result go on to what made x, those of the second to the weights.
    /// The values, [N, H', W', outputs], are computed once, as one training pass.
    pub fn forward_twice(
        &self,
        [frozen, trained]: [Tensor<4>; 2],
        dropout: u64,
        layer: u64,
    ) -> [Tensor<4>; 2] {
        assert!(!self.up, "a transposed convolution has one role at a time");
        let pass = Pass::Train { dropout };
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
        let dropout = pass.dropout(self.dropout, layer);
        let Some(norm) = &self.norm else {
            return conv2d_twice(inputs, stride, padding, self.activation, dropout);
        };
        let y = conv2d_twice(inputs, stride, padding, Activation::Identity, None);
        norm.train_twice(y, self.activation, dropout)
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
