//! What ends a block (bias, activation, dropout), and the way back through it.

use std::ops::Range;

use super::buffer::Buffer;
use super::elementwise::Mask;
use super::kernels::Kernels;
use super::threads::{Out, parallel_if};
use crate::activation::Activation;
use crate::dropout::Dropout;

/// Elements that a task takes, and of which a partial sum is made.
const CHUNK: usize = 1 << 14;

/// What follows the affine part.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) act: Activation,
    pub(crate) dropout: Option<Dropout>,
}

impl Finish<'_> {
    pub(crate) const NONE: Self = Self {
        bias: None,
        act: Activation::Identity,
        dropout: None,
    };

    /// Finishes the given columns of some rows of the output.
    ///
    /// # Safety
    /// The caller's task alone accesses these elements.
    pub(crate) unsafe fn run(
        &self,
        kernels: &Kernels,
        out: Out<'_>,
        rows: Range<usize>,
        n: usize,
        columns: Range<usize>,
    ) {
        if self.bias.is_none() && self.act == Activation::Identity && self.dropout.is_none() {
            return;
        }
        let mask = |first| self.dropout.map(|dropout| Mask::new(dropout, first));
        if columns.len() == n {
            // SAFETY: the rows are the caller's.
            let part = unsafe { out.slice(rows.start * n, rows.len() * n) };
            (kernels.finish)(part, self.bias, self.act, mask(rows.start * n));
            return;
        }
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        for row in rows {
            let first = row * n + columns.start;
            // SAFETY: the columns are the caller's.
            let part = unsafe { out.slice(first, columns.len()) };
            (kernels.finish)(part, bias, self.act, mask(first));
        }
    }
}

/// Rows of `columns` in a chunk, whatever the number of threads.
pub(crate) fn chunk_rows(columns: usize) -> usize {
    (CHUNK / columns.max(1)).max(1)
}

/// Adds up partial sums `[chunks, columns]` in order.
pub(crate) fn total(partial: &[f32], columns: usize) -> Buffer {
    let mut total = Buffer::zeroed(columns);
    for part in partial.chunks_exact(columns.max(1)) {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    total
}

/// Gradient of a block's affine part.
pub(crate) enum Before<'a> {
    /// The block ends in its affine part.
    Same(&'a [f32]),
    Changed(Buffer),
}

impl Before<'_> {
    pub(crate) fn values(&self) -> &[f32] {
        match self {
            Self::Same(values) => values,
            Self::Changed(values) => values,
        }
    }
}

/// From the gradient `dy` of a block with output `y`, both in rows of `columns`, to the gradient
/// of its affine part and, with `sums`, that of the bias.
pub(crate) fn before<'a>(
    kernels: &Kernels,
    dy: &'a [f32],
    y: &[f32],
    columns: usize,
    act: Activation,
    dropout: Option<Dropout>,
    sums: bool,
) -> (Before<'a>, Option<Buffer>) {
    let same = act == Activation::Identity && dropout.is_none();
    if same && !sums {
        return (Before::Same(dy), None);
    }
    let rows = chunk_rows(columns);
    let chunks = dy.len().div_ceil((rows * columns).max(1));
    let mut d = if same {
        None
    } else {
        Some(Buffer::new(dy.len()))
    };
    let d_out = d.as_deref_mut().map(Out::new);
    let mut partial = sums.then(|| Buffer::zeroed(chunks * columns));
    let sums_out = partial.as_deref_mut().map(Out::new);
    // Masks and sums cost a few operations for each element.
    parallel_if(4 * dy.len(), chunks, |chunk| {
        let first = chunk * rows * columns;
        let len = (rows * columns).min(dy.len() - first);
        let dy = &dy[first..first + len];
        // SAFETY: every task has its own chunk and its own partial sum.
        let (d, sums) = unsafe {
            (
                d_out.map(|d| d.slice(first, len)),
                sums_out.map(|sums| sums.slice(chunk * columns, columns)),
            )
        };
        match d {
            Some(d) => {
                let mask = dropout.map(|dropout| Mask::new(dropout, first));
                (kernels.finish_backward)(dy, &y[first..first + len], d, sums, act, mask);
            }
            None => {
                if let Some(sums) = sums {
                    (kernels.add_rows)(dy, sums);
                }
            }
        }
    });
    let before = d.map_or(Before::Same(dy), Before::Changed);
    (before, partial.map(|partial| total(&partial, columns)))
}
