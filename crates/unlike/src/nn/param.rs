//! Parameters, and the one way to walk over those of a network.

use unlike_core::Arrays;
use unlike_kernels::zeros;

use crate::backend::{Device, Tensor, tensor, values};

/// A trainable tensor: a leaf of the gradient graph.
#[derive(Clone, Debug)]
pub struct Param<const D: usize> {
    leaf: Tensor<D>,
}

impl<const D: usize> Param<D> {
    /// A parameter with these values.
    pub fn new(values: Vec<f32>, shape: [usize; D], device: &Device) -> Self {
        Self::from_tensor(tensor(values, shape, device))
    }

    /// A parameter that starts at this tensor, which is outside autodiff.
    pub(crate) fn from_tensor(value: Tensor<D>) -> Self {
        Self {
            leaf: value.autodiff().require_grad(),
        }
    }

    /// The tensor to compute with in this pass.
    pub fn get(&self, pass: Pass) -> Tensor<D> {
        match pass {
            Pass::Train { .. } => self.leaf.clone(),
            Pass::Frozen { .. } | Pass::Score => self.leaf.clone().inner(),
        }
    }

    /// The leaf that gradients belong to.
    pub(crate) fn leaf(&self) -> &Tensor<D> {
        &self.leaf
    }

    /// Replaces the value by a function of it. The old value is released first, so that the
    /// function may reuse its memory.
    pub(crate) fn update(&mut self, f: impl FnOnce(Tensor<D>) -> Tensor<D>) {
        let value = f(self.take());
        self.put(value);
    }

    /// Moves the value out, until [`put`](Self::put) brings one in.
    pub(crate) fn take(&mut self) -> Tensor<D> {
        // A tensor has no empty state; an element of its own device stands in for a moment.
        let stand_in = zeros([1; D], &self.leaf);
        std::mem::replace(&mut self.leaf, stand_in).inner()
    }

    /// Sets the value, which is outside autodiff.
    pub(crate) fn put(&mut self, value: Tensor<D>) {
        *self = Self::from_tensor(value);
    }
}

/// How a network is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// Training: gradients reach the weights, dropout is on.
    Train {
        /// Seed of the dropout masks of this pass.
        dropout: u64,
    },
    /// A fixed ruler within a training step: as in training (dropout, statistics of the batch), but the
    /// weights get no gradient, and running statistics stay. What goes in gets its gradient.
    Frozen {
        /// Seed of the dropout masks of this pass.
        dropout: u64,
    },
    /// Scoring: running statistics, no dropout; the weights get no gradient, what goes in does.
    Score,
}

impl Pass {
    /// Dropout for the `layer`-th dropping layer of this pass.
    pub(crate) fn dropout(self, probability: f32, number: u64) -> Option<unlike_kernels::Dropout> {
        match self {
            Self::Train { dropout } | Self::Frozen { dropout } if probability > 0.0 => {
                Some(unlike_kernels::Dropout {
                    probability,
                    seed: dropout.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                })
            }
            _ => None,
        }
    }
}

/// Something that is done to every parameter of a network.
pub trait Visitor {
    /// Called once per parameter, always in the same order. `name` is the path of the fields.
    fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>);

    /// Called once per tensor that is learned without gradients: running statistics.
    fn buffer(&mut self, _name: &str, _buffer: &mut Tensor<1>) {}
}

/// A network, or a part of one: a fixed list of named parameters.
pub trait Network: Clone {
    /// Visits every parameter in a fixed order, its name prefixed by `path`.
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor);
}

/// `path.name`, or `name` at the top. Not by `format!`, which small networks feel: several visits a
/// step join the names of every parameter.
pub(crate) fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => [path, ".", name].concat(),
    }
}

/// All parameters and running statistics by name; `path` is put before each.
pub fn network_arrays(network: &impl Network, path: &str, arrays: &mut Arrays) {
    struct Save<'a>(&'a mut Arrays);
    impl Visitor for Save<'_> {
        fn param<const D: usize>(&mut self, name: &str, param: &mut Param<D>) {
            let value = param.get(Pass::Score);
            self.0.insert(name, &value.dims(), values(value));
        }

        fn buffer(&mut self, name: &str, buffer: &mut Tensor<1>) {
            self.0.insert(name, &buffer.dims(), values(buffer.clone()));
        }
    }
    network.clone().visit(path, &mut Save(arrays));
}
