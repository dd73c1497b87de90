//! Own kernels for tensors of Burn's `flex` backend, `f32` and contiguous.

#![allow(
    unsafe_code,
    reason = "vector instructions, and threads that write disjoint parts of one output"
)]

mod accumulate;
mod buffer;
pub(crate) mod conv;
mod conv_passes;
pub(crate) mod dense;
mod depthwise;
mod elementwise;
mod finish;
pub(crate) mod frozen;
mod gemm;
mod geometry;
pub(crate) mod graph;
mod kernels;
pub(crate) mod loss;
mod math;
mod memory;
pub(crate) mod norm;
pub(crate) mod optim;
mod row;
mod simd;
pub(crate) mod slope;
pub(crate) mod spectral;
mod sums;
pub(crate) mod threads;
mod tile;
mod wide;

/// The instruction set that the kernels use on this CPU, for people: `AVX-512`, say, or `portable` if
/// they know none that it has.
pub fn instruction_set() -> &'static str {
    kernels::kernels().name
}

/// For tests: the instruction sets that the kernels can use on this CPU, best first.
#[doc(hidden)]
pub fn instruction_sets() -> Vec<&'static str> {
    kernels::available().iter().map(|set| set.name).collect()
}

/// For tests: makes the kernels of this process use another instruction set than the best; false if
/// this CPU does not have it, or they were used already.
#[doc(hidden)]
pub fn use_instruction_set(name: &str) -> bool {
    kernels::choose(name)
}
