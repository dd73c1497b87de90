//! Aligned memory that is reused between steps.
//!
//! A training step allocates the same sizes again and again; handing the memory back to the system
//! between steps costs a page fault for every 4 KiB. Freed buffers are therefore kept in lists by
//! size, up to [`KEPT_BYTES`].

use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::sync::Mutex;

use burn_flex::{FlexTensor, Layout};
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use burn_tensor::{DType, Shape};

/// A cache line and the widest vector.
const ALIGN: usize = 64;
/// The lists keep no more than this.
const KEPT_BYTES: usize = 512 << 20;
const CLASSES: usize = 160;

struct Kept {
    lists: [Vec<Block>; CLASSES],
    bytes: usize,
}

/// An allocation of [`class_bytes`] bytes, initialised.
struct Block(NonNull<f32>);

// SAFETY: a block is plain memory with one owner.
unsafe impl Send for Block {}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    lists: [const { Vec::new() }; CLASSES],
    bytes: 0,
});

/// Four classes for every doubling, in units of [`ALIGN`] bytes.
fn class_of(bytes: usize) -> usize {
    let units = bytes.div_ceil(ALIGN).max(1);
    if units <= 4 {
        return units - 1;
    }
    let shift = (units - 1).ilog2() as usize - 2;
    let step = (units - 1) >> shift;
    shift * 4 + step
}

fn class_bytes(class: usize) -> usize {
    if class < 4 {
        return (class + 1) * ALIGN;
    }
    let shift = class / 4 - 1;
    let step = class % 4 + 4;
    ((step + 1) << shift) * ALIGN
}

/// The layout of elements that lie one after the other. As Burn's own, which is not optimised.
pub(super) fn contiguous(shape: Shape, first: usize) -> Layout {
    let sides: &[usize] = &shape;
    let mut strides = vec![1; sides.len()];
    let mut stride = 1;
    for (to, &side) in strides.iter_mut().zip(sides).rev() {
        *to = stride;
        stride *= side as isize;
    }
    Layout::new(shape, strides, first)
}

/// Owned `f32` memory, aligned to 64 bytes; the content of a new one is arbitrary.
pub(crate) struct Buffer {
    block: Block,
    class: usize,
    len: usize,
}

// SAFETY: shared access only reads.
unsafe impl Sync for Buffer {}

impl Buffer {
    pub(crate) fn new(len: usize) -> Self {
        let class = class_of(len * size_of::<f32>());
        let kept = {
            let mut kept = KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let block = kept.lists[class].pop();
            if block.is_some() {
                kept.bytes -= class_bytes(class);
            }
            block
        };
        let block = kept.unwrap_or_else(|| {
            let layout = Self::layout(class);
            // SAFETY: the layout has a size above zero.
            let pointer = unsafe { alloc_zeroed(layout) }.cast::<f32>();
            Block(NonNull::new(pointer).unwrap_or_else(|| handle_alloc_error(layout)))
        });
        Self { block, class, len }
    }

    pub(crate) fn zeroed(len: usize) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(0.0);
        buffer
    }

    fn layout(class: usize) -> std::alloc::Layout {
        let bytes = class_bytes(class);
        // A size that does not fit `isize` cannot be allocated.
        std::alloc::Layout::from_size_align(bytes, ALIGN)
            .unwrap_or_else(|_| panic!("a buffer of {bytes} bytes is too large"))
    }

    /// Hands the memory to a Burn tensor; it comes back to the lists when the tensor is dropped.
    pub(crate) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        let shape = shape.into();
        debug_assert_eq!(shape.num_elements(), self.len);
        let bytes = self.len * size_of::<f32>();
        // SAFETY: the controller gives access to at least `bytes` bytes, all initialised.
        let bytes = unsafe { Bytes::from_controller(Box::new(Controller(self)), bytes) };
        FlexTensor::new(bytes, contiguous(shape, 0), DType::F32)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the block holds at least `len` initialised elements and is owned by `self`.
        unsafe { slice::from_raw_parts(self.block.0.as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the access is exclusive.
        unsafe { slice::from_raw_parts_mut(self.block.0.as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = class_bytes(self.class);
        let mut kept = KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if kept.bytes + bytes <= KEPT_BYTES {
            kept.bytes += bytes;
            kept.lists[self.class].push(Block(self.block.0));
        } else {
            drop(kept);
            // SAFETY: allocated in `new` with this layout, and not used after this.
            unsafe { dealloc(self.block.0.as_ptr().cast(), Self::layout(self.class)) };
        }
    }
}

/// A buffer as the storage of a Burn tensor.
struct Controller(Buffer);

impl AllocationController for Controller {
    fn alloc_align(&self) -> usize {
        // What copies of the storage are aligned to; Burn's own allocations allow 16 at most.
        16
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(
        &mut self,
        _policy: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let memory = &mut *self.0;
        // SAFETY: the same memory as bytes; callers write initialised bytes only, by contract.
        Ok(unsafe { slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), size_of_val(memory)) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let memory = &*self.0;
        // SAFETY: the same memory as bytes.
        Ok(unsafe { slice::from_raw_parts(memory.as_ptr().cast(), size_of_val(memory)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_asked_for_with_little_waste() {
        let mut last = 0;
        for bytes in 1..200_000 {
            let class = class_of(bytes);
            assert!(class >= last && class < CLASSES);
            assert!(class_bytes(class) >= bytes);
            assert!(
                class_bytes(class) <= bytes + bytes / 4 + ALIGN,
                "{bytes} in {class}"
            );
            last = class;
        }
    }

    #[test]
    fn memory_is_aligned_and_survives_the_way_through_a_tensor() {
        let mut buffer = Buffer::new(37);
        assert_eq!(buffer.as_ptr() as usize % ALIGN, 0);
        for (i, value) in buffer.iter_mut().enumerate() {
            *value = i as f32;
        }
        let tensor = buffer.into_tensor([37]);
        let copy = tensor.clone().into_data();
        assert_eq!(copy.iter::<f32>().nth(36), Some(36.0));
        drop(tensor);
        assert_eq!(Buffer::zeroed(37)[36], 0.0);
    }
}
