//! Rows as their leading principal components, each in units of its spread.

use unlike_core::{Features, Result};

use crate::{
    components::{leading, mean},
    samples::check_training,
};

/// Components whose variance is below this share of the largest are rounding.
const ROUNDING: f64 = 1e-9;

/// From rows to their leading principal components, each of mean 0 and spread 1 over the rows that these
/// were learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    mean: Vec<f32>,
    /// `[features, components]`: what one unit of each feature adds to each component.
    axes: Vec<f32>,
}

impl Whitening {
    /// Learns the components of these rows: so many at most, and none without variance.
    ///
    /// # Errors
    /// If there is no row, or a value is not finite.
    pub fn fit(rows: &Features, most: usize) -> Result<Self> {
        check_training(rows)?;
        let mean = mean(rows);
        let keep = |variances: &[f64]| {
            let floor = ROUNDING * variances[0];
            let varying = variances.iter().take_while(|&&variance| variance > floor);
            varying.count().min(most)
        };
        // Beyond so many features as images of windows have, some rows stand for all; the seed chooses them.
        let components = leading(rows, &mean, 0, keep)?;
        let kept = components.ncols();
        let mut axes = Vec::with_capacity(mean.len() * kept);
        for feature in 0..mean.len() {
            axes.extend((0..kept).map(|component| components[(feature, component)] as f32));
        }
        let mut whitening = Self::new(mean, axes);
        let sd = whitening.spread(rows);
        for axes in whitening.axes.chunks_exact_mut(kept) {
            axes.iter_mut().zip(&sd).for_each(|(axis, sd)| *axis /= sd);
        }
        Ok(whitening)
    }

    /// From the mean of each feature, and `[features, components]`: what one unit of each feature adds to
    /// each component.
    ///
    /// # Panics
    /// If the axes are not as many for each feature.
    pub fn new(mean: Vec<f32>, axes: Vec<f32>) -> Self {
        assert!(
            axes.len().is_multiple_of(mean.len()),
            "axes of each feature"
        );
        Self { mean, axes }
    }

    /// The mean of each feature.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// `[features, components]`: what one unit of each feature adds to each component.
    pub fn axes(&self) -> &[f32] {
        &self.axes
    }

    /// The length of a row of components.
    pub fn components(&self) -> usize {
        self.axes.len() / self.mean.len()
    }

    /// The components of one row.
    pub fn apply(&self, row: &[f32], components: &mut [f32]) {
        components.fill(0.0);
        let axes = self.axes.chunks_exact(components.len());
        for ((v, mean), axes) in row.iter().zip(&self.mean).zip(axes) {
            for (component, axis) in components.iter_mut().zip(axes) {
                *component += (v - mean) * axis;
            }
        }
    }

    /// The spread of each component over rows, whose mean is theirs.
    fn spread(&self, rows: &Features) -> Vec<f32> {
        let mut components = vec![0.0; self.components()];
        let mut squares = vec![0.0_f64; components.len()];
        for row in rows.values().chunks_exact(self.mean.len()) {
            self.apply(row, &mut components);
            for (square, &v) in squares.iter_mut().zip(&components) {
                *square += f64::from(v).powi(2);
            }
        }
        let count = rows.len() as f64;
        squares.iter().map(|v| (v / count).sqrt() as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use unlike_core::FeatureShape;

    use super::*;

    /// Three columns, of which the third is the sum of the others, and one that never changes.
    fn rows() -> Features {
        let wave = |i: usize, f: f64| (i as f64 * f).sin();
        let rows = (0..500).flat_map(|i| {
            let (a, b) = (30.0 * wave(i, 0.7), 0.1 * wave(i, 2.3) + 4.0);
            [a as f32, b as f32, a as f32 + b as f32, 5.0]
        });
        Features::new(FeatureShape::row(4), rows.collect())
    }

    #[test]
    fn components_are_uncorrelated_of_spread_one_and_as_many_as_vary() {
        let rows = rows();
        let whitening = Whitening::fit(&rows, 64).unwrap();
        assert_eq!(whitening.components(), 2);
        let mut all = [0.0_f64; 5];
        for row in rows.values().chunks_exact(4) {
            let mut out = [0.0; 2];
            whitening.apply(row, &mut out);
            let [a, b] = out.map(f64::from);
            for (sum, v) in all.iter_mut().zip([a, b, a * a, b * b, a * b]) {
                *sum += v / 500.0;
            }
        }
        for (found, expected) in all.into_iter().zip([0.0, 0.0, 1.0, 1.0, 0.0]) {
            assert!((found - expected).abs() < 1e-3, "{all:?}");
        }
        assert_eq!(Whitening::fit(&rows, 1).unwrap().components(), 1);
    }

    #[test]
    fn what_it_is_made_of_makes_it_again() {
        let whitening = Whitening::fit(&rows(), 64).unwrap();
        let again = Whitening::new(whitening.mean().to_vec(), whitening.axes().to_vec());
        assert_eq!(again, whitening);
    }
}
