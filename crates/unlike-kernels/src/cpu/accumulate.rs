//! Gradients of tensors that several operations use, added up in place.
//!
//! Burn adds the second gradient of a tensor to the first by an operation of its backend. Networks
//! that run twice in one step have a second gradient for every weight, so this sum is a kernel, too.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use burn_backend::BackendTypes;
use burn_dispatch::backends::Autodiff;
use burn_dispatch::backends::autodiff::NodeId;
use burn_dispatch::backends::autodiff::grads::Gradients;
use burn_flex::{Flex, FlexTensor};
use burn_std::Bytes;
use burn_tensor::{DType, Shape};

use super::kernels::kernels;
use super::memory::{is_contiguous, values};
use super::threads::{Out, parallel_if};

/// A tensor in the graph of gradients.
pub(super) type Tracked = <Autodiff<Flex> as BackendTypes>::FloatTensorPrimitive;

/// Elements that a task adds.
const CHUNK: usize = 1 << 14;

/// What this thread's backward pass has registered. A pass begins and ends on one thread.
struct Pass {
    /// Under which every pass's gradients hold the pass's mark.
    key: Tracked,
    /// Memory that belongs to the pass alone.
    mark: FlexTensor,
    sums: Vec<(NodeId, Sum)>,
}

/// A gradient that nobody but the pass's gradients holds.
struct Sum {
    held: Weak<Bytes>,
    first: *mut f32,
    len: usize,
}

thread_local! {
    static PASS: RefCell<Pass> = RefCell::new(Pass {
        key: Tracked::new(mark()),
        mark: mark(),
        sums: Vec::new(),
    });
}

fn mark() -> FlexTensor {
    FlexTensor::empty(Shape::new([]), DType::F32)
}

/// Registers gradients of nodes, or adds them to those that are there.
pub(crate) fn register(
    grads: &mut Gradients,
    gradients: impl Iterator<Item = (NodeId, FlexTensor)>,
) {
    PASS.with_borrow_mut(|pass| {
        pass.begin(grads);
        for (id, gradient) in gradients {
            pass.register(grads, id, gradient);
        }
    });
}

impl Pass {
    /// Forgets the last pass, unless these are its gradients.
    fn begin(&mut self, grads: &mut Gradients) {
        let same = |mark: FlexTensor| Arc::ptr_eq(&mark.data_arc(), &self.mark.data_arc());
        if !grads.get::<Flex>(&self.key).is_some_and(same) {
            self.sums.clear();
            self.mark = mark();
            grads.remove::<Flex>(&self.key);
            grads.register::<Flex>(self.key.id(), self.mark.clone());
        }
    }

    fn register(&mut self, grads: &mut Gradients, id: NodeId, mut gradient: FlexTensor) {
        match self.sums.iter().position(|(of, _)| *of == id) {
            Some(at) => {
                if is_contiguous(&gradient) && self.sums[at].1.add(values(&gradient)) {
                    return;
                }
                // The memory has another owner by now: Burn adds.
                self.sums.swap_remove(at);
            }
            None => self
                .sums
                .extend(Sum::of(&mut gradient).map(|sum| (id, sum))),
        }
        grads.register::<Flex>(id, gradient);
    }
}

impl Sum {
    /// If the whole memory of the gradient is its own.
    fn of(gradient: &mut FlexTensor) -> Option<Self> {
        let usual = gradient.dtype() == DType::F32 && is_contiguous(gradient);
        if !usual || !gradient.is_unique() {
            return None;
        }
        let sides: &[usize] = gradient.layout().shape();
        let wanted = sides.iter().product::<usize>();
        let memory = gradient.try_storage_mut::<f32>()?;
        if memory.len() != wanted {
            return None;
        }
        let (first, len) = (memory.as_mut_ptr(), memory.len());
        Some(Self {
            held: Arc::downgrade(&gradient.data_arc()),
            first,
            len,
        })
    }

    /// Adds in place; false where that cannot be.
    fn add(&self, gradient: &[f32]) -> bool {
        let Some(held) = self.held.upgrade() else {
            return false;
        };
        // This one, and the one among the pass's gradients.
        if Arc::strong_count(&held) != 2 || gradient.len() != self.len {
            return false;
        }
        // SAFETY: the memory is alive, as `held` is; its only other owner is the pass's gradients,
        // which the caller has borrowed exclusively and nobody reads before the pass goes on.
        let memory = unsafe { std::slice::from_raw_parts_mut(self.first, self.len) };
        let out = Out::new(memory);
        parallel_if(2 * self.len, self.len.div_ceil(CHUNK), |task| {
            let (first, len) = (task * CHUNK, CHUNK.min(gradient.len() - task * CHUNK));
            // SAFETY: these elements belong to this task.
            let part = unsafe { out.slice(first, len) };
            (kernels().add_rows)(&gradient[first..first + len], part);
        });
        true
    }
}
