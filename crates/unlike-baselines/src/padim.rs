//! A Gaussian: normal samples lie near the mean, in units of how they spread. Of patches of images, one
//! for each place: Defard et al., "PaDiM: a patch distribution modeling framework for anomaly detection
//! and localization", ICPR 2020.
//!
//! The score is Mahalanobis' distance from the mean of the place (section III.B). Departures: where a
//! place has few patches, its covariance is mixed with that of all places around their own means (the
//! paper has hundreds of patches for 100 dimensions; people have tens); features are standardised before,
//! so that the ridge, .01 in the paper, is relative.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{
    Arrays, Error, FeatureShape, Features, Result, ScoreParts, Scorer, check_setting,
};

use crate::{
    linear::dot,
    samples::{
        check_scoring, check_training, damaged, get_finite, get_shape, insert_shape, map_rows,
        map_samples, saturate, subsample, wholes,
    },
};

/// How covariances are estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PadimConfig {
    /// Added to every variance, in units of the mean variance; above 0. 0.01, as in the paper.
    pub ridge: f64,
    /// Patches' worth of the covariance of all places that is mixed into that of each, 0 or more.
    pub prior: f64,
    /// Features that count, drawn with the seed, as the paper has it: all if there are fewer. From 1 up.
    pub features: usize,
}

impl Default for PadimConfig {
    fn default() -> Self {
        Self {
            ridge: 0.01,
            prior: 20.0,
            features: 100,
        }
    }
}

/// A Gaussian for each place.
#[derive(Clone, Debug, PartialEq)]
pub struct Padim {
    shape: FeatureShape,
    /// The features that count, ascending.
    kept: Vec<usize>,
    /// `[places, kept]`
    means: Vec<f32>,
    /// The inverses of the covariances' Cholesky factors, lower triangles row by row,
    /// `[places, kept · (kept + 1) / 2]`.
    inverses: Vec<f32>,
}

impl PadimConfig {
    /// Learns means and covariances.
    ///
    /// # Errors
    /// If there are not two samples, a feature is not finite, or a setting is outside its range.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Padim> {
        self.check()?;
        check_training(features)?;
        if features.len() < 2 {
            return Err(Error::NotEnough {
                what: "training samples".into(),
                found: "1".into(),
                expected: "at least 2".into(),
                hint: None,
            });
        }
        let shape = features.shape().clone();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let kept = subsample(&mut rng, columns(&shape), self.features);
        let mut rows = vec![Vec::new(); places(&shape)];
        for sample in 0..features.len() {
            rows[place(&shape, features.sample(sample)).min(places(&shape) - 1)].push(sample);
        }
        let moments: Vec<Moments> = rows
            .par_iter()
            .map(|rows| Moments::of(features, rows, &kept))
            .collect();
        let pooled = Moments::pooled(&moments, kept.len());
        // A place that no patch came from is like all of them.
        let floor = self.ridge * pooled.mean_variance();
        let gaussians: Vec<(Vec<f64>, Vec<f64>)> = moments
            .par_iter()
            .map(|own| {
                let mean = if own.count > 0.0 {
                    &own.mean
                } else {
                    &pooled.mean
                };
                let covariance = own.mixed(&pooled, self.prior);
                (mean.clone(), inverse_factor(covariance, kept.len(), floor))
            })
            .collect();
        let narrow = |values: &[f64]| values.iter().map(|&v| saturate(v)).collect::<Vec<f32>>();
        Ok(Padim {
            shape,
            kept,
            means: gaussians
                .iter()
                .flat_map(|(mean, _)| narrow(mean))
                .collect(),
            inverses: gaussians
                .iter()
                .flat_map(|(_, inverse)| narrow(inverse))
                .collect(),
        })
    }

    fn check(&self) -> Result<()> {
        let ridge = self.ridge > 0.0 && self.ridge.is_finite();
        check_setting("ridge", self.ridge, ridge, "a number above 0")?;
        let prior = self.prior >= 0.0 && self.prior.is_finite();
        check_setting("prior", self.prior, prior, "a number from 0 up")?;
        check_setting(
            "features",
            self.features,
            self.features > 0,
            "a number from 1 up",
        )
    }
}

/// Features of a sample, without its place.
fn columns(shape: &FeatureShape) -> usize {
    match *shape {
        FeatureShape::Patch { width, .. } => width - 1,
        _ => shape.size(),
    }
}

fn places(shape: &FeatureShape) -> usize {
    match *shape {
        FeatureShape::Patch { places, .. } => places,
        _ => 1,
    }
}

/// Where a sample is from.
fn place(shape: &FeatureShape, sample: &[f32]) -> usize {
    match *shape {
        FeatureShape::Patch { width, .. } => sample[width - 1] as usize,
        _ => 0,
    }
}

/// Of the samples of one place, or of all.
struct Moments {
    count: f64,
    mean: Vec<f64>,
    /// Sums of products of distances from the mean; lower triangle row by row.
    products: Vec<f64>,
}

impl Moments {
    fn of(features: &Features, rows: &[usize], kept: &[usize]) -> Self {
        let n = kept.len();
        let count = rows.len() as f64;
        let mut mean = vec![0.0; n];
        for &row in rows {
            let sample = features.sample(row);
            for (mean, &column) in mean.iter_mut().zip(kept) {
                *mean += f64::from(sample[column]) / count;
            }
        }
        let mut products = vec![0.0; n * (n + 1) / 2];
        let mut distance = vec![0.0; n];
        for &row in rows {
            let sample = features.sample(row);
            for ((distance, mean), &column) in distance.iter_mut().zip(&mean).zip(kept) {
                *distance = f64::from(sample[column]) - mean;
            }
            let mut rest = &mut products[..];
            for (i, &a) in distance.iter().enumerate() {
                let (line, others) = rest.split_at_mut(i + 1);
                for (sum, b) in line.iter_mut().zip(&distance) {
                    *sum += a * b;
                }
                rest = others;
            }
        }
        Self {
            count,
            mean,
            products,
        }
    }

    /// Of all, around the means of their own places.
    fn pooled(all: &[Self], n: usize) -> Self {
        let mut pooled = Self {
            count: 0.0,
            mean: vec![0.0; n],
            products: vec![0.0; n * (n + 1) / 2],
        };
        for place in all {
            pooled.count += place.count;
            for (sum, mean) in pooled.mean.iter_mut().zip(&place.mean) {
                *sum += mean * place.count;
            }
            for (sum, product) in pooled.products.iter_mut().zip(&place.products) {
                *sum += product;
            }
        }
        let count = pooled.count.max(1.0);
        pooled.mean.iter_mut().for_each(|mean| *mean /= count);
        pooled
    }

    /// The covariance with so many samples' worth of that of all; lower triangle row by row.
    fn mixed(&self, pooled: &Self, prior: f64) -> Vec<f64> {
        let share = prior / pooled.count.max(1.0);
        let count = (self.count + prior).max(1.0);
        let both = self.products.iter().zip(&pooled.products);
        both.map(|(own, all)| (own + share * all) / count).collect()
    }

    fn mean_variance(&self) -> f64 {
        let n = self.mean.len();
        let diagonal = (0..n).map(|i| self.products[i * (i + 1) / 2 + i]);
        let mean = diagonal.sum::<f64>() / (n.max(1) as f64 * self.count.max(1.0));
        // Samples that are all equal: distances count as they are.
        if mean > 0.0 { mean } else { 1.0 }
    }
}

/// L⁻¹ of a covariance C + floor · I = L Lᵀ; lower triangles row by row.
fn inverse_factor(mut c: Vec<f64>, n: usize, floor: f64) -> Vec<f64> {
    let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
    for i in 0..n {
        c[at(i, i)] += floor;
    }
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| c[at(i, k)] * c[at(j, k)]).sum();
            let left = c[at(i, j)] - sum;
            // What rounding leaves of a variance is never less than the floor's share of it.
            c[at(i, j)] = match i == j {
                true => left.max(1e-12 * floor).sqrt(),
                false => left / c[at(j, j)],
            };
        }
    }
    let mut inverse = vec![0.0; c.len()];
    for j in 0..n {
        inverse[at(j, j)] = 1.0 / c[at(j, j)];
        for i in j + 1..n {
            let sum: f64 = (j..i).map(|k| c[at(i, k)] * inverse[at(k, j)]).sum();
            inverse[at(i, j)] = -sum / c[at(i, i)];
        }
    }
    inverse
}

impl Padim {
    /// A trained model from what [`Scorer::arrays`] wrote.
    ///
    /// # Errors
    /// If a setting is outside its range, or the arrays are not those of such a model.
    pub fn from_arrays(config: &PadimConfig, arrays: &Arrays) -> Result<Self> {
        config.check()?;
        let shape = get_shape(arrays)?;
        let most = columns(&shape);
        let kept = wholes(
            "kept",
            &arrays.any_shape("kept")?.values,
            most.saturating_sub(1),
        )?;
        let n = kept.len();
        if n == 0 || !kept.is_sorted_by(|a, b| a < b) {
            return Err(damaged(
                "kept",
                format!("{n} features"),
                "ascending positions",
            ));
        }
        let places = places(&shape);
        let triangle = [places, n * (n + 1) / 2];
        Ok(Self {
            means: get_finite(arrays, "means", &[places, n])?.to_vec(),
            inverses: get_finite(arrays, "inverses", &triangle)?.to_vec(),
            shape,
            kept,
        })
    }

    /// The distance from the mean of its place, and along which features.
    fn distance(&self, scratch: &mut Vec<f64>, sample: &[f32]) -> f64 {
        let n = self.kept.len();
        let place = place(&self.shape, sample).min(places(&self.shape) - 1);
        let mean = &self.means[place * n..][..n];
        let inverse = &self.inverses[place * n * (n + 1) / 2..][..n * (n + 1) / 2];
        scratch.clear();
        let kept = self.kept.iter().zip(mean);
        scratch.extend(kept.map(|(&column, &mean)| f64::from(sample[column]) - f64::from(mean)));
        let line = |i: usize| dot(&scratch[..=i], &inverse[i * (i + 1) / 2..][..=i]).powi(2);
        (0..n).map(line).sum::<f64>().sqrt()
    }
}

impl Scorer for Padim {
    /// `distance`: Mahalanobis' distance.
    fn parts(&self, features: &Features) -> Result<ScoreParts> {
        check_scoring(features, &self.shape)?;
        let scores = map_samples(features, Vec::new, |scratch, sample| {
            self.distance(scratch, sample)
        });
        Ok(ScoreParts::single("distance", scores))
    }

    /// The squared difference from the mean of each feature that counts.
    fn contributions(&self, features: &Features) -> Result<Vec<f32>> {
        check_scoring(features, &self.shape)?;
        Ok(map_rows(features, Vec::new, |scratch, sample, row| {
            self.distance(scratch, sample);
            row.fill(0.0);
            for (&column, difference) in self.kept.iter().zip(scratch) {
                row[column] = saturate(*difference * *difference);
            }
        }))
    }

    fn arrays(&self) -> Arrays {
        let (n, places) = (self.kept.len(), places(&self.shape));
        let mut arrays = Arrays::new();
        insert_shape(&mut arrays, &self.shape);
        let kept = self.kept.iter().map(|&column| column as f32).collect();
        arrays.insert("kept", &[n], kept);
        arrays.insert("means", &[places, n], self.means.clone());
        let triangle = [places, n * (n + 1) / 2];
        arrays.insert("inverses", &triangle, self.inverses.clone());
        arrays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padim(shape: FeatureShape, values: &[f32]) -> Padim {
        let config = PadimConfig {
            ridge: 1e-9,
            prior: 0.0,
            features: 100,
        };
        config
            .fit(&Features::new(shape, values.to_vec()), 0)
            .unwrap()
    }

    fn scores(padim: &Padim, values: &[f32]) -> Vec<f64> {
        let features = Features::new(padim.shape.clone(), values.to_vec());
        padim
            .parts(&features)
            .unwrap()
            .get("distance")
            .unwrap()
            .iter()
            .map(|&v| v.into())
            .collect()
    }

    #[test]
    fn distances_are_mahalanobis() {
        // Mean (1, 2), covariance [[2.5, 1.5], [1.5, 2.5]], whose inverse is [[2.5, −1.5], [−1.5, 2.5]] / 4.
        let model = padim(
            FeatureShape::row(2),
            &[3.0, 4.0, -1.0, 0.0, 2.0, 1.0, 0.0, 3.0],
        );
        let expected = |a: f64, b: f64| ((2.5 * a * a - 3.0 * a * b + 2.5 * b * b) / 4.0).sqrt();
        let found = scores(&model, &[1.0, 2.0, 2.0, 2.0, 1.0, 4.0, 2.0, 1.0]);
        for (found, (a, b)) in found
            .iter()
            .zip([(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (1.0, -1.0)])
        {
            assert!(
                (found - expected(a, b)).abs() < 1e-4,
                "{found} {}",
                expected(a, b)
            );
        }
    }

    #[test]
    fn every_place_has_a_mean_and_a_spread_of_its_own() {
        let shape = FeatureShape::Patch {
            width: 2,
            places: 2,
        };
        let model = padim(shape, &[-1.0, 0.0, 1.0, 0.0, 90.0, 1.0, 110.0, 1.0]);
        let found = scores(&model, &[3.0, 0.0, 130.0, 1.0, 0.0, 0.0]);
        for (found, expected) in found.iter().zip([3.0, 3.0, 0.0]) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn few_patches_borrow_the_spread_of_all_and_equal_ones_do_not_divide_by_zero() {
        let config = PadimConfig::default();
        let shape = FeatureShape::Patch {
            width: 2,
            places: 3,
        };
        let rows = [0.0, 0.0, 2.0, 0.0, 5.0, 1.0];
        let model = config.fit(&Features::new(shape, rows.to_vec()), 0).unwrap();
        let found = scores(&model, &[5.0, 1.0, 6.0, 1.0, 7.0, 2.0]);
        assert!(
            found[0] == 0.0 && found[1] > 0.5 && found[1] < 5.0,
            "{found:?}"
        );
        assert!(found[2].is_finite());
        let equal = config
            .fit(&Features::new(FeatureShape::row(1), vec![3.0; 4]), 0)
            .unwrap();
        let found = scores(&equal, &[3.0, 4.0]);
        assert!(found[0] == 0.0 && found[1] > 1.0 && found[1].is_finite());
    }

    #[test]
    fn damaged_arrays_are_refused() {
        let config = PadimConfig::default();
        let model = padim(
            FeatureShape::Patch {
                width: 3,
                places: 2,
            },
            &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 3.0, 0.0, 2.0, 2.0, 1.0],
        );
        let arrays = model.arrays();
        assert_eq!(Padim::from_arrays(&config, &arrays).unwrap(), model);
        for (name, shape, values) in [
            ("kept", vec![2], vec![0.0, 2.0]),
            ("kept", vec![2], vec![1.0, 0.0]),
            ("kept", vec![0], vec![]),
            ("means", vec![2, 1], vec![0.0; 2]),
            ("inverses", vec![2, 3], vec![f32::NAN; 6]),
        ] {
            let mut arrays = arrays.clone();
            arrays.insert(name, &shape, values);
            assert!(Padim::from_arrays(&config, &arrays).is_err(), "{name}");
        }
    }
}
