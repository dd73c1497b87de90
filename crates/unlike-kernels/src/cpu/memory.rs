//! What lies in the memory of Burn's tensors.

use burn_flex::FlexTensor;
use burn_tensor::{DType, Shape};

use super::buffer::{Buffer, contiguous};

/// Whether the elements lie one after the other. Burn's own is not optimised, and what it says takes
/// several calls that are not either: layouts are asked once here, and below.
pub(crate) fn is_contiguous(x: &FlexTensor) -> bool {
    let layout = x.layout();
    let shape: &[usize] = layout.shape();
    let mut expected = 1;
    for (&side, &stride) in shape.iter().zip(layout.strides()).rev() {
        let side = side as isize;
        if stride <= 0 || side != 1 && stride != expected {
            return shape.contains(&0);
        }
        expected *= side;
    }
    true
}

/// The tensor, its elements brought in order if they are not.
pub(crate) fn contiguous_or_copied(x: FlexTensor) -> FlexTensor {
    if is_contiguous(&x) {
        return x;
    }
    let layout = x.layout();
    let (shape, strides) = (layout.shape(), layout.strides());
    let storage = storage(&x);
    let mut to = Buffer::new(shape.iter().product());
    // The last axis in a loop; the others count up like digits.
    let (last, outer) = (shape.len() - 1, ..shape.len() - 1);
    let mut at = vec![0_usize; last];
    let mut first = layout.start_offset() as isize;
    for row in to.chunks_exact_mut(shape[last]) {
        for (i, to) in row.iter_mut().enumerate() {
            *to = storage[(first + i as isize * strides[last]) as usize];
        }
        let axes = at.iter_mut().zip(&shape[outer]).zip(&strides[outer]);
        for ((at, &side), &stride) in axes.rev() {
            *at += 1;
            first += stride;
            if *at < side {
                break;
            }
            *at = 0;
            first -= side as isize * stride;
        }
    }
    to.into_tensor(shape.clone())
}

/// The elements of a contiguous `f32` tensor. Likewise.
pub(crate) fn values(x: &FlexTensor) -> &[f32] {
    let layout = x.layout();
    let shape: &[usize] = layout.shape();
    let first = layout.start_offset();
    &storage(x)[first..first + shape.iter().product::<usize>()]
}

/// All elements in the memory of an `f32` tensor.
fn storage(x: &FlexTensor) -> &[f32] {
    debug_assert_eq!(x.dtype(), DType::F32);
    // SAFETY: any bits are a number.
    let (before, storage, _) = unsafe { x.bytes().align_to::<f32>() };
    assert!(before.is_empty(), "single precision lies at whole words");
    storage
}

/// A contiguous tensor in another shape.
pub(crate) fn shaped(x: &FlexTensor, shape: Shape) -> FlexTensor {
    let layout = x.layout();
    let [before, after]: [&[usize]; 2] = [layout.shape(), &shape];
    assert_eq!(
        before.iter().product::<usize>(),
        after.iter().product::<usize>(),
        "reshape: another number of elements"
    );
    let layout = contiguous(shape, layout.start_offset());
    FlexTensor::from_arc(x.data_arc(), layout, x.dtype())
}
