//! Fully connected layers: weights, and the fused operation that uses them.

use unlike_core::Result;
use unlike_kernels::{Activation, Dense, Source, linear, swap_last, through_slope};

use super::{
    Network, Norm, Param, Pass, Visitor, join, norm::Ready, plan::Layer, spectral,
    spectral::Spectral, weights::Weights,
};
use crate::backend::Tensor;

/// y = dropout(act(norm(x·W + b))).
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weight: Param<2>,
    bias: Option<Param<1>>,
    spectral: Option<Spectral>,
    norm: Option<Norm>,
    activation: Activation,
    dropout: f32,
    number: u64,
    ready: Ready<(Tensor<2>, Option<Tensor<1>>)>,
}

impl Linear {
    /// From `inputs` to `outputs` numbers.
    pub(super) fn build(
        path: &str,
        [inputs, outputs]: [usize; 2],
        layer: &Layer,
        number: u64,
        weights: &mut Weights<'_>,
    ) -> Result<Self> {
        let shape = [inputs, outputs];
        let weight = weights.weight(&join(path, "weight"), shape, shape)?;
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
            activation: layer.activation,
            dropout: layer.dropout,
            number,
            ready: Ready::new(),
        })
    }

    /// Divides the weight by its largest singular value ([`Spectral`]).
    pub(super) fn build_spectral(&mut self, path: &str, weights: &mut Weights<'_>) -> Result<()> {
        let weight = self.weight.get(Pass::Score);
        self.spectral = Some(weights.spectral(&join(path, "spectral"), weight)?);
        Ok(())
    }

    /// x [N, inputs] → [N, outputs] of a layer whose norm is an operation of its own.
    pub(super) fn forward_normed(&self, x: Tensor<2>, norm: &Norm, pass: Pass) -> Tensor<2> {
        let (w, b) = self.affine(pass);
        let y = linear(x, w, b, Activation::Identity, None); // [N, outputs]
        let dropout = pass.dropout(self.dropout, self.number);
        norm.train(y, self.activation, dropout, pass)
    }

    /// The norm, where it needs the whole batch and is an operation of its own.
    pub(super) fn norm_apart(&self, pass: Pass) -> Option<&Norm> {
        match pass {
            Pass::Score => None,
            Pass::Train { .. } | Pass::Frozen { .. } => self.norm.as_ref(),
        }
    }

    /// The layer as a part of a larger operation; it has no [norm apart](Self::norm_apart).
    pub(super) fn block(&self, pass: Pass, from: Vec<Source>) -> Dense {
        let (w, b) = match pass {
            Pass::Score => self.ready.get(|| self.for_scoring()),
            Pass::Train { .. } | Pass::Frozen { .. } => self.affine(pass),
        };
        Dense {
            w,
            b,
            act: self.activation,
            dropout: pass.dropout(self.dropout, self.number),
            from,
        }
    }

    /// The gradient of what follows, from this layer's outputs y back to its inputs: `gradient` and y
    /// [N, outputs] → [N, inputs]. The layer drops nothing and has no norm.
    pub(super) fn backward(&self, gradient: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
        let (w, _) = self.affine(Pass::Train { dropout: 0 });
        let gradient = slope(self.activation, gradient, y); // [N, outputs]
        linear(gradient, swap_last(w), None, Activation::Identity, None) // [N, inputs]
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

/// `gradient` times the slope of a piecewise linear activation where it gave y, both [N, ..].
///
/// # Panics
/// If the activation is not piecewise linear.
pub(super) fn slope<const D: usize>(
    activation: Activation,
    gradient: Tensor<D>,
    y: Tensor<D>,
) -> Tensor<D> {
    let below = match activation {
        Activation::Identity => return gradient,
        Activation::Relu => 0.0,
        Activation::LeakyRelu(below) => below,
        other => panic!("{other:?} has no slope that is constant in pieces"),
    };
    // An activation keeps the sign of what goes in.
    through_slope(gradient, y, below)
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
