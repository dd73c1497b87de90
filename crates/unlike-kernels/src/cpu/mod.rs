//! Own kernels for tensors of Burn's `flex` backend, `f32` and contiguous.

#![allow(
    unsafe_code,
    reason = "vector instructions, and threads that write disjoint parts of one output"
)]

mod buffer;
pub(crate) mod conv;
mod conv_passes;
pub(crate) mod dense;
mod elementwise;
mod finish;
mod gemm;
mod geometry;
pub(crate) mod graph;
mod kernels;
pub(crate) mod loss;
mod math;
pub(crate) mod norm;
pub(crate) mod optim;
mod row;
mod simd;
pub(crate) mod threads;
mod tile;
mod wide;

/// The instruction set that the kernels use on this CPU, for people: `AVX-512`, say.
pub fn instruction_set() -> &'static str {
    kernels::kernels().name
}
