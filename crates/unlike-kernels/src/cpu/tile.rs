//! The tile of every matrix product: up to [`ROWS`] × `WIDTH` vectors of sums kept in registers.
//!
//! Each sum is one chain of multiply–adds over `k` in order, whatever the tile's size or place, so
//! that an output element depends on its own inputs only.

use super::simd::Simd;

/// Rows of the largest tile.
pub(crate) const ROWS: usize = 6;

/// Full panels that the tile of a single row may take at once.
pub(crate) const LONG: usize = 4;

/// How many `k` ahead of its use the right operand is asked for. Its rows lie too far apart for the
/// processor to foresee them, and it often comes from the last cache or from memory. Rows that lie 4 KiB
/// apart share a few lines of the first cache, which hold no more than a dozen of them.
const AHEAD: usize = 8;

/// A run of `k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where it begins in the left operand, relative to each row's pointer.
    pub(crate) offset: isize,
    /// At which row it begins in the right operand.
    pub(crate) row: usize,
    pub(crate) len: usize,
}

/// What one call of a tile needs.
pub(crate) struct Operands<'a> {
    /// Left operand: one pointer for each row.
    pub(crate) a: &'a [*const f32; ROWS],
    /// Step of the left operand from one `k` to the next within a run.
    pub(crate) a_step: isize,
    pub(crate) runs: &'a [Run],
    /// Right operand at its first row, at the tile's first column.
    pub(crate) b: *const f32,
    /// Step of the right operand from one `k` to the next.
    pub(crate) b_step: usize,
    /// Output: one pointer for each row, at column 0 of the matrix.
    pub(crate) c: &'a [*mut f32; ROWS],
    /// First column of the tile in the output.
    pub(crate) column: usize,
    /// Columns of the last vector; the number of lanes unless the tile is cut.
    pub(crate) last_lanes: usize,
    /// Add to the output instead of overwriting it.
    pub(crate) add: bool,
}

/// A tile of one size for one instruction set.
///
/// Safety: the CPU has the instruction set, and all operands are valid for the tile's size.
pub(crate) type Tile = unsafe fn(&Operands<'_>);

/// # Safety
/// As for [`Tile`].
#[inline(always)]
pub(crate) unsafe fn tile<S: Simd, const M: usize, const V: usize, const CUT: bool>(
    operands: &Operands<'_>,
) {
    let &Operands {
        a,
        a_step,
        runs,
        b,
        b_step,
        c,
        column,
        last_lanes,
        add,
    } = operands;
    const { assert!(M <= ROWS) };
    // SAFETY: the caller vouches for the instruction set and for all pointers: row `i` of `a` at
    // every `k` of every run, `V` vectors of `b` at every `k`, `V` vectors of row `i` of `c`.
    // Prefetches may go over the end of `b`.
    unsafe {
        let rows: [*const f32; M] = std::array::from_fn(|i| a[i]);
        let mut sums = [[S::zero(); V]; M];
        for run in runs {
            let mut b = b.add(run.row * b_step);
            let mut at: [*const f32; M] = std::array::from_fn(|i| rows[i].offset(run.offset));
            for _ in 0..run.len {
                for j in 0..V {
                    S::prefetch(b.wrapping_add(AHEAD * b_step + j * S::LANES));
                }
                let mut vectors = [S::zero(); V];
                for (j, vector) in vectors.iter_mut().enumerate() {
                    *vector = if CUT && j == V - 1 {
                        S::load_part(b.add(j * S::LANES), last_lanes)
                    } else {
                        S::load(b.add(j * S::LANES))
                    };
                }
                for i in 0..M {
                    let value = S::splat(*at[i]);
                    at[i] = at[i].wrapping_offset(a_step);
                    for j in 0..V {
                        sums[i][j] = S::fma(value, vectors[j], sums[i][j]);
                    }
                }
                b = b.wrapping_add(b_step);
            }
        }
        for i in 0..M {
            let row = c[i].add(column);
            for j in 0..V {
                let to = row.add(j * S::LANES);
                if CUT && j == V - 1 {
                    let sum = match add {
                        true => S::add(S::load_part(to, last_lanes), sums[i][j]),
                        false => sums[i][j],
                    };
                    S::store_part(to, last_lanes, sum);
                } else {
                    let sum = match add {
                        true => S::add(S::load(to), sums[i][j]),
                        false => sums[i][j],
                    };
                    S::store(to, sum);
                }
            }
        }
    }
}

/// Columns of a product that is narrow: its sums run over vectors of `k` instead of columns.
pub(crate) const NARROW: usize = 4;
/// Interleaved sums of a narrow product, the same on every instruction set.
const SUMS: usize = 16;
/// Rows of the largest narrow tile with `n` columns.
pub(crate) const fn narrow_rows(n: usize) -> usize {
    match n {
        1 => 16,
        2 => 8,
        _ => 4,
    }
}

/// Rows of the narrow tile for what is left then, while there are so many.
pub(crate) const NARROW_REST: usize = 4;

/// What one call of a narrow tile needs.
pub(crate) struct NarrowOperands<'a> {
    /// Left operand: one pointer for each row, contiguous within a run.
    pub(crate) a: &'a [*const f32; SUMS],
    pub(crate) runs: &'a [Run],
    /// Right operand by columns, each contiguous over all of `k`.
    pub(crate) b: *const f32,
    /// Step of the right operand from one column to the next.
    pub(crate) b_step: usize,
    /// Output: one pointer for each row.
    pub(crate) c: &'a [*mut f32; SUMS],
    /// Add to the output instead of overwriting it.
    pub(crate) add: bool,
}

/// A narrow tile of one size for one instruction set.
///
/// Safety: the CPU has the instruction set, and all operands are valid for the tile's size.
pub(crate) type NarrowTile = unsafe fn(&NarrowOperands<'_>);

/// # Safety
/// As for [`NarrowTile`].
#[inline(always)]
pub(crate) unsafe fn narrow_tile<S: Simd, const M: usize, const N: usize>(
    operands: &NarrowOperands<'_>,
) {
    let &NarrowOperands {
        a,
        runs,
        b,
        b_step,
        c,
        add,
    } = operands;
    const { assert!(M <= SUMS && M * N <= SUMS) };
    // SAFETY: the caller vouches for the instruction set and for all pointers: row `i` of `a` at
    // every `k` of every run, `N` columns of `b` of that length, `N` elements of row `i` of `c`.
    unsafe {
        let mut lanes = [[0.0_f32; SUMS]; SUMS];
        for part in 0..SUMS / S::LANES {
            // The vectors at `part` of every 16 elements of each run.
            let mut sums = [[S::zero(); N]; M];
            for run in runs {
                let b = b.add(run.row);
                let mut k = part * S::LANES;
                while k + S::LANES <= run.len {
                    let mut columns = [S::zero(); N];
                    for (j, column) in columns.iter_mut().enumerate() {
                        *column = S::load(b.add(j * b_step + k));
                    }
                    for i in 0..M {
                        let row = S::load(a[i].offset(run.offset).add(k));
                        for j in 0..N {
                            sums[i][j] = S::fma(row, columns[j], sums[i][j]);
                        }
                    }
                    k += SUMS;
                }
                if k < run.len {
                    let rest = run.len - k;
                    for i in 0..M {
                        let row = S::load_part(a[i].offset(run.offset).add(k), rest);
                        for j in 0..N {
                            let column = S::load_part(b.add(j * b_step + k), rest);
                            sums[i][j] = S::fma(row, column, sums[i][j]);
                        }
                    }
                }
            }
            for i in 0..M {
                for j in 0..N {
                    S::store(
                        lanes[i * N + j].as_mut_ptr().add(part * S::LANES),
                        sums[i][j],
                    );
                }
            }
        }
        if M * N <= 4 {
            for i in 0..M {
                for j in 0..N {
                    let lanes = &mut lanes[i * N + j];
                    for half in [8, 4, 2, 1] {
                        for l in 0..half {
                            lanes[l] += lanes[l + half];
                        }
                    }
                    let to = c[i].add(j);
                    *to = if add { *to + lanes[0] } else { lanes[0] };
                }
            }
            return;
        }
        // Transposed, the 16 lanes of all outputs are added with whole vectors; in the same order.
        let mut by_lane = [[0.0_f32; SUMS]; SUMS];
        let from = lanes.as_ptr().cast::<f32>();
        let to = by_lane.as_mut_ptr().cast::<f32>();
        for i in (0..SUMS).step_by(S::LANES) {
            for j in (0..SUMS).step_by(S::LANES) {
                S::transpose(from.add(i * SUMS + j), SUMS, to.add(j * SUMS + i), SUMS);
            }
        }
        for half in [8, 4, 2, 1] {
            let (low, high) = by_lane.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                for (low, high) in low.iter_mut().zip(high) {
                    *low += *high;
                }
            }
        }
        for i in 0..M {
            for j in 0..N {
                let to = c[i].add(j);
                let sum = by_lane[0][i * N + j];
                *to = if add { *to + sum } else { sum };
            }
        }
    }
}
