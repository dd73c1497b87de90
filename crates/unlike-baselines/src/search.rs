//! Exact nearest neighbours at the speed of a matrix product.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;

use crate::linear::squared_distance;

/// The most queries, and references, in one matrix product.
const QUERIES: usize = 256;
const REFERENCES: usize = 128;

/// The most values of either, unless one row has more: 16 MiB in 64 bits.
const OPERAND: usize = 1 << 21;

/// A reference and its squared distance from a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Neighbour {
    pub(crate) squared: f64,
    pub(crate) position: usize,
}

/// Samples to find neighbours among.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct References {
    width: usize,
    /// `[references, width]`.
    values: Vec<f32>,
    /// The squared length of each reference.
    squares: Vec<f64>,
    largest_square: f64,
}

impl References {
    /// Takes finite rows, `[references, width]`.
    pub(crate) fn new(width: usize, values: Vec<f32>) -> Self {
        let squares: Vec<f64> = values.chunks_exact(width).map(square).collect();
        let largest_square = squares.iter().copied().fold(0.0, f64::max);
        Self {
            width,
            values,
            squares,
            largest_square,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.squares.len()
    }

    /// All rows, `[references, width]`.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn row(&self, position: usize) -> &[f32] {
        &self.values[position * self.width..(position + 1) * self.width]
    }

    /// Calls `f` with each query and its `k` nearest references (all when there are fewer), nearest
    /// first and by position among equals. Uses all threads; results are in the order of queries.
    ///
    /// A matrix product finds the references that can be among the nearest, and only their distances
    /// are computed directly. The product's rounding may depend on the batch; but its error is
    /// bounded, and every reference that the bound leaves possible is looked at, so the result
    /// doesn't.
    pub(crate) fn map_nearest<T: Send>(
        &self,
        queries: &[f32],
        k: usize,
        f: impl Fn(&[f32], &[Neighbour]) -> T + Sync + Send,
    ) -> Vec<T> {
        let block = |queries: &[f32]| -> Vec<T> {
            let candidates = self.candidates(queries, k).into_iter();
            let queries = queries.chunks_exact(self.width);
            queries
                .zip(candidates)
                .map(|(query, candidates)| f(query, &self.nearest(query, candidates, k)))
                .collect()
        };
        let together = QUERIES.min(OPERAND / self.width).max(1);
        queries
            .par_chunks(together * self.width)
            .flat_map_iter(block)
            .collect()
    }

    /// The references that can be among the nearest of each query.
    fn candidates(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbour>> {
        let width = self.width;
        let mut searches: Vec<Search> = queries
            .chunks_exact(width)
            .map(|query| Search::new(square(query), self.largest_square, width, k))
            .collect();
        let wide: Vec<f64> = queries.iter().map(|&v| f64::from(v)).collect();
        let columns = MatRef::from_column_major_slice(&wide, width, searches.len());
        let together = REFERENCES.min(OPERAND / width).max(1);
        let mut tile = Vec::with_capacity(together * width);
        let mut products = vec![0.0; together * searches.len()];
        for (at, references) in self.values.chunks(together * width).enumerate() {
            tile.clear();
            tile.extend(references.iter().map(|&v| f64::from(v)));
            let count = references.len() / width;
            let rows = MatRef::from_row_major_slice(&tile, count, width);
            let products = &mut products[..count * searches.len()];
            let target = MatMut::from_column_major_slice_mut(products, count, searches.len());
            matmul(target, Accum::Replace, rows, columns, 1.0, Par::Seq);
            let from = at * together;
            let squares = &self.squares[from..from + count];
            for (search, products) in searches.iter_mut().zip(products.chunks_exact(count)) {
                search.look(from, squares, products);
            }
        }
        searches.into_iter().map(Search::finish).collect()
    }

    /// The `k` nearest of these candidates, by distances computed one by one.
    fn nearest(&self, query: &[f32], mut candidates: Vec<Neighbour>, k: usize) -> Vec<Neighbour> {
        for candidate in &mut candidates {
            candidate.squared = squared_distance(query, self.row(candidate.position));
        }
        candidates.sort_unstable_by(|a, b| {
            a.squared
                .total_cmp(&b.squared)
                .then(a.position.cmp(&b.position))
        });
        candidates.truncate(k);
        candidates
    }
}

/// The squared length.
fn square(row: &[f32]) -> f64 {
    row.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}

/// One query on its way through the references.
struct Search {
    square: f64,
    /// How far two roundings of one squared distance can lie apart.
    error: f64,
    k: usize,
    /// The k smallest squared distances so far, rounded, ascending.
    smallest: Vec<f64>,
    /// A reference whose rounded squared distance is larger is not among the nearest.
    limit: f64,
    candidates: Vec<Neighbour>,
}

impl Search {
    fn new(square: f64, largest_square: f64, width: usize, k: usize) -> Self {
        // In any order of additions, a scalar product of n terms is off by at most n u / (1 - n u)
        // times |a||b|, where u = EPSILON / 2 (Higham, "Accuracy and stability of numerical
        // algorithms", section 3.1). The two squared lengths, twice the product and the distance that
        // is computed directly are together off by less than (width + 4) EPSILON (|a| + |b|)², and
        // (|a| + |b|)² is at most 2 (|a|² + |b|²). Another factor of 2 to be sure.
        let error = 4.0 * (width + 4) as f64 * f64::EPSILON * (square + largest_square);
        Self {
            square,
            error,
            k,
            smallest: vec![],
            limit: f64::INFINITY,
            candidates: vec![],
        }
    }

    /// Looks at references `from` onwards: their squared lengths, and their products with the query.
    fn look(&mut self, from: usize, squares: &[f64], products: &[f64]) {
        for (i, (square, product)) in squares.iter().zip(products).enumerate() {
            let squared = self.square + square - 2.0 * product;
            if squared <= self.limit {
                self.keep(Neighbour {
                    squared,
                    position: from + i,
                });
            }
        }
    }

    fn keep(&mut self, candidate: Neighbour) {
        self.candidates.push(candidate);
        let at = self
            .smallest
            .partition_point(|&smaller| smaller <= candidate.squared);
        if at < self.k {
            self.smallest.insert(at, candidate.squared);
            self.smallest.truncate(self.k);
            if self.smallest.len() == self.k {
                self.limit = self.smallest[self.k - 1] + 2.0 * self.error;
            }
        }
    }

    fn finish(mut self) -> Vec<Neighbour> {
        self.candidates
            .retain(|candidate| candidate.squared <= self.limit);
        self.candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(references: &References, query: &[f32], k: usize) -> Vec<Neighbour> {
        let all = 0..references.len();
        let mut all: Vec<Neighbour> = all
            .map(|position| Neighbour {
                squared: squared_distance(query, references.row(position)),
                position,
            })
            .collect();
        all.sort_by(|a, b| a.squared.total_cmp(&b.squared));
        all.truncate(k);
        all
    }

    #[test]
    fn rows_that_are_larger_than_a_block_are_compared_one_by_one() {
        let width = OPERAND + 1;
        let row = |value: f32| std::iter::repeat_n(value, width);
        let references = References::new(width, row(0.0).chain(row(2.0)).collect());
        let queries: Vec<f32> = row(1.5).chain(row(-1.0)).collect();
        let nearest = references.map_nearest(&queries, 1, |_, nearest| nearest[0]);
        assert_eq!(
            nearest[0],
            Neighbour {
                squared: 0.25 * width as f64,
                position: 1
            }
        );
        assert_eq!(
            nearest[1],
            Neighbour {
                squared: width as f64,
                position: 0
            }
        );
    }

    proptest! {
        /// Few values make ties. Products of values of one scale are exact in 64 bits, so features
        /// have scales far apart: then sums are rounded, and differences of 0.25 cancel in them.
        #[test]
        fn the_same_as_comparing_with_every_reference(
            width in 1usize..24,
            k in 1usize..8,
            count in 1usize..300,
            queries in 1usize..40,
            base in prop::sample::select(vec![0.0f32, 1.0, 7.0, 30.0]),
            seed in any::<u32>(),
        ) {
            let mut state = seed;
            let mut feature = 0;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                feature = (feature + 1) % width;
                0.1 * base.powi(feature as i32 % 8) + (state >> 30) as f32 * 0.25
            };
            let references = References::new(width, (0..count * width).map(|_| next()).collect());
            let queries: Vec<f32> = (0..queries * width).map(|_| next()).collect();
            let found = references.map_nearest(&queries, k, |_, nearest| nearest.to_vec());
            for (query, nearest) in queries.chunks_exact(width).zip(&found) {
                prop_assert_eq!(nearest, &naive(&references, query, k));
            }
        }
    }
}
