//! Updates of weights, in place where nobody else holds their memory.

use burn_flex::FlexTensor;
use burn_tensor::Tensor;

use super::buffer::Buffer;
use super::graph::{Input, wrap_plain};
use super::kernels::kernels;
use super::memory::values;
use super::threads::{Out, parallel_if};
use crate::blocks::AdamStep;

/// Elements that a task updates.
const CHUNK: usize = 1 << 14;

/// Memory that may be written: the tensor's own where it is unshared and aligned, else a copy.
struct Owned(FlexTensor);

impl Owned {
    fn new<const D: usize>(x: Tensor<D>) -> Self {
        let tensor = Input::new(x).into_tensor();
        let here = values(&tensor);
        let elements = here.len();
        let whole = tensor.bytes().len() == size_of_val(here);
        // The copy is made once: what comes out of it is aligned, and comes in again next step.
        let aligned = elements < 16 || (here.as_ptr() as usize).is_multiple_of(64);
        if tensor.is_unique() && whole && aligned {
            return Self(tensor);
        }
        let mut copy = Buffer::new(elements);
        copy.copy_from_slice(here);
        Self(copy.into_tensor(tensor.layout().shape().clone()))
    }

    fn values_mut(&mut self) -> &mut [f32] {
        self.0.storage_mut()
    }
}

pub(crate) fn adam<const D: usize>(
    param: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    step: &AdamStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let mut updates = [Update::new([param, grad, m, v])];
    run(&mut updates, step);
    let [Update { param, m, v, .. }] = updates;
    (wrap_plain(param.0), wrap_plain(m.0), wrap_plain(v.0))
}

pub(crate) fn adam_all(
    all: Vec<[Tensor<1>; 4]>,
    step: &AdamStep,
) -> Vec<(Tensor<1>, Tensor<1>, Tensor<1>)> {
    let mut updates: Vec<Update> = all.into_iter().map(Update::new).collect();
    run(&mut updates, step);
    let outputs = updates
        .into_iter()
        .map(|Update { param, m, v, .. }| (wrap_plain(param.0), wrap_plain(m.0), wrap_plain(v.0)));
    outputs.collect()
}

/// The tensors of one parameter.
struct Update {
    param: Owned,
    grad: Input,
    m: Owned,
    v: Owned,
}

impl Update {
    fn new<const D: usize>([param, grad, m, v]: [Tensor<D>; 4]) -> Self {
        let [param, m, v] = [param, m, v].map(Owned::new);
        let grad = Input::new(grad);
        let shape = param.0.layout().shape();
        let others = [grad.tensor(), &m.0, &v.0];
        assert!(
            others.iter().all(|other| other.layout().shape() == shape),
            "adam: the shapes differ"
        );
        Self { param, grad, m, v }
    }
}

fn run(updates: &mut [Update], step: &AdamStep) {
    let mut tasks = Vec::new();
    let mut elements = 0;
    for Update { param, grad, m, v } in updates {
        let grad = grad.values();
        elements += grad.len();
        let outs = [param, m, v].map(|owned| Out::new(owned.values_mut()));
        tasks.extend(
            grad.chunks(CHUNK)
                .enumerate()
                .map(|(i, grad)| (i * CHUNK, grad, outs)),
        );
    }
    let corrections = step.corrections();
    // An update is worth about eight multiply–adds.
    parallel_if(8 * elements, tasks.len(), |task| {
        let (first, grad, outs) = tasks[task];
        // SAFETY: these elements belong to this task.
        let [p, m, v] = unsafe { outs.map(|out| out.slice(first, grad.len())) };
        (kernels().adam)(p, grad, m, v, step, corrections);
    });
}

pub(crate) fn ema<const D: usize>(average: Tensor<D>, value: Tensor<D>, decay: f32) -> Tensor<D> {
    assert_eq!(average.shape(), value.shape(), "ema: the shapes differ");
    let value = Input::new(value);
    let value = value.values();
    let mut average = Owned::new(average);
    let out = Out::new(average.values_mut());
    parallel_if(2 * value.len(), value.len().div_ceil(CHUNK), |task| {
        let (first, len) = (task * CHUNK, CHUNK.min(value.len() - task * CHUNK));
        // SAFETY: these elements belong to this task.
        let part = unsafe { out.slice(first, len) };
        (kernels().ema)(part, &value[first..first + len], decay);
    });
    wrap_plain(average.0)
}

pub(crate) fn aligned<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    wrap_plain(Owned::new(x).0)
}
