//! What the detectors share: checks of their input, seeded subsamples, shapes as arrays.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use unlike_core::{Arrays, Error, FeatureShape, Features, ImageShape, Result};

/// The largest whole number up to which 32-bit floats, and so [`Arrays`], hold every whole number.
pub(crate) const EXACT: usize = 1 << 24;

const SHAPE: &str = "shape";

/// Refuses a training set that is empty, has too many features to number in [`Arrays`], or holds a
/// value that is not finite.
pub(crate) fn check_training(features: &Features) -> Result<()> {
    if features.is_empty() {
        return Err(Error::NotEnough {
            what: "training samples".into(),
            found: "none".into(),
            expected: "at least 1".into(),
            hint: None,
        });
    }
    let width = features.shape().size();
    if width > EXACT {
        return Err(Error::Mismatch {
            origin: None,
            found: format!("{width} features a sample"),
            expected: format!("at most {EXACT}"),
            hint: None,
        });
    }
    check_finite(features)
}

/// Refuses features of another shape than in training, and values that are not finite.
pub(crate) fn check_scoring(features: &Features, shape: &FeatureShape) -> Result<()> {
    if features.shape() != shape {
        return Err(Error::Mismatch {
            origin: None,
            found: describe(features.shape()),
            expected: format!("{}, as in training", describe(shape)),
            hint: None,
        });
    }
    check_finite(features)
}

fn check_finite(features: &Features) -> Result<()> {
    let Some(at) = features
        .values()
        .iter()
        .position(|value| !value.is_finite())
    else {
        return Ok(());
    };
    let size = features.shape().size();
    Err(Error::NotFinite {
        what: "a feature".into(),
        location: format!(
            ", sample {} of {}, feature {} of {size}",
            at / size + 1,
            features.len(),
            at % size + 1,
        ),
        hint: None,
    })
}

fn describe(shape: &FeatureShape) -> String {
    match *shape {
        FeatureShape::Row { width } => format!("rows of {width} features"),
        FeatureShape::Patch { width, places } => {
            format!(
                "patches of {} features from {places} places",
                width.saturating_sub(1)
            )
        }
        FeatureShape::Image(ImageShape {
            height,
            width,
            channels,
        }) => {
            format!("images of {height}x{width}x{channels} (height, width, channels)")
        }
    }
}

/// A seeded choice of `amount` out of `length` positions, ascending; all when there are fewer.
pub(crate) fn subsample(rng: &mut ChaCha8Rng, length: usize, amount: usize) -> Vec<usize> {
    if length <= amount {
        return (0..length).collect();
    }
    let mut positions = rand::seq::index::sample(rng, length, amount).into_vec();
    positions.sort_unstable();
    positions
}

/// Applies `f` to every sample on all threads; each call gets scratch space of its thread.
pub(crate) fn map_samples<S, T: Send>(
    features: &Features,
    scratch: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, &[f32]) -> T + Sync + Send,
) -> Vec<T> {
    features
        .values()
        .par_chunks_exact(features.shape().size())
        .map_init(scratch, f)
        .collect()
}

/// Fills one row of the result per sample, on all threads.
pub(crate) fn map_rows<S>(
    features: &Features,
    scratch: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, &[f32], &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let size = features.shape().size();
    let mut rows = vec![0.0; features.values().len()];
    rows.par_chunks_exact_mut(size)
        .zip(features.values().par_chunks_exact(size))
        .for_each_init(scratch, |scratch, (row, sample)| f(scratch, sample, row));
    rows
}

/// The nearest 32-bit float; the largest one instead of infinity.
pub(crate) fn saturate(value: f64) -> f32 {
    value.min(f64::from(f32::MAX)) as f32
}

/// Writes the shape of one sample's features as an array of one to three numbers.
pub(crate) fn insert_shape(arrays: &mut Arrays, shape: &FeatureShape) {
    let lengths = match *shape {
        FeatureShape::Row { width } => vec![width as f32],
        FeatureShape::Patch { width, places } => vec![width as f32, places as f32],
        FeatureShape::Image(ImageShape {
            height,
            width,
            channels,
        }) => {
            vec![height as f32, width as f32, channels as f32]
        }
    };
    arrays.insert(SHAPE, &[lengths.len()], lengths);
}

/// Reads what [`insert_shape`] wrote.
pub(crate) fn get_shape(arrays: &Arrays) -> Result<FeatureShape> {
    let lengths = wholes(SHAPE, &arrays.any_shape(SHAPE)?.values, EXACT)?;
    let shape = match lengths[..] {
        [width] => FeatureShape::Row { width },
        [width, places] if width >= 2 => FeatureShape::Patch { width, places },
        [height, width, channels] => FeatureShape::Image(ImageShape {
            height,
            width,
            channels,
        }),
        _ => {
            return Err(damaged(
                SHAPE,
                format!("{} lengths", lengths.len()),
                "1 to 3",
            ));
        }
    };
    let size = lengths
        .iter()
        .try_fold(1usize, |size, &length| size.checked_mul(length));
    match size {
        Some(1..) => Ok(shape),
        _ => Err(damaged(SHAPE, format!("{lengths:?}"), "lengths from 1 up")),
    }
}

/// The array of this name and shape, with every value finite.
pub(crate) fn get_finite<'a>(arrays: &'a Arrays, name: &str, shape: &[usize]) -> Result<&'a [f32]> {
    let values = arrays.get(name, shape)?;
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(values),
        Some(value) => Err(damaged(name, value.to_string(), "finite values")),
    }
}

/// How many rows the array of this name has.
pub(crate) fn row_count(arrays: &Arrays, name: &str) -> Result<usize> {
    Ok(arrays.any_shape(name)?.shape.first().copied().unwrap_or(0))
}

/// Whole numbers from 0 to `largest` that were stored as floats.
pub(crate) fn wholes(name: &str, values: &[f32], largest: usize) -> Result<Vec<usize>> {
    let whole = |&value: &f32| {
        if value >= 0.0 && value.fract() == 0.0 && f64::from(value) <= largest as f64 {
            return Ok(value as usize);
        }
        Err(damaged(
            name,
            value.to_string(),
            &format!("whole numbers from 0 to {largest}"),
        ))
    };
    values.iter().map(whole).collect()
}

/// An array holds what no training can have written.
pub(crate) fn damaged(name: &str, found: impl Into<String>, expected: &str) -> Error {
    Error::Mismatch {
        origin: Some(format!("array `{name}`")),
        found: found.into(),
        expected: expected.into(),
        hint: Some("the file is damaged, or from another version".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_shape_survives_its_array_and_a_damaged_one_is_refused() {
        for shape in [
            FeatureShape::Row { width: 121 },
            FeatureShape::Patch {
                width: 153,
                places: 784,
            },
            FeatureShape::Image(ImageShape {
                height: 64,
                width: 32,
                channels: 3,
            }),
        ] {
            let mut arrays = Arrays::new();
            insert_shape(&mut arrays, &shape);
            assert_eq!(get_shape(&arrays).unwrap(), shape);
        }
        for lengths in [
            vec![0.0],
            vec![1.5],
            vec![-1.0],
            vec![f32::NAN],
            vec![1.0, 2.0],
            vec![2.0, 0.0],
            vec![],
        ] {
            let mut arrays = Arrays::new();
            arrays.insert(SHAPE, &[lengths.len()], lengths.clone());
            assert!(get_shape(&arrays).is_err(), "{lengths:?}");
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_named_by_its_place() {
        let shape = FeatureShape::Row { width: 2 };
        let features = Features::new(shape, vec![0.0, 1.0, 2.0, f32::NAN, 4.0, 5.0]);
        let message = check_training(&features).unwrap_err().to_string();
        assert_eq!(
            message,
            "a feature is not finite, sample 2 of 3, feature 2 of 2"
        );
    }

    #[test]
    fn a_subsample_is_distinct_ascending_and_seeded() {
        let draw = |seed| subsample(&mut ChaCha8Rng::seed_from_u64(seed), 1000, 300);
        let positions = draw(1);
        assert_eq!(positions.len(), 300);
        assert!(positions.windows(2).all(|w| w[0] < w[1]) && positions[299] < 1000);
        assert_eq!(positions, draw(1));
        assert_ne!(positions, draw(2));
        assert_eq!(
            subsample(&mut ChaCha8Rng::seed_from_u64(0), 3, 5),
            [0, 1, 2]
        );
    }
}
