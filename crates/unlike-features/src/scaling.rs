//! From what a network says of training images to units in which all of its columns count alike.

use unlike_baselines::Whitening;
use unlike_core::{Arrays, Error, FeatureShape, Features, Result};

/// A column that varies less than this share of its mean is rounding.
const ROUNDING: f64 = 1e-6;
/// Principal components that are kept of a whitened row, at most.
const COMPONENTS: usize = 64;

/// What rows are brought to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scaling {
    /// Not fitted yet: rows stay what they are.
    Raw,
    /// Every column less its mean over training rows, in units of its spread there; those that do not
    /// vary, in their own.
    Columns { mean: Vec<f32>, sd: Vec<f32> },
    /// The leading principal components of training rows, in units of their spread.
    Components(Whitening),
}

impl Scaling {
    /// Learned from the first `width` columns of training rows.
    ///
    /// # Errors
    /// If no column varies, or a value is not finite.
    pub(crate) fn fit(rows: &Features, width: usize, whitens: bool) -> Result<Self> {
        let each = || {
            let rows = rows.values().chunks_exact(rows.shape().size());
            rows.map(|row| &row[..width])
        };
        let count = rows.len().max(1) as f64;
        let mut mean = vec![0.0_f64; width];
        for row in each() {
            for (mean, &v) in mean.iter_mut().zip(row) {
                *mean += f64::from(v);
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= count);
        let mut variance = vec![0.0_f64; width];
        for row in each() {
            for ((variance, mean), &v) in variance.iter_mut().zip(&mean).zip(row) {
                *variance += (f64::from(v) - mean).powi(2);
            }
        }
        if !variance.iter().all(|v| v.is_finite()) {
            return Err(unusable("values that are not finite"));
        }
        let sd = |(mean, variance): (&f64, &f64)| {
            let sd = (variance / count).sqrt();
            (sd > ROUNDING * mean.abs() && sd as f32 > 0.0).then_some(sd as f32)
        };
        let sd: Vec<Option<f32>> = mean.iter().zip(&variance).map(sd).collect();
        if sd.iter().all(Option::is_none) {
            return Err(unusable(
                "a network that says the same of every training image",
            ));
        }
        if whitens {
            let rows = Features::new(
                FeatureShape::row(width),
                each().flatten().copied().collect(),
            );
            return Whitening::fit(&rows, COMPONENTS).map(Self::Components);
        }
        Ok(Self::Columns {
            mean: mean.iter().map(|&mean| mean as f32).collect(),
            sd: sd.iter().map(|sd| sd.unwrap_or(1.0)).collect(),
        })
    }

    /// The length of a row that was this long.
    pub(crate) fn width(&self, raw: usize) -> usize {
        match self {
            Self::Raw | Self::Columns { .. } => raw,
            Self::Components(whitening) => whitening.components(),
        }
    }

    /// One row into its place.
    pub(crate) fn apply(&self, raw: &[f32], row: &mut [f32]) {
        match self {
            Self::Raw => row.copy_from_slice(raw),
            Self::Columns { mean, sd } => {
                for (((row, v), mean), sd) in row.iter_mut().zip(raw).zip(mean).zip(sd) {
                    *row = (v - mean) / sd;
                }
            }
            Self::Components(whitening) => whitening.apply(raw, row),
        }
    }

    /// What [`fit`](Self::fit) learned.
    pub(crate) fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        match self {
            Self::Raw => {}
            Self::Columns { mean, sd } => {
                arrays.insert("mean", &[mean.len()], mean.clone());
                arrays.insert("sd", &[sd.len()], sd.clone());
            }
            Self::Components(whitening) => {
                let (mean, axes) = (whitening.mean(), whitening.axes());
                arrays.insert("mean", &[mean.len()], mean.to_vec());
                let shape = [mean.len(), whitening.components()];
                arrays.insert("axes", &shape, axes.to_vec());
            }
        }
        arrays
    }

    /// As it was when [`arrays`](Self::arrays) was written, for rows of this length.
    ///
    /// # Errors
    /// If an array is missing or cannot come from [`fit`](Self::fit).
    pub(crate) fn restore(raw: usize, whitens: bool, arrays: &Arrays) -> Result<Self> {
        let mean = arrays.get("mean", &[raw])?.to_vec();
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        let damaged = |expected: &str| Error::Mismatch {
            origin: Some("features".into()),
            found: "a mean or spread that is not a number".into(),
            expected: expected.into(),
            hint: None,
        };
        if whitens {
            let axes = arrays.any_shape("axes")?;
            return match axes.shape[..] {
                [rows, components]
                    if rows == raw
                        && (1..=COMPONENTS.min(raw)).contains(&components)
                        && finite(&mean)
                        && finite(&axes.values) =>
                {
                    let whitening = Whitening::new(mean, axes.values.clone());
                    Ok(Self::Components(whitening))
                }
                _ => Err(damaged("finite means, and axes of as many numbers")),
            };
        }
        let sd = arrays.get("sd", &[raw])?.to_vec();
        match finite(&mean) && sd.iter().all(|v| v.is_finite() && *v > 0.0) {
            true => Ok(Self::Columns { mean, sd }),
            false => Err(damaged("finite means and positive spreads")),
        }
    }
}

/// Rows as a detector sees them, from those of training images as they came out of the network: what follows
/// the first `raw` columns, the number of a place, stays.
pub(crate) fn scaled(
    rows: Features,
    raw: usize,
    scaling: &Scaling,
    shape: FeatureShape,
) -> Features {
    let (from, to) = (rows.shape().size(), shape.size());
    let mut values = rows.into_values();
    // In place: no row grows, and rows are hundreds of megabytes.
    let mut row = vec![0.0; to];
    for at in 0..values.len() / from {
        let old = &values[at * from..][..from];
        let (scaled, number) = row.split_at_mut(scaling.width(raw));
        scaling.apply(&old[..raw], scaled);
        number.copy_from_slice(&old[raw..]);
        values[at * to..][..to].copy_from_slice(&row);
    }
    values.truncate(values.len() / from * to);
    Features::new(shape, values)
}

fn unusable(found: &str) -> Error {
    Error::Setting {
        name: "features".into(),
        found: found.into(),
        expected: "a network that tells training images apart".into(),
        hint: None,
    }
}
