//! The way between Burn's tensors and the kernels: inputs come in as contiguous `f32` storage, and
//! an output with tracked inputs is recorded in the graph of gradients as one node.

use std::fmt;

use burn_dispatch::backends::autodiff::checkpoint::base::Checkpointer;
use burn_dispatch::backends::autodiff::checkpoint::strategy::NoCheckpointing;
use burn_dispatch::backends::autodiff::grads::Gradients;
use burn_dispatch::backends::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn_dispatch::{
    BackendTensor, DispatchAutodiffContext, DispatchDevice, DispatchTensor, DispatchTensorKind,
};
use burn_flex::{Flex, FlexTensor};
use burn_tensor::{DType, Tensor};

use super::accumulate::{self, Tracked};
use super::buffer::Buffer;
use super::memory::{contiguous_or_copied, shaped, values};

/// Whether the kernels can take a tensor: on the CPU, in single precision.
pub(crate) fn supported<const D: usize>(x: &Tensor<D>) -> bool {
    let device = x.device();
    let on_flex = match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(inner) => {
            matches!(inner.clone().inner(), DispatchDevice::Flex(_))
        }
        #[allow(
            unreachable_patterns,
            reason = "other backends depend on Burn's features"
        )]
        _ => false,
    };
    on_flex && x.dtype() == DType::F32
}

/// One input of a kernel.
pub(crate) struct Input {
    value: FlexTensor,
    node: Option<NodeGuard>,
    context: DispatchAutodiffContext,
}

impl Input {
    /// Takes a [`supported`] tensor.
    pub(crate) fn new<const D: usize>(x: Tensor<D>) -> Self {
        let tracked = x.is_tracked();
        let DispatchTensor {
            kind,
            autodiff: context,
        } = x.into_dispatch();
        let (value, node) = match kind {
            DispatchTensorKind::Flex(inner) => (inner.float(), None),
            DispatchTensorKind::Autodiff(inner) => match *inner {
                DispatchTensorKind::Flex(inner) => {
                    let (value, node) = inner.autodiff().into_parts();
                    (value, tracked.then_some(node))
                }
                _ => unreachable!("checked by `supported`"),
            },
            #[allow(
                unreachable_patterns,
                reason = "other backends depend on Burn's features"
            )]
            _ => unreachable!("checked by `supported`"),
        };
        let value = contiguous_or_copied(value);
        Self {
            value,
            node,
            context,
        }
    }

    pub(crate) fn values(&self) -> &[f32] {
        values(&self.value)
    }

    /// The storage, to be kept for the backward pass.
    pub(crate) fn tensor(&self) -> &FlexTensor {
        &self.value
    }

    pub(crate) fn into_tensor(self) -> FlexTensor {
        self.value
    }

    /// Whether a gradient is wanted.
    pub(crate) fn tracked(&self) -> bool {
        self.node.is_some()
    }
}

/// Wraps an output that no gradient flows through.
pub(crate) fn untracked<const D: usize>(y: FlexTensor, inputs: &[&Input]) -> Tensor<D> {
    wrap(context(inputs.iter().copied()), |wanted| match wanted {
        true => BackendTensor::Autodiff(Tracked::new(y)),
        false => BackendTensor::Float(y),
    })
}

/// Wraps a tensor outside autodiff.
pub(crate) fn wrap_plain<const D: usize>(y: FlexTensor) -> Tensor<D> {
    wrap(DispatchAutodiffContext::Disabled, |_| {
        BackendTensor::Float(y)
    })
}

/// Zeros outside autodiff.
pub(crate) fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let zeros = Buffer::zeroed(shape.iter().product());
    wrap_plain(zeros.into_tensor(shape))
}

/// A [`supported`] tensor in another shape. No number is moved.
pub(crate) fn reshape<const D: usize, const E: usize>(
    x: Tensor<D>,
    shape: impl FnOnce(&[usize]) -> [usize; E],
) -> Tensor<E> {
    let x = Input::new(x);
    let before = x.tensor().layout().shape().clone();
    let y = shaped(x.tensor(), shape(&before).into());
    record(y, vec![x], |_| {
        Box::new(move |dy| vec![Some(shaped(&dy, before))])
    })
}

fn context<'a>(inputs: impl IntoIterator<Item = &'a Input>) -> DispatchAutodiffContext {
    inputs
        .into_iter()
        .fold(DispatchAutodiffContext::Disabled, |all, input| {
            all.merge(input.context)
        })
}

fn wrap<const D: usize>(
    context: DispatchAutodiffContext,
    inner: impl FnOnce(bool) -> BackendTensor<Flex>,
) -> Tensor<D> {
    let wanted = context != DispatchAutodiffContext::Disabled;
    let kind = DispatchTensorKind::Flex(inner(wanted));
    let kind = match wanted {
        true => DispatchTensorKind::Autodiff(Box::new(kind)),
        false => kind,
    };
    Tensor::from_dispatch(DispatchTensor {
        kind,
        autodiff: context,
    })
}

/// Tracked inputs of one node at most.
pub(crate) const MOST_PARENTS: usize = 16;

/// What a node does in the backward pass: from the gradient of its output to those of its inputs,
/// in their order; `None` where [`Input::tracked`] is false.
pub(crate) type Gradient = Box<dyn FnOnce(FlexTensor) -> Vec<Option<FlexTensor>> + Send>;

struct Node {
    backward: Gradient,
    /// Which inputs of the function are parents.
    tracked: Vec<bool>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("tracked", &self.tracked)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> Backward<Flex, N> for Node {
    type State = ();

    fn backward(self, ops: Ops<(), N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<Flex>(&ops.node);
        let dy = contiguous_or_copied(dy);
        let gradients = (self.backward)(dy);
        debug_assert_eq!(gradients.len(), self.tracked.len());
        let wanted = gradients
            .into_iter()
            .zip(self.tracked)
            .filter(|(_, tracked)| *tracked);
        let parents = ops.parents.into_iter().zip(wanted);
        let gradients = parents.filter_map(|(parent, (gradient, _))| Some((parent?.id, gradient?)));
        accumulate::register(grads, gradients);
    }
}

/// Wraps an output and, where an input is tracked, records how its gradient flows back, given what
/// the inputs hold.
///
/// Of the inputs only the guards are kept; what the backward pass needs it holds itself.
pub(crate) fn record<const D: usize>(
    y: FlexTensor,
    inputs: Vec<Input>,
    backward: impl FnOnce(Vec<FlexTensor>) -> Gradient,
) -> Tensor<D> {
    let context = context(&inputs);
    let tracked: Vec<bool> = inputs.iter().map(Input::tracked).collect();
    if !tracked.contains(&true) {
        return wrap(context, |wanted| match wanted {
            true => BackendTensor::Autodiff(Tracked::new(y)),
            false => BackendTensor::Float(y),
        });
    }
    let (values, guards): (Vec<FlexTensor>, Vec<Option<NodeGuard>>) = inputs
        .into_iter()
        .map(|input| (input.value, input.node))
        .unzip();
    let guards: Vec<NodeGuard> = guards.into_iter().flatten().collect();
    let node = Node {
        backward: backward(values),
        tracked,
    };
    macro_rules! attach {
        ($($n:literal)*) => {
            match guards.len() {
                $($n => attach::<$n>(node, guards, y),)*
                more => unreachable!("no kernel has {more} tracked inputs"),
            }
        };
    }
    let y = attach!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    wrap(context, |_| BackendTensor::Autodiff(y))
}

fn attach<const N: usize>(node: Node, guards: Vec<NodeGuard>, y: FlexTensor) -> Tracked {
    let guards: [NodeGuard; N] = match guards.try_into() {
        Ok(guards) => guards,
        Err(_) => unreachable!("the caller matched the length"),
    };
    match Backward::<Flex, N>::prepare::<NoCheckpointing>(node, guards)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish((), y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}
