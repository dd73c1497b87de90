//! Sums of products and eigenvectors in 64-bit floats, with the same bits on any number of threads.
//!
//! Between kinds of processors the last bits may differ: the products use the widest instructions.

use faer::{
    Accum, Mat, MatMut, MatRef, Par,
    diag::Diag,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{evd, matmul::matmul},
};
use rayon::prelude::*;
use unlike_core::{Error, Result};

/// Columns of the sum that one task computes: fixed, so that the order of additions is, too.
const PANEL: usize = 128;

/// A symmetric matrix AᵀA, added up over blocks of A's rows.
pub(crate) struct ProductSum {
    /// Column-major, `[size, size]`; only the lower triangle is kept up.
    values: Vec<f64>,
    size: usize,
}

impl ProductSum {
    /// Zeros, `[size, size]`.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            values: vec![0.0; size * size],
            size,
        }
    }

    /// Adds BᵀB for further rows B, `[any, size]`.
    pub(crate) fn add(&mut self, block: MatRef<'_, f64>) {
        let size = self.size;
        self.values
            .par_chunks_mut(PANEL * size)
            .enumerate()
            .for_each(|(panel, values)| {
                let from = panel * PANEL;
                let width = values.len() / size;
                let sum = MatMut::from_column_major_slice_mut(values, size, width);
                let lower = sum.subrows_mut(from, size - from);
                let rows = block.subcols(from, size - from).transpose();
                let columns = block.subcols(from, width);
                matmul(lower, Accum::Add, rows, columns, 1.0, Par::Seq);
            });
    }

    /// Eigenvalues, largest first, and the eigenvectors in the same order, one per column.
    ///
    /// # Errors
    /// If the matrix is not finite.
    pub(crate) fn eigen(&self) -> Result<(Vec<f64>, Mat<f64>)> {
        let size = self.size;
        let sum = MatRef::from_column_major_slice(&self.values, size, size);
        let mut values = Diag::<f64>::zeros(size);
        let mut vectors = Mat::<f64>::zeros(size, size);
        let scratch = evd::self_adjoint_evd_scratch::<f64>(
            size,
            evd::ComputeEigenvectors::Yes,
            Par::Seq,
            Default::default(),
        );
        evd::self_adjoint_evd(
            sum,
            values.as_mut(),
            Some(vectors.as_mut()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        )
        .map_err(|_| Error::NotFinite {
            what: "the decomposition of the covariance".into(),
            location: String::new(),
            hint: Some("scale the features to comparable ranges".into()),
        })?;
        let descending = (0..size).rev().map(|i| values.column_vector()[i]).collect();
        Ok((descending, vectors.reverse_cols().to_owned()))
    }
}

/// The scalar product, in a fixed order of additions.
pub(crate) fn dot(a: &[f64], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_blocks
        .remainder()
        .iter()
        .zip(b_blocks.remainder())
        .map(|(a, &b)| a * f64::from(b))
        .sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * f64::from(b[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The squared Euclidean distance, in a fixed order of additions.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let square = |a: f32, b: f32| {
        let difference = f64::from(a) - f64::from(b);
        difference * difference
    };
    let mut sums = [0.0; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_blocks
        .remainder()
        .iter()
        .zip(b_blocks.remainder())
        .map(|(&a, &b)| square(a, b))
        .sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += square(a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_descend_and_vectors_reproduce_the_matrix() {
        // More columns than one panel, rows in two blocks.
        let (rows, size) = (40, PANEL + 5);
        let entry = |r: usize, c: usize| ((r * 31 + c * 17) % 23) as f64 - 11.0;
        let a = Mat::from_fn(rows, size, entry);
        let mut sum = ProductSum::new(size);
        sum.add(a.subrows(0, 25));
        sum.add(a.subrows(25, 15));
        let (values, vectors) = sum.eigen().unwrap();
        assert!(values.windows(2).all(|w| w[0] >= w[1]));
        for (r, c) in [(0, 0), (3, 1), (size - 1, 2), (size - 1, size - 1)] {
            let direct: f64 = (0..rows).map(|i| entry(i, r) * entry(i, c)).sum();
            let rebuilt: f64 = (0..size)
                .map(|k| values[k] * vectors[(r, k)] * vectors[(c, k)])
                .sum();
            assert!(
                (direct - rebuilt).abs() < 1e-8 * values[0],
                "{direct} {rebuilt}"
            );
        }
    }

    #[test]
    fn lanes_and_remainder_add_up() {
        for length in [0, 1, 7, 8, 9, 121] {
            let a: Vec<f32> = (0..length).map(|i| i as f32 * 0.5).collect();
            let b: Vec<f32> = (0..length).map(|i| 1.0 - i as f32).collect();
            let wide: Vec<f64> = a.iter().map(|&v| f64::from(v)).collect();
            let product: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a * b)).sum();
            let distance: f64 = a
                .iter()
                .zip(&b)
                .map(|(&a, &b)| f64::from((a - b) * (a - b)))
                .sum();
            assert_eq!(dot(&wide, &b), product);
            assert_eq!(squared_distance(&a, &b), distance);
        }
    }
}
