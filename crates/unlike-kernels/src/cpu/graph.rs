//! The way between Burn's tensors and the kernels: inputs come in as contiguous `f32` storage, and
//! an output with tracked inputs is recorded in the graph of gradients as one node.

use std::fmt;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::{
    BackendTensor, DispatchAutodiffContext, DispatchDevice, DispatchTensor, DispatchTensorKind,
};
use burn::tensor::{DType, Tensor};
use burn_flex::{Flex, FlexTensor};

type Tracked = <burn::backend::Autodiff<Flex> as burn::backend::BackendTypes>::FloatTensorPrimitive;

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
        let value = match value.is_contiguous() {
            true => value,
            false => value.to_contiguous(),
        };
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

/// The elements of a contiguous `f32` tensor.
pub(crate) fn values(x: &FlexTensor) -> &[f32] {
    match x.as_slice() {
        Some(values) => values,
        None => unreachable!("inputs are contiguous and single precision"),
    }
}

/// Wraps an output that no gradient flows through.
pub(crate) fn untracked<const D: usize>(y: FlexTensor, inputs: &[&Input]) -> Tensor<D> {
    wrap(context(inputs), |wanted| match wanted {
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

fn context(inputs: &[&Input]) -> DispatchAutodiffContext {
    inputs
        .iter()
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
        let dy = match dy.is_contiguous() {
            true => dy,
            false => dy.to_contiguous(),
        };
        let gradients = (self.backward)(dy);
        debug_assert_eq!(gradients.len(), self.tracked.len());
        let wanted = gradients
            .into_iter()
            .zip(self.tracked)
            .filter(|(_, tracked)| *tracked);
        for (parent, (gradient, _)) in ops.parents.into_iter().zip(wanted) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// Wraps an output and, where an input is tracked, records how its gradient flows back.
///
/// Of the inputs only the guards are kept; what the backward pass needs it holds itself.
pub(crate) fn record<const D: usize>(
    y: FlexTensor,
    inputs: Vec<Input>,
    backward: impl FnOnce() -> Gradient,
) -> Tensor<D> {
    let context = context(&inputs.iter().collect::<Vec<_>>());
    let tracked: Vec<bool> = inputs.iter().map(Input::tracked).collect();
    let guards: Vec<NodeGuard> = inputs.into_iter().filter_map(|input| input.node).collect();
    if guards.is_empty() {
        return wrap(context, |wanted| match wanted {
            true => BackendTensor::Autodiff(Tracked::new(y)),
            false => BackendTensor::Float(y),
        });
    }
    let node = Node {
        backward: backward(),
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
