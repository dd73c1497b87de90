//! Matrix products on top of the tile: `C = A · B`, with rows of `A` and `C` wherever they lie.
//!
//! The sum over `k` is cut into groups of at most [`GROUP`], in the same places for every row and
//! for every number of rows: within a group a chain of multiply–adds, between groups plain
//! additions to the output. That fixes the order of operations of each output element.

use std::ops::Range;

use smallvec::SmallVec;

use super::buffer::Buffer;
use super::kernels::Kernels;
use super::threads::{Out, parallel_if};
use super::tile::{LONG, NARROW, NARROW_REST, NarrowOperands, Operands, ROWS, Run, narrow_rows};

/// The longest chain of multiply–adds.
pub(crate) const GROUP: usize = 256;

/// The runs of `k`, cut into groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Depth {
    runs: SmallVec<[Run; 4]>,
    /// End of each group in `runs`.
    ends: SmallVec<[usize; 4]>,
    /// All of `k`.
    pub(crate) len: usize,
    /// Rows that the right operand has at least.
    rows: usize,
}

impl Depth {
    /// One run of `len` from each row's pointer.
    pub(crate) fn contiguous(len: usize, step: isize) -> Self {
        Self::new(
            [Run {
                offset: 0,
                row: 0,
                len,
            }],
            step,
        )
    }

    /// The runs in order; `step` is the left operand's step within a run.
    pub(crate) fn new(runs: impl IntoIterator<Item = Run>, step: isize) -> Self {
        let mut len = 0;
        let mut depth = Self::sparse(
            runs.into_iter().map(|run| {
                len += run.len;
                (len - run.len, run)
            }),
            step,
        );
        depth.len = len;
        depth
    }

    /// Runs with the `k` at which each begins, in order. What lies between them is left out; the
    /// groups are cut as if it were there, so that leaving out zeros changes no bit of a sum.
    fn sparse(runs: impl IntoIterator<Item = (usize, Run)>, step: isize) -> Self {
        let mut depth = Self {
            runs: SmallVec::new(),
            ends: SmallVec::new(),
            len: 0,
            rows: 0,
        };
        let mut group = 0;
        for (mut k, run) in runs {
            let Run {
                mut offset,
                mut row,
                mut len,
            } = run;
            depth.rows = depth.rows.max(row + len);
            while len > 0 {
                if k / GROUP > group && !depth.runs.is_empty() {
                    depth.ends.push(depth.runs.len());
                }
                group = k / GROUP;
                let part = len.min(GROUP - k % GROUP);
                let first = depth.ends.last().copied().unwrap_or(0);
                match depth.runs[first..].last_mut() {
                    Some(last)
                        if last.row + last.len == row
                            && last.offset + last.len as isize * step == offset =>
                    {
                        last.len += part;
                    }
                    _ => depth.runs.push(Run {
                        offset,
                        row,
                        len: part,
                    }),
                }
                offset += part as isize * step;
                row += part;
                k += part;
                len -= part;
            }
        }
        depth.ends.push(depth.runs.len());
        depth
    }

    /// [`new`](Self::new) without the runs of taps outside `rows` and `columns`: of a window of
    /// `taps[0]` × `taps[1]`, with `channels` elements of each tap in a run of their own that
    /// begins at the given offset of the left operand and row of the right.
    pub(crate) fn window(
        taps: [usize; 2],
        [rows, columns]: [Range<usize>; 2],
        channels: usize,
        at: impl Fn(usize, usize) -> (isize, usize),
    ) -> Self {
        let all = taps[1];
        let runs = rows.flat_map(|y| columns.clone().map(move |x| (y, x)));
        let runs = runs.map(|(y, x)| {
            let (offset, row) = at(y, x);
            let run = Run {
                offset,
                row,
                len: channels,
            };
            ((y * all + x) * channels, run)
        });
        let mut depth = Self::sparse(runs, 1);
        depth.len = taps[0] * taps[1] * channels;
        depth
    }
}

/// The right operand, `[k, n]` in row-major order.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    /// As it lies in memory.
    Plain(&'a [f32]),
    /// In panels, from [`Source::pack`].
    Packed(&'a [f32]),
    /// By columns, from [`Source::pack_columns`]; for at most [`NARROW`] of them, and left operands
    /// that are contiguous within a run.
    Columns(&'a [f32]),
}

/// A right operand that may own what it copied.
pub(crate) enum Packed<'a> {
    Plain(&'a [f32]),
    Panels(Buffer),
    Columns(Buffer),
}

impl Packed<'_> {
    pub(crate) fn right(&self) -> Right<'_> {
        match self {
            Self::Plain(b) => Right::Plain(b),
            Self::Panels(b) => Right::Packed(b),
            Self::Columns(b) => Right::Columns(b),
        }
    }
}

/// `b [k, n]` as a right operand for so many rows of the left one: as it lies, or copied.
pub(crate) fn right<'a>(kernels: &Kernels, b: &'a [f32], n: usize, rows: usize) -> Packed<'a> {
    match serves(b, n, rows) {
        true => Packed::Plain(b),
        false => Source {
            weight: b,
            blocks: &[0],
            rows: b.len() / n.max(1),
            n,
            transposed: false,
        }
        .packed(kernels),
    }
}

/// Whether a product with `n` columns, whose left operand is contiguous in runs, is computed by
/// vectors of `k`. That depends on nothing else, so that it holds for every batch.
pub(crate) fn is_narrow(n: usize) -> bool {
    n <= NARROW
}

/// Whether a weight `[k, n]` is multiplied as it lies: reading it across cache lines costs less
/// than copying it, unless many rows of the left operand follow. Both ways give the same bits.
pub(crate) fn serves(weight: &[f32], n: usize, rows: usize) -> bool {
    const WORTH_PACKING: usize = 128;
    let aligned = (weight.as_ptr() as usize).is_multiple_of(64) && n.is_multiple_of(16);
    (aligned || rows < WORTH_PACKING) && !is_narrow(n)
}

/// Columns of a full panel.
pub(crate) fn panel_columns(kernels: &Kernels) -> usize {
    kernels.lanes * kernels.width
}

/// How many panels `n` columns make.
pub(crate) fn panels(kernels: &Kernels, n: usize) -> usize {
    n.div_ceil(panel_columns(kernels))
}

/// Columns of panel `panel` and its width in memory when packed.
fn panel_shape(kernels: &Kernels, n: usize, panel: usize) -> (usize, usize) {
    let columns = (n - panel * panel_columns(kernels)).min(panel_columns(kernels));
    (columns, columns.next_multiple_of(kernels.lanes))
}

/// Where the rows of a right operand come from when it is packed: blocks of `rows` of a weight, in
/// the order in which `k` runs through them.
pub(crate) struct Source<'a> {
    pub(crate) weight: &'a [f32],
    /// Which blocks of `rows * n` elements of the weight.
    pub(crate) blocks: &'a [usize],
    /// Rows of `k` that a block gives.
    pub(crate) rows: usize,
    /// Columns of the right operand.
    pub(crate) n: usize,
    /// Blocks are `[n, rows]` in memory instead of `[rows, n]`.
    pub(crate) transposed: bool,
}

impl Source<'_> {
    /// Copies into panels, or by columns where the product is narrow.
    pub(crate) fn packed(&self, kernels: &Kernels) -> Packed<'static> {
        match is_narrow(self.n) {
            true => Packed::Columns(self.pack_columns()),
            false => Packed::Panels(self.pack(kernels)),
        }
    }

    /// Copies into panels, each row of a panel contiguous and padded with zeros.
    pub(crate) fn pack(&self, kernels: &Kernels) -> Buffer {
        let &Self {
            weight,
            blocks,
            rows,
            n,
            transposed,
        } = self;
        let k = blocks.len() * rows;
        let mut packed = Buffer::new(k * n.next_multiple_of(kernels.lanes));
        let out = Out::new(&mut packed);
        let panels = panels(kernels, n);
        // Copying an element is worth about a multiply–add.
        parallel_if(k * n, panels * blocks.len(), |task| {
            let (panel, index) = (task / blocks.len(), task % blocks.len());
            let (columns, width) = panel_shape(kernels, n, panel);
            let column = panel * panel_columns(kernels);
            // SAFETY: every task writes the rows of its own block in its own panel.
            let to = unsafe { out.slice(k * column + index * rows * width, rows * width) };
            let block = &weight[blocks[index] * rows * n..][..rows * n];
            if transposed {
                (kernels.transpose)(&block[column * rows..][..columns * rows], rows, to, width);
                return;
            }
            for (to, from) in to.chunks_exact_mut(width).zip(block.chunks_exact(n)) {
                to[..columns].copy_from_slice(&from[column..column + columns]);
                to[columns..].fill(0.0);
            }
        });
        packed
    }

    fn pack_columns(&self) -> Buffer {
        let &Self {
            weight,
            blocks,
            rows,
            n,
            transposed,
        } = self;
        let k = blocks.len() * rows;
        let mut packed = Buffer::new(k * n);
        for (index, &block) in blocks.iter().enumerate() {
            let block = &weight[block * rows * n..][..rows * n];
            for j in 0..n {
                let to = &mut packed[j * k + index * rows..][..rows];
                if transposed {
                    to.copy_from_slice(&block[j * rows..(j + 1) * rows]);
                    continue;
                }
                for (i, to) in to.iter_mut().enumerate() {
                    *to = block[i * n + j];
                }
            }
        }
        packed
    }
}

/// Where the rows of an operand begin.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a, P> {
    /// Each by itself.
    Each(&'a [P]),
    /// The first one, the step to the next in elements, and their number.
    Steps(P, usize, usize),
}

/// A pointer to elements, shared or not.
pub(crate) trait Pointer: Copy {
    fn forward(self, elements: usize) -> Self;
}

impl Pointer for *const f32 {
    #[inline(always)]
    fn forward(self, elements: usize) -> Self {
        self.wrapping_add(elements)
    }
}

impl Pointer for *mut f32 {
    #[inline(always)]
    fn forward(self, elements: usize) -> Self {
        self.wrapping_add(elements)
    }
}

impl<P: Pointer> Rows<'_, P> {
    fn len(&self) -> usize {
        match *self {
            Self::Each(rows) => rows.len(),
            Self::Steps(_, _, len) => len,
        }
    }

    /// `len <= N` rows from `first` on, and then the last one again.
    #[inline(always)]
    fn some<const N: usize>(&self, first: usize, len: usize) -> [P; N] {
        match *self {
            Self::Each(rows) => {
                let rows = &rows[first..first + len];
                std::array::from_fn(|i| rows[i.min(len - 1)])
            }
            Self::Steps(row, step, _) => {
                std::array::from_fn(|i| row.forward((first + i.min(len - 1)) * step))
            }
        }
    }
}

/// One product, or the part of it that a task computes.
pub(crate) struct Product<'a> {
    pub(crate) a: Rows<'a, *const f32>,
    /// Step of the left operand within a run.
    pub(crate) a_step: isize,
    pub(crate) depth: &'a Depth,
    pub(crate) b: Right<'a>,
    /// Columns of the right operand.
    pub(crate) n: usize,
    /// The rows of the output, at their column 0.
    pub(crate) c: Rows<'a, *mut f32>,
    /// First and end panel to compute.
    pub(crate) panels: (usize, usize),
    /// Add to the output instead of overwriting it.
    pub(crate) add: bool,
}

impl Product<'_> {
    /// Computes the product.
    ///
    /// # Safety
    /// Every row of `a` is readable at every `k` of `depth`, every row of `c` is writable for `n`
    /// elements, and nobody else accesses the part of `c` that is written.
    pub(crate) unsafe fn run(&self, kernels: &Kernels) {
        let &Self {
            a,
            a_step,
            depth,
            b,
            n,
            c,
            panels,
            add,
        } = self;
        assert_eq!(a.len(), c.len());
        let length = match b {
            Right::Plain(b) | Right::Packed(b) | Right::Columns(b) => b.len(),
        };
        assert!(length >= depth.rows * n && panels.1 <= self::panels(kernels, n));
        if let Right::Columns(b) = b {
            assert!(
                a_step == 1 && is_narrow(n),
                "narrow products read rows that are contiguous"
            );
            // SAFETY: as the caller vouches.
            return unsafe { self.run_narrow(kernels, b) };
        }
        let rows = a.len();
        let tiles = rows.div_ceil(ROWS);
        let mut run = 0;
        for (group, &end) in depth.ends.iter().enumerate() {
            let runs = &depth.runs[run..end];
            let mut panel = panels.0;
            while panel < panels.1 {
                // One row has nothing to share a panel with, and wants the weight in the order in
                // which it lies in memory.
                let long = rows == 1
                    && matches!(b, Right::Plain(_))
                    && panel + LONG <= panels.1
                    && (panel + LONG) * panel_columns(kernels) <= n;
                let (columns, width) = panel_shape(kernels, n, panel);
                let column = panel * panel_columns(kernels);
                let vectors = columns.div_ceil(kernels.lanes);
                let last_lanes = columns - (vectors - 1) * kernels.lanes;
                let cut = last_lanes < kernels.lanes;
                let (b, b_step) = match b {
                    Right::Plain(b) => (b.as_ptr().wrapping_add(column), n),
                    Right::Packed(b) | Right::Columns(b) => {
                        (b.as_ptr().wrapping_add(depth.len * column), width)
                    }
                };
                let mut row = 0;
                for tile in 0..tiles {
                    let height = rows / tiles + usize::from(tile < rows % tiles);
                    let operands = Operands {
                        a: &a.some(row, height),
                        a_step,
                        runs,
                        b,
                        b_step,
                        c: &c.some(row, height),
                        column,
                        last_lanes,
                        add: add || group > 0,
                    };
                    // SAFETY: the caller vouches for `a` and `c`; `b` has all of `k` and `n`, was
                    // checked above, and a cut tile reads and writes `last_lanes` of its last
                    // vector only; a long one has all of its columns; `kernels` are those of this
                    // CPU.
                    unsafe {
                        match long {
                            true => (kernels.long_tile)(&operands),
                            false => {
                                kernels.tiles[height - 1][vectors - 1][usize::from(cut)](&operands)
                            }
                        }
                    }
                    row += height;
                }
                panel += if long { LONG } else { 1 };
            }
            run = end;
        }
    }

    /// # Safety
    /// As for [`run`](Self::run).
    unsafe fn run_narrow(&self, kernels: &Kernels, b: &[f32]) {
        let &Self {
            a,
            depth,
            n,
            c,
            add,
            ..
        } = self;
        let b = b.as_ptr();
        let [largest, rest, single] = kernels.narrow_tiles[n - 1];
        let mut row = 0;
        while row < a.len() {
            let (tile, height) = match a.len() - row {
                left if left >= narrow_rows(n) => (largest, narrow_rows(n)),
                left if left >= NARROW_REST => (rest, NARROW_REST),
                _ => (single, 1),
            };
            let operands = NarrowOperands {
                a: &a.some(row, height),
                runs: &depth.runs,
                b,
                b_step: depth.len,
                c: &c.some(row, height),
                add,
            };
            // SAFETY: the caller vouches for `a` and `c`; `b` has `n` columns of all of `k`.
            unsafe { tile(&operands) };
            row += height;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::kernels::available;
    use crate::cpu::row::not_zero;
    use crate::tests::random;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn products_agree_with_double_precision_on_every_instruction_set(
            m in prop_oneof![Just(1), 1_usize..20], n in prop_oneof![1_usize..8, 1_usize..150, 250_usize..600], k in 0_usize..600, add: bool, left: bool,
            columns: bool, right in 0_u8..3, seed: u64,
        ) {
            let (a, b) = (random(m * k, seed), random(k * n, seed ^ 1));
            let start = random(m * n, seed ^ 2);
            let a_at = |i: usize, k_: usize| if left { a[i * k + k_] } else { a[k_ * m + i] };
            let b_at = |k_: usize, j: usize| if right == 2 { b[j * k + k_] } else { b[k_ * n + j] };
            let mut outputs: Vec<(bool, Vec<f32>)> = Vec::new();
            for kernels in available() {
                let source =
                    Source { weight: &b, blocks: &[0], rows: k, n, transposed: right == 2 };
                let packed = match (right, columns && left && is_narrow(n)) {
                    (0, _) => Packed::Plain(&b),
                    (_, true) => Packed::Columns(source.pack_columns()),
                    (_, false) => Packed::Panels(source.pack(kernels)),
                };
                let step = if left { 1 } else { m };
                let mut c = start.clone();
                let at = c.as_mut_ptr();
                let product = Product {
                    a: Rows::Steps(a.as_ptr(), if left { k } else { 1 }, m),
                    a_step: step as isize,
                    depth: &Depth::contiguous(k, step as isize),
                    b: packed.right(),
                    n,
                    c: Rows::Steps(at, n, m),
                    panels: (0, panels(kernels, n)),
                    add,
                };
                // SAFETY: the pointers go over all of `a` and `c`.
                unsafe { product.run(kernels) };
                for i in 0..m {
                    for j in 0..n {
                        let product = |l| f64::from(a_at(i, l)) * f64::from(b_at(l, j));
                        let sum: f64 = (0..k).map(product).sum();
                        let sizes: f64 = (0..k).map(|l| product(l).abs()).sum();
                        // Eight roundings of the sum of the sizes.
                        let tolerance = 1e-6 + 8.0 * f64::from(f32::EPSILON) * sizes;
                        let exact = sum + if add { f64::from(start[i * n + j]) } else { 0.0 };
                        let found = f64::from(c[i * n + j]);
                        prop_assert!((found - exact).abs() < tolerance, "{} {found} {exact}", kernels.name);
                    }
                }
                outputs.push((kernels.fused, c));
            }
            let fused: Vec<_> = outputs.iter().filter(|(fused, _)| *fused).collect();
            prop_assert!(fused.windows(2).all(|pair| pair[0] == pair[1]), "sets differ");
        }

        #[test]
        fn leaving_out_zeros_changes_no_bit(
            m in 1_usize..9, n in 1_usize..70, taps in [1_usize..5, 1_usize..5],
            channels in 1_usize..200, rows in [0_usize..5, 0_usize..5],
            columns in [0_usize..5, 0_usize..5], seed: u64,
        ) {
            let cut = |[first, end]: [usize; 2], taps: usize| first.min(taps)..end.min(taps);
            let counts = [cut(rows, taps[0]), cut(columns, taps[1])];
            let k = taps[0] * taps[1] * channels;
            let (mut a, b) = (random(m * k, seed), random(k * n, seed ^ 1));
            for (i, value) in a.iter_mut().enumerate() {
                let tap = i % k / channels;
                let [y, x] = [tap / taps[1], tap % taps[1]];
                if !counts[0].contains(&y) || !counts[1].contains(&x) {
                    *value = 0.0;
                }
            }
            let at = |y: usize, x: usize| {
                let first = (y * taps[1] + x) * channels;
                (first as isize, first)
            };
            let depths = [Depth::contiguous(k, 1), Depth::window(taps, counts, channels, at)];
            prop_assert_eq!(depths[0].len, depths[1].len);
            for kernels in available() {
                let [with, without] = depths.each_ref().map(|depth| {
                    let mut c = vec![f32::NAN; m * n];
                    let product = Product {
                        a: Rows::Steps(a.as_ptr(), k, m),
                        a_step: 1,
                        depth,
                        b: Right::Plain(&b),
                        n,
                        c: Rows::Steps(c.as_mut_ptr(), n, m),
                        panels: (0, panels(kernels, n)),
                        add: false,
                    };
                    // SAFETY: the pointers go over all of `a` and `c`.
                    unsafe { product.run(kernels) };
                    c
                });
                prop_assert_eq!(with, without, "{}", kernels.name);
            }
        }

        #[test]
        fn rows_of_a_matrix_times_a_vector_have_the_bits_of_the_tiles(
            m in 1_usize..70, k in prop_oneof![1_usize..600, Just(1024)], every in 1_usize..4, seed: u64,
        ) {
            let (w, x) = (random(m * k, seed), random(k, seed ^ 1));
            let rows: Vec<usize> = (0..m).step_by(every).collect();
            for kernels in available() {
                let by_tiles = by_tiles(kernels, [&w, &x], [m, k, 1]);
                let by_tiles: Vec<f32> = rows.iter().map(|&row| by_tiles[row]).collect();
                let mut found = vec![f32::NAN; rows.len()];
                (kernels.matrix_vector)(&w, &rows, &x, &mut found);
                prop_assert_eq!(&found, &by_tiles, "{}", kernels.name);
            }
        }

        #[test]
        fn a_vector_without_its_zeros_times_a_matrix_has_the_bits_of_the_tiles(
            k in 0_usize..=GROUP, n in 1_usize..600, first in 0.0_f64..1.0, share in 0.0_f32..1.1,
            seed: u64,
        ) {
            let (mut x, w) = (random(k, seed), random(k * n, seed ^ 1));
            for (value, chance) in x.iter_mut().zip(random(k, seed ^ 2)) {
                *value *= f32::from(chance.abs() < share);
            }
            let mut ks = [0; GROUP];
            let ks = not_zero(&x, &mut ks);
            let first = (first * n as f64) as usize;
            for kernels in available() {
                let by_tiles = by_tiles(kernels, [&x, &w], [1, k, n]);
                let mut found = vec![f32::NAN; n - first];
                (kernels.vector_matrix)(&x, ks, &w, n, first, &mut found);
                prop_assert_eq!(&found[..], &by_tiles[first..], "{}", kernels.name);
            }
        }
    }

    /// `a [m, k]` times `b [k, n]`.
    fn by_tiles(kernels: &Kernels, [a, b]: [&[f32]; 2], [m, k, n]: [usize; 3]) -> Vec<f32> {
        let mut c = vec![0.0; m * n];
        let product = Product {
            a: Rows::Steps(a.as_ptr(), k, m),
            a_step: 1,
            depth: &Depth::contiguous(k, 1),
            b: Right::Plain(b),
            n,
            c: Rows::Steps(c.as_mut_ptr(), n, m),
            panels: (0, panels(kernels, n)),
            add: false,
        };
        // SAFETY: the pointers go over all of `a` and of the output.
        unsafe { product.run(kernels) };
        c
    }
}
