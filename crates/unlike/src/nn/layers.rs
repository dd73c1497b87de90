//! Layers: weights and the fused operation that uses them.

use rand_chacha::ChaCha8Rng;
use unlike_kernels::{Activation, linear, linear_joint};

use super::{Init, Network, Param, Pass, Visitor, join};
use crate::backend::{Device, Tensor};

/// y = dropout(act(x·W + b)).
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Param<2>,
    bias: Param<1>,
    activation: Activation,
    dropout: f32,
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
            bias: Param::new(vec![0.0; outputs], [outputs], device),
            activation,
            dropout: 0.0,
        }
    }

    /// Drops outputs with this probability while training.
    #[must_use]
    pub fn with_dropout(mut self, probability: f32) -> Self {
        self.dropout = probability;
        self
    }

    /// x [N, inputs] → [N, outputs]. `layer` tells the dropping layers of one pass apart.
    pub fn forward(&self, x: Tensor<2>, pass: Pass, layer: u64) -> Tensor<2> {
        let (w, b) = (self.weight.get(pass), self.bias.get(pass));
        linear(
            x,
            w,
            Some(b),
            self.activation,
            pass.dropout(self.dropout, layer),
        )
    }
}

impl Network for Linear {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        visitor.param(&join(path, "weight"), &mut self.weight);
        visitor.param(&join(path, "bias"), &mut self.bias);
    }
}

/// A [`Linear`] layer over two inputs side by side, without copying them together.
#[derive(Clone, Debug)]
pub struct LinearJoint(Linear);

impl LinearJoint {
    /// A layer over the concatenation of two inputs; `inner` has as many inputs as both together.
    pub fn new(inner: Linear) -> Self {
        Self(inner)
    }

    /// x1 [N, I1], x2 [N, I2] → [N, outputs].
    pub fn forward(&self, x1: Tensor<2>, x2: Tensor<2>, pass: Pass, layer: u64) -> Tensor<2> {
        let Linear {
            weight,
            bias,
            activation,
            dropout,
        } = &self.0;
        let (w, b) = (weight.get(pass), bias.get(pass));
        linear_joint(
            x1,
            x2,
            w,
            Some(b),
            *activation,
            pass.dropout(*dropout, layer),
        )
    }
}

impl Network for LinearJoint {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.0.visit(path, visitor);
    }
}
