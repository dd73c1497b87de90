//! The way back through what ends a block: dropout, activation and bias.

use super::buffer::Buffer;
use super::elementwise::Mask;
use super::kernels::Kernels;
use super::threads::{Out, parallel_if};
use crate::{Activation, Dropout};

/// Elements that a task takes, and of which a partial sum is made.
const CHUNK: usize = 1 << 14;

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
