//! Fully connected layers: weights and the fused operation that uses them.

use rand_chacha::ChaCha8Rng;
use unlike_kernels::{Activation, linear, linear_joint};

use super::{
    Init, Network, Norm, Param, Pass, Visitor, join, norm::Ready, spectral, spectral::Spectral,
};
use crate::backend::{Device, Tensor};

/// y = dropout(act(norm(x·W + b))).
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Param<2>,
    bias: Option<Param<1>>,
    spectral: Option<Spectral>,
    norm: Option<Norm>,
    activation: Activation,
    dropout: f32,
    ready: Ready<2>,
}

impl Linear {
    /// A layer from `inputs` to `outputs` numbers; the bias starts at 0.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        activation: Activation,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let weight = init.draw(rng, inputs * outputs, inputs, outputs);
        Self {
            weight: Param::new(weight, [inputs, outputs], device),
            bias: Some(Param::new(vec![0.0; outputs], [outputs], device)),
            spectral: None,
            norm: None,
            activation,
            dropout: 0.0,
            ready: Ready::new(),
        }
    }

    /// Divides the weight by its largest singular value ([`Spectral`]).
    #[must_use]
    pub fn with_spectral_norm(mut self, rng: &mut ChaCha8Rng) -> Self {
        self.spectral = Some(Spectral::new(self.weight.get(Pass::Score), rng));
        self
    }

    /// Normalises before the activation.
    #[must_use]
    pub fn with_norm(mut self, norm: Norm) -> Self {
        self.norm = Some(norm);
        self
    }

    /// Adds nothing after the product: for layers before a norm, which would take it away again.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// Drops outputs with this probability while training.
    #[must_use]
    pub fn with_dropout(mut self, probability: f32) -> Self {
        self.dropout = probability;
        self
    }

    /// x [N, inputs] → [N, outputs]. `layer` tells the dropping layers of one pass apart.
    pub fn forward(&self, x: Tensor<2>, pass: Pass, layer: u64) -> Tensor<2> {
        if pass == Pass::Score {
            let (w, b) = self.ready.get(|| self.for_scoring());
            return linear(x, w, b, self.activation, None);
        }
        let (w, b) = self.affine(pass);
        let dropout = pass.dropout(self.dropout, layer);
        let Some(norm) = &self.norm else {
            return linear(x, w, b, self.activation, dropout);
        };
        let y = linear(x, w, b, Activation::Identity, None); // [N, outputs]
        norm.train(y, self.activation, dropout, pass)
    }

    fn for_scoring(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        let (w, b) = self.weight_and_bias(Pass::Score);
        match &self.norm {
            Some(norm) => {
                let (w, b) = norm.fold(w, b);
                (w, Some(b))
            }
            None => (w, b),
        }
    }

    /// Weight and bias in a pass that trains, or measures training.
    fn affine(&self, pass: Pass) -> (Tensor<2>, Option<Tensor<1>>) {
        if self.norm.is_some() || self.spectral.is_some() {
            self.ready.forget();
        }
        self.weight_and_bias(pass)
    }

    fn weight_and_bias(&self, pass: Pass) -> (Tensor<2>, Option<Tensor<1>>) {
        let (spectral, bias) = (self.spectral.as_ref(), self.bias.as_ref());
        spectral::weight_and_bias(&self.weight, spectral, bias, pass)
    }
}

impl Network for Linear {
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

/// A [`Linear`] layer over two inputs side by side, without copying them together.
#[derive(Clone, Debug)]
pub struct LinearJoint(Linear);

impl LinearJoint {
    /// A layer over the concatenation of two inputs; `inner` has as many inputs as both together,
    /// and no norm.
    pub fn new(inner: Linear) -> Self {
        Self(inner)
    }

    /// x1 [N, I1], x2 [N, I2] → [N, outputs].
    pub fn forward(&self, x1: Tensor<2>, x2: Tensor<2>, pass: Pass, layer: u64) -> Tensor<2> {
        let inner = &self.0;
        let (w, b) = match pass {
            Pass::Score => inner.ready.get(|| inner.for_scoring()),
            Pass::Train { .. } | Pass::Frozen { .. } => inner.affine(pass),
        };
        let dropout = pass.dropout(inner.dropout, layer);
        linear_joint(x1, x2, w, b, inner.activation, dropout)
    }
}

impl Network for LinearJoint {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.0.visit(path, visitor);
    }
}

/// Fully connected layers one after the other.
#[derive(Clone, Debug)]
pub struct Mlp(pub Vec<Linear>);

impl Mlp {
    /// Layers between widths, the first of which is the input's; `activations` are those of the
    /// hidden layers and of the last.
    pub fn new(
        widths: &[usize],
        [hidden, last]: [Activation; 2],
        dropout: f32,
        init: Init,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let count = widths.len() - 1;
        let layer = |(i, w): (usize, &[usize])| {
            let activation = if i + 1 == count { last } else { hidden };
            Linear::new([w[0], w[1]], activation, init, rng, device).with_dropout(dropout)
        };
        Self(widths.windows(2).enumerate().map(layer).collect())
    }

    /// Divides every weight by its largest singular value ([`Spectral`]).
    #[must_use]
    pub fn with_spectral_norm(self, rng: &mut ChaCha8Rng) -> Self {
        let layers = self.0.into_iter();
        Self(layers.map(|layer| layer.with_spectral_norm(rng)).collect())
    }

    /// h [N, first] → [N, last]. `first_layer` numbers the dropping layers of a pass.
    pub fn forward(&self, mut h: Tensor<2>, pass: Pass, first_layer: u64) -> Tensor<2> {
        for (layer, number) in self.0.iter().zip(first_layer..) {
            h = layer.forward(h, pass, number);
        }
        h
    }
}

impl Network for Mlp {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.0.visit(path, visitor);
    }
}
