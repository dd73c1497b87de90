//! A single row times a matrix, which costs the time to read the matrix.

use super::buffer::Buffer;
use super::finish::Finish;
use super::gemm::GROUP;
use super::kernels::Kernels;
use super::threads::{Out, parallel_if, threads};

/// A task computes a multiple of so many columns: whole cache lines.
const COLUMNS: usize = 64;

/// `finish(Σ xᵢ · wᵢ)`: `[1, n]` from rows `xs`, with `w` split by rows among them.
///
/// Each task takes one group of `k`, whose rows lie one after the other in memory, and leaves out
/// those that are multiplied by 0. The groups are added in order: the bits of the product by tiles.
pub(crate) fn row(
    kernels: &Kernels,
    xs: &[&[f32]],
    w: &[f32],
    n: usize,
    finish: Finish<'_>,
) -> Buffer {
    let mut first_row = 0;
    let mut groups: Vec<(&[f32], &[f32])> = Vec::new();
    for x in xs.iter().flat_map(|x| x.chunks(GROUP)) {
        groups.push((x, &w[first_row * n..(first_row + x.len()) * n]));
        first_row += x.len();
    }
    let parts = (2 * threads()).div_ceil(groups.len().max(1));
    let width = n.div_ceil(parts).next_multiple_of(COLUMNS);
    let parts = n.div_ceil(width);
    let mut sums = Buffer::new(groups.len() * n);
    let sums_out = Out::new(&mut sums);
    parallel_if(w.len(), groups.len() * parts, |task| {
        let (group, part) = (task / parts, task % parts);
        let (x, rows) = groups[group];
        let mut ks = [0; GROUP];
        let ks = not_zero(x, &mut ks);
        let first = part * width;
        let len = width.min(n - first);
        // SAFETY: these columns of this group's sums are this task's.
        let to = unsafe { sums_out.slice(group * n + first, len) };
        (kernels.vector_matrix)(x, ks, rows, n, first, to);
    });
    let mut y = Buffer::new(n);
    match sums.get(..n) {
        Some(first) => y.copy_from_slice(first),
        None => y.fill(0.0),
    }
    for sums in sums.chunks_exact(n.max(1)).skip(1) {
        for (y, sum) in y.iter_mut().zip(sums) {
            *y += sum;
        }
    }
    // SAFETY: no other task has the output.
    unsafe { finish.run(kernels, Out::new(&mut y), 0..1, n, 0..n) };
    y
}

/// Where a row is not 0, written to memory that is as long.
pub(crate) fn not_zero<'a>(x: &[f32], to: &'a mut [usize]) -> &'a [usize] {
    assert!(to.len() >= x.len());
    let mut count = 0;
    for (k, &x) in x.iter().enumerate() {
        // Whether or not it counts: a branch would be guessed wrong half of the time.
        to[count] = k;
        count += usize::from(x != 0.0);
    }
    &to[..count]
}
