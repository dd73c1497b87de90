//! The instruction sets and which one this CPU has.

use std::sync::OnceLock;

use super::elementwise as e;
use super::simd::Portable;
use super::tile::{LONG, NARROW, NarrowTile, ROWS, Tile, narrow_tile, tile};
use crate::activation::Activation;
use crate::blocks::AdamStep;

/// Everything that is compiled once for each instruction set.
pub(crate) struct Kernels {
    /// What `unlike doctor` shows.
    pub(crate) name: &'static str,
    /// Whether multiply–adds round once.
    #[cfg(test)]
    pub(crate) fused: bool,
    /// `f32` in a vector.
    pub(crate) lanes: usize,
    /// Vectors in a full tile.
    pub(crate) width: usize,
    /// By rows - 1, vectors - 1, and whether the last vector is cut.
    pub(crate) tiles: [[[Tile; 2]; 4]; ROWS],
    /// By columns - 1: the largest tile, one of four rows, and one of a single row.
    pub(crate) narrow_tiles: [[NarrowTile; 3]; NARROW],
    /// One row of [`LONG`] panels, not cut.
    pub(crate) long_tile: Tile,
    pub(crate) transpose: fn(&[f32], usize, &mut [f32], usize),
    pub(crate) matrix_vector: fn(&[f32], &[usize], &[f32], &mut [f32]),
    pub(crate) vector_matrix: fn(&[f32], &[usize], &[f32], usize, usize, &mut [f32]),
    pub(crate) finish: fn(&mut [f32], Option<&[f32]>, Activation, Option<e::Mask>),
    pub(crate) finish_backward:
        fn(&[f32], &[f32], &mut [f32], Option<&mut [f32]>, Activation, Option<e::Mask>),
    pub(crate) add_rows: fn(&[f32], &mut [f32]),
    pub(crate) moments: fn(&[f32], &mut [f32], &mut [f32]),
    pub(crate) normalise: fn(&[f32], &[f32], &[f32], &mut [f32], Activation, Option<e::Mask>),
    pub(crate) normal_sums:
        fn(&[f32], &[f32], e::Normal<'_>, &mut [f32], Activation, Option<e::Mask>),
    pub(crate) normal_backward:
        fn(&[f32], &[f32], e::Normal<'_>, &[f32], f32, &mut [f32], Activation, Option<e::Mask>),
    pub(crate) bce: fn(&[f32], f32) -> f32,
    pub(crate) bce_backward: fn(&[f32], f32, f32, &mut [f32]),
    pub(crate) l1: fn(&[f32], &[f32]) -> f32,
    pub(crate) l1_backward: fn(&[f32], &[f32], f32, &mut [f32]),
    pub(crate) mse: fn(&[f32], &[f32]) -> f32,
    pub(crate) mse_backward: fn(&[f32], &[f32], f32, &mut [f32]),
    pub(crate) adam: fn(&mut [f32], &[f32], &mut [f32], &mut [f32], &AdamStep, (f32, f32)),
    pub(crate) ema: fn(&mut [f32], &[f32], f32),
    pub(crate) depthwise: fn(&[&[f32]], &[f32], &[f32], usize, &mut [f32]),
    pub(crate) finish_frozen: fn(&mut [f32], &[f32], f32),
}

/// One generic loop, compiled for one instruction set.
macro_rules! compiled {
    (
        [$($attribute:meta)?], $set:ty,
        $function:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?
    ) => {
        pub(super) fn $function($($argument: $type),*) $(-> $output)? {
            $(#[$attribute])?
            unsafe fn inner($($argument: $type),*) $(-> $output)? {
                e::$function::<$set>($($argument),*)
            }
            // SAFETY: reached through the set's `KERNELS` only, which `available` hands out where
            // the CPU has the instruction set.
            unsafe { inner($($argument),*) }
        }
    };
}

/// Wraps the generic kernels in functions that are compiled for one instruction set.
macro_rules! instruction_set {
    ($module:ident, $set:ty, $name:literal, [$($attribute:meta)?], $width4:literal) => {
        mod $module {
            use super::*;
            use crate::cpu::simd::Simd;

            compiled!([$($attribute)?], $set, transpose(b: &[f32], k: usize, to: &mut [f32], width: usize));
            compiled!([$($attribute)?], $set, matrix_vector(w: &[f32], rows: &[usize], x: &[f32], to: &mut [f32]));
            compiled!([$($attribute)?], $set, vector_matrix(
                x: &[f32], ks: &[usize], w: &[f32], n: usize, first: usize, to: &mut [f32]
            ));
            compiled!([$($attribute)?], $set, finish(
                row: &mut [f32], bias: Option<&[f32]>, act: Activation, mask: Option<e::Mask>
            ));
            compiled!([$($attribute)?], $set, finish_backward(
                dy: &[f32], y: &[f32], dx: &mut [f32], sums: Option<&mut [f32]>, act: Activation,
                mask: Option<e::Mask>
            ));
            compiled!([$($attribute)?], $set, add_rows(x: &[f32], sums: &mut [f32]));
            compiled!([$($attribute)?], $set, moments(
                x: &[f32], mean: &mut [f32], spread: &mut [f32]
            ));
            compiled!([$($attribute)?], $set, normalise(
                x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32], act: Activation,
                mask: Option<e::Mask>
            ));
            compiled!([$($attribute)?], $set, normal_sums(
                x: &[f32], dy: &[f32], normal: e::Normal<'_>, sums: &mut [f32], act: Activation,
                mask: Option<e::Mask>
            ));
            compiled!([$($attribute)?], $set, normal_backward(
                x: &[f32], dy: &[f32], normal: e::Normal<'_>, sums: &[f32], share: f32,
                dx: &mut [f32], act: Activation, mask: Option<e::Mask>
            ));
            compiled!([$($attribute)?], $set, bce(x: &[f32], target: f32) -> f32);
            compiled!([$($attribute)?], $set, bce_backward(x: &[f32], target: f32, scale: f32, dx: &mut [f32]));
            compiled!([$($attribute)?], $set, l1(a: &[f32], b: &[f32]) -> f32);
            compiled!([$($attribute)?], $set, l1_backward(a: &[f32], b: &[f32], scale: f32, da: &mut [f32]));
            compiled!([$($attribute)?], $set, mse(a: &[f32], b: &[f32]) -> f32);
            compiled!([$($attribute)?], $set, mse_backward(a: &[f32], b: &[f32], scale: f32, da: &mut [f32]));
            compiled!([$($attribute)?], $set, adam(
                p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], step: &AdamStep,
                corrections: (f32, f32)
            ));
            compiled!([$($attribute)?], $set, ema(average: &mut [f32], value: &[f32], decay: f32));
            compiled!([$($attribute)?], $set, depthwise(
                rows: &[&[f32]], weight: &[f32], bias: &[f32], stride: usize, to: &mut [f32]
            ));
            compiled!([$($attribute)?], $set, finish_frozen(rows: &mut [f32], bias: &[f32], cap: f32));

            $(#[$attribute])?
            unsafe fn sized<const M: usize, const V: usize, const CUT: bool>(
                operands: &crate::cpu::tile::Operands<'_>,
            ) {
                // SAFETY: as the caller vouches.
                unsafe { tile::<$set, M, V, CUT>(operands) }
            }
            $(#[$attribute])?
            unsafe fn narrow<const M: usize, const N: usize>(
                operands: &crate::cpu::tile::NarrowOperands<'_>,
            ) {
                // SAFETY: as the caller vouches.
                unsafe { narrow_tile::<$set, M, N>(operands) }
            }
            const fn row<const M: usize>() -> [[Tile; 2]; 4] {
                [
                    [sized::<M, 1, false>, sized::<M, 1, true>],
                    [sized::<M, 2, false>, sized::<M, 2, true>],
                    [sized::<M, { if $width4 { 3 } else { 2 } }, false>,
                     sized::<M, { if $width4 { 3 } else { 2 } }, true>],
                    [sized::<M, { if $width4 { 4 } else { 2 } }, false>,
                     sized::<M, { if $width4 { 4 } else { 2 } }, true>],
                ]
            }
            const _: () = assert!(<$set>::WIDTH == if $width4 { 4 } else { 2 });

            pub(super) static KERNELS: Kernels = Kernels {
                name: $name,
                #[cfg(test)]
                fused: <$set>::FUSED,
                lanes: <$set>::LANES,
                width: <$set>::WIDTH,
                tiles: [row::<1>(), row::<2>(), row::<3>(), row::<4>(), row::<5>(), row::<6>()],
                narrow_tiles: [
                    [narrow::<16, 1>, narrow::<4, 1>, narrow::<1, 1>],
                    [narrow::<8, 2>, narrow::<4, 2>, narrow::<1, 2>],
                    [narrow::<4, 3>, narrow::<4, 3>, narrow::<1, 3>],
                    [narrow::<4, 4>, narrow::<4, 4>, narrow::<1, 4>],
                ],
                long_tile: sized::<1, { LONG * <$set>::WIDTH }, false>,
                transpose,
                matrix_vector,
                vector_matrix,
                finish,
                finish_backward,
                add_rows,
                moments,
                normalise,
                normal_sums,
                normal_backward,
                bce,
                bce_backward,
                l1,
                l1_backward,
                mse,
                mse_backward,
                adam,
                ema,
                depthwise,
                finish_frozen,
            };
        }
    };
}

#[cfg(target_arch = "x86_64")]
instruction_set!(
    avx512,
    crate::cpu::simd::x86::Avx512,
    "AVX-512",
    [target_feature(
        enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
    )],
    true
);
#[cfg(target_arch = "x86_64")]
instruction_set!(
    avx2,
    crate::cpu::simd::x86::Avx2,
    "AVX2",
    [target_feature(enable = "avx2,fma")],
    false
);
#[cfg(target_arch = "aarch64")]
instruction_set!(neon, crate::cpu::simd::arm::Neon, "NEON", [], true);
instruction_set!(portable, Portable, "portable", [], false);

/// The kernels that this CPU can run, best first.
pub(crate) fn available() -> Vec<&'static Kernels> {
    let mut sets: Vec<&'static Kernels> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma");
        let avx512 = has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
        if avx2 && avx512 {
            sets.push(&avx512::KERNELS);
        }
        if avx2 {
            sets.push(&avx2::KERNELS);
        }
    }
    #[cfg(target_arch = "aarch64")]
    sets.push(&neon::KERNELS);
    sets.push(&portable::KERNELS);
    sets
}

/// The kernels that are used.
static CHOSEN: OnceLock<&'static Kernels> = OnceLock::new();

/// The best kernels for this CPU, unless others were asked for.
pub(crate) fn kernels() -> &'static Kernels {
    CHOSEN.get_or_init(|| available()[0])
}

/// Uses the kernels of this name; false if there are none, or others are in use already: weights may
/// lie in memory as those like them.
pub(crate) fn choose(name: &str) -> bool {
    let named = available().into_iter().find(|set| set.name == name);
    named.is_some_and(|set| CHOSEN.set(set).is_ok())
}
