//! Fully connected layers: weights and the fused operation that uses them.

use rand_chacha::ChaCha8Rng;
use unlike_kernels::{Activation, Dense, Source, dense, linear};

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
    ready: Ready<(Tensor<2>, Option<Tensor<1>>)>,
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
        let Some(norm) = self.norm_apart(pass) else {
            let block = self.block(pass, layer, vec![Source::Input(0)]);
            return dense(vec![x], vec![block]);
        };
        let (w, b) = self.affine(pass);
        let y = linear(x, w, b, Activation::Identity, None); // [N, outputs]
        let dropout = pass.dropout(self.dropout, layer);
        norm.train(y, self.activation, dropout, pass)
    }

    /// The norm, where it needs the whole batch and is an operation of its own.
    fn norm_apart(&self, pass: Pass) -> Option<&Norm> {
        match pass {
            Pass::Score => None,
            Pass::Train { .. } | Pass::Frozen { .. } => self.norm.as_ref(),
        }
    }

    /// The layer as a part of a larger operation; it has no [norm apart](Self::norm_apart).
    fn block(&self, pass: Pass, layer: u64, from: Vec<Source>) -> Dense {
        assert!(self.norm_apart(pass).is_none(), "a norm would be left out");
        let (w, b) = match pass {
            Pass::Score => self.ready.get(|| self.for_scoring()),
            Pass::Train { .. } | Pass::Frozen { .. } => self.affine(pass),
        };
        Dense {
            w,
            b,
            act: self.activation,
            dropout: pass.dropout(self.dropout, layer),
            from,
        }
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
        let both = vec![Source::Input(0), Source::Input(1)];
        dense(vec![x1, x2], vec![self.0.block(pass, layer, both)])
    }

    /// A branch for each input, this layer over what they give, and `rest` after it: one operation,
    /// because no layer has a norm. x1, x2 [N, ..] → [N, last of rest]. The numbers are those of the
    /// first dropping layers of the branches, of this layer and of `rest`.
    pub fn forward_between(
        &self,
        branches: [(&Mlp, Tensor<2>); 2],
        rest: &Mlp,
        pass: Pass,
        layers: [u64; 4],
    ) -> Tensor<2> {
        let [x1, x2, here, after] = layers;
        let [(mlp1, input1), (mlp2, input2)] = branches;
        let mut blocks = Vec::new();
        let first = mlp1.blocks(Source::Input(0), pass, x1, &mut blocks);
        let second = mlp2.blocks(Source::Input(1), pass, x2, &mut blocks);
        blocks.push(self.0.block(pass, here, vec![first, second]));
        let joint = Source::Layer(blocks.len() - 1);
        rest.blocks(joint, pass, after, &mut blocks);
        dense(vec![input1, input2], blocks)
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
        let apart = self.0.iter().any(|layer| layer.norm_apart(pass).is_some());
        if apart || self.0.is_empty() {
            for (layer, number) in self.0.iter().zip(first_layer..) {
                h = layer.forward(h, pass, number);
            }
            return h;
        }
        let mut blocks = Vec::new();
        self.blocks(Source::Input(0), pass, first_layer, &mut blocks);
        dense(vec![h], blocks)
    }

    /// Adds these layers, none of which has a norm apart, to those of one operation; gives where
    /// their output is.
    fn blocks(
        &self,
        mut from: Source,
        pass: Pass,
        first_layer: u64,
        all: &mut Vec<Dense>,
    ) -> Source {
        for (layer, number) in self.0.iter().zip(first_layer..) {
            all.push(layer.block(pass, number, vec![from]));
            from = Source::Layer(all.len() - 1);
        }
        from
    }
}

impl Network for Mlp {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        self.0.visit(path, visitor);
    }
}
