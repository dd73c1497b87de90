//! Updates of weights, in place where nobody else holds their memory.

use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use super::buffer::Buffer;
use super::graph::{Input, values, wrap_plain};
use super::kernels::kernels;
use super::threads::{Out, parallel_if};
use crate::AdamStep;

/// Elements that a task updates.
const CHUNK: usize = 1 << 14;

/// Memory that may be written: the tensor's own where it is unshared and aligned, else a copy.
struct Owned(FlexTensor);

impl Owned {
    fn new<const D: usize>(x: Tensor<D>) -> Self {
        let tensor = Input::new(x).into_tensor();
        let elements = tensor.layout().num_elements();
        let here = values(&tensor);
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
    let shape = param.shape();
    assert!(
        shape == grad.shape() && shape == m.shape() && shape == v.shape(),
        "adam: the shapes differ"
    );
    let grad = Input::new(grad);
    let [mut param, mut m, mut v] = [param, m, v].map(Owned::new);
    let g = grad.values();
    let [p_out, m_out, v_out] =
        [&mut param, &mut m, &mut v].map(|owned| Out::new(owned.values_mut()));
    // An update is worth about eight multiply–adds.
    parallel_if(8 * g.len(), g.len().div_ceil(CHUNK), |task| {
        let (first, len) = (task * CHUNK, CHUNK.min(g.len() - task * CHUNK));
        // SAFETY: these elements belong to this task.
        let [p, m, v] = unsafe { [p_out, m_out, v_out].map(|out| out.slice(first, len)) };
        (kernels().adam)(p, &g[first..first + len], m, v, step);
    });
    (wrap_plain(param.0), wrap_plain(m.0), wrap_plain(v.0))
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
