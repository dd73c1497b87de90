//! Leading principal components, from as much of the training set as is affordable.

use faer::{Accum, Mat, MatRef, Par, Scale, linalg::matmul::matmul};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use unlike_core::{Features, Result};

use crate::{linear::ProductSum, samples::subsample};

/// The largest matrix that is decomposed, in rows. Takes about a second.
pub(crate) const LARGEST: usize = 2048;

/// Training rows, or features, that are widened to 64 bits at a time.
const BLOCK: usize = 1024;

/// The mean of the training set, rounded to 32 bits, as models keep it.
pub(crate) fn mean(features: &Features) -> Vec<f32> {
    let mut sums = vec![0.0; features.shape().size()];
    for sample in features.values().chunks_exact(sums.len()) {
        for (sum, &value) in sums.iter_mut().zip(sample) {
            *sum += f64::from(value);
        }
    }
    let count = features.len() as f64;
    sums.iter().map(|sum| (sum / count) as f32).collect()
}

/// The leading components, as orthonormal columns. `keep` says how many, given the variances, which
/// descend; only their ratios mean something.
///
/// Up to [`LARGEST`] features, they are those of the covariance of all rows. Beyond, they come from
/// [`LARGEST`] rows, drawn with the seed: all when there are no more, which is exact again.
pub(crate) fn leading(
    features: &Features,
    mean: &[f32],
    seed: u64,
    keep: impl Fn(&[f64]) -> usize,
) -> Result<Mat<f64>> {
    if mean.len() <= LARGEST {
        return of_covariance(features, mean, keep);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rows = subsample(&mut rng, features.len(), LARGEST);
    of_rows(features, mean, &rows, keep)
}

/// From the covariance of all rows, `[features, features]`.
fn of_covariance(
    features: &Features,
    mean: &[f32],
    keep: impl Fn(&[f64]) -> usize,
) -> Result<Mat<f64>> {
    let width = mean.len();
    let mut sum = ProductSum::new(width);
    let mut block = Vec::with_capacity(BLOCK.min(features.len()) * width);
    for samples in features.values().chunks(BLOCK * width) {
        block.clear();
        for sample in samples.chunks_exact(width) {
            block.extend(centred(sample, mean));
        }
        sum.add(MatRef::from_row_major_slice(
            &block,
            samples.len() / width,
            width,
        ));
    }
    let (variances, vectors) = sum.eigen()?;
    Ok(vectors.subcols(0, keep(&variances)).to_owned())
}

/// From the inner products of these rows, `[rows, rows]`: X Xᵀ u = λ u makes Xᵀ u / √λ a unit
/// eigenvector of Xᵀ X.
fn of_rows(
    features: &Features,
    mean: &[f32],
    rows: &[usize],
    keep: impl Fn(&[f64]) -> usize,
) -> Result<Mat<f64>> {
    let mut block = Vec::new();
    let mut sum = ProductSum::new(rows.len());
    for from in (0..mean.len()).step_by(BLOCK) {
        sum.add(columns(features, mean, rows, from, &mut block).transpose());
    }
    let (variances, vectors) = sum.eigen()?;
    let mut weights = vectors.subcols(0, keep(&variances)).to_owned();
    for (mut weights, variance) in weights.col_iter_mut().zip(variances) {
        weights /= Scale(variance.sqrt());
    }
    let mut components = Mat::zeros(mean.len(), weights.ncols());
    for from in (0..mean.len()).step_by(BLOCK) {
        let columns = columns(features, mean, rows, from, &mut block);
        let part = components.subrows_mut(from, columns.ncols());
        matmul(
            part,
            Accum::Replace,
            columns.transpose(),
            &weights,
            1.0,
            Par::Seq,
        );
    }
    Ok(components)
}

/// [`BLOCK`] features, or what is left of them, of these rows less the mean.
fn columns<'a>(
    features: &Features,
    mean: &[f32],
    rows: &[usize],
    from: usize,
    block: &'a mut Vec<f64>,
) -> MatRef<'a, f64> {
    let to = mean.len().min(from + BLOCK);
    block.clear();
    for &row in rows {
        block.extend(centred(&features.sample(row)[from..to], &mean[from..to]));
    }
    MatRef::from_row_major_slice(block, rows.len(), to - from)
}

/// A sample less the mean, in 64 bits.
pub(crate) fn centred(sample: &[f32], mean: &[f32]) -> impl Iterator<Item = f64> {
    sample
        .iter()
        .zip(mean)
        .map(|(&x, &m)| f64::from(x) - f64::from(m))
}

#[cfg(test)]
mod tests {
    use super::*;
    use unlike_core::FeatureShape;

    #[test]
    fn inner_products_give_the_components_of_the_covariance() {
        // More features than one block, and fewer rows; then fewer features than rows.
        for (count, width) in [(12, BLOCK + 7), (40, 9)] {
            let entry = |i: usize| ((i * i * 31 + i * 17) % 101) as f32 / 7.0;
            let values = (0..count * width).map(entry).collect();
            let features = Features::new(FeatureShape::Row { width }, values);
            let mean = mean(&features);
            let all: Vec<usize> = (0..count).collect();
            let covariance = of_covariance(&features, &mean, |_| 4).unwrap();
            let inner = of_rows(&features, &mean, &all, |_| 4).unwrap();
            assert_eq!((inner.nrows(), inner.ncols()), (width, 4));
            for (a, b) in covariance.col_iter().zip(inner.col_iter()) {
                let cosine: f64 = a.iter().zip(b.iter()).map(|(a, b)| a * b).sum();
                assert!((cosine.abs() - 1.0).abs() < 1e-9, "{cosine}");
            }
        }
    }
}
