//! What a part of a score usually is for an image as busy as this one.
//!
//! Every detector that rebuilds images makes larger errors where more happens in them, so that a plain
//! anomaly ranks below a busy normal: a digit 1 among other digits has the smallest error of all. What
//! counts is whether the error is large *for such an image*: `ln part − ¾ b · ln c`, where c is the
//! mean step between neighbouring pixels, and b comes from held-out normals: the slope of `ln part` over `ln c`. The same thought, with
//! the length of a compressed file for c and likelihoods for parts: Serrà et al., *Input complexity and
//! out-of-distribution detection with likelihood-based generative models*, ICLR 2020 (arXiv 1909.11480).

use unlike_core::{Arrays, Error, Features, Result};

use crate::sight::Region;

/// A mean step that no image is below, in units of the features, which lie in ±1: a fifth of a grey level.
const FLAT: f64 = 1e-3;

/// How much of what complexity explains is taken away. With all of it, images that are simpler than all
/// normals are judged by a line drawn too far; measured on MNIST and Fashion-MNIST (RESULTS.md).
const SHARE: f64 = 0.75;

/// Share of the mean of a part below which it counts as this share.
const FLOOR: f64 = 1e-3;

/// The usual size of a part, by complexity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Usual {
    /// By which it is 0 for the mean of held-out normals.
    intercept: f32,
    slope: f32,
    /// Positive.
    floor: f32,
    /// The largest complexity that a held-out normal has.
    busiest: f32,
}

impl Usual {
    /// Least squares over held-out normals, one value of the part and one complexity each.
    pub(crate) fn of(part: &[f32], complexities: &[f64]) -> Self {
        let n = part.len().max(1) as f64;
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
        let size = mean(&mut part.iter().map(|v| f64::from(v.abs())));
        let floor = (FLOOR * size).max(f64::from(f32::MIN_POSITIVE)) as f32;
        let y: Vec<f64> = part.iter().map(|&v| ln(v, floor)).collect();
        let [x_mean, y_mean] = [complexities, &y].map(|v| mean(&mut v.iter().copied()));
        let pairs = complexities.iter().zip(&y);
        let (mut xx, mut xy) = (0.0, 0.0);
        for (x, y) in pairs {
            xx += (x - x_mean).powi(2);
            xy += (x - x_mean) * (y - y_mean);
        }
        // Images that are all as busy tell nothing.
        let slope = SHARE * if xx > 1e-9 * n { xy / xx } else { 0.0 };
        let busiest = complexities.iter().copied().fold(FLAT.ln(), f64::max);
        Self {
            intercept: (y_mean - slope * x_mean) as f32,
            slope: slope as f32,
            floor,
            busiest: busiest as f32,
        }
    }

    /// How much larger the part is than usual, as a logarithm: of each image its value and complexity. What
    /// is busier than any normal has no excuse for it: a defect makes an image busier, too.
    pub(crate) fn relative(&self, part: &[f32], complexities: &[f64]) -> Vec<f32> {
        let one = |(&value, &complexity): (&f32, &f64)| {
            let complexity = complexity.min(f64::from(self.busiest));
            let usual = f64::from(self.intercept) + f64::from(self.slope) * complexity;
            (ln(value, self.floor) - usual) as f32
        };
        part.iter().zip(complexities).map(one).collect()
    }

    /// Whether there is an array for this part.
    pub(crate) fn is_of(part: &str, arrays: &Arrays) -> bool {
        let name = format!("{part}.usual");
        arrays.iter().any(|(array, _)| *array == *name)
    }

    pub(crate) fn save(&self, name: &str, arrays: &mut Arrays) {
        let values = vec![self.intercept, self.slope, self.floor, self.busiest];
        arrays.insert(format!("{name}.usual"), &[4], values);
    }

    /// # Errors
    /// If the array is missing, of another size, or cannot come from held-out normals.
    pub(crate) fn load(name: &str, arrays: &Arrays) -> Result<Self> {
        let values = arrays.get(&format!("{name}.usual"), &[4])?;
        let [intercept, slope, floor, busiest] = [0, 1, 2, 3].map(|i: usize| values[i]);
        match values.iter().all(|v| v.is_finite()) && floor > 0.0 {
            true => Ok(Self {
                intercept,
                slope,
                floor,
                busiest,
            }),
            false => Err(Error::Mismatch {
                origin: Some(format!("`{name}.usual`")),
                found: format!("{values:?}"),
                expected: "finite numbers, the third of them positive".into(),
                hint: None,
            }),
        }
    }
}

fn ln(value: f32, floor: f32) -> f64 {
    f64::from(value.max(floor)).ln()
}

/// ln of the mean absolute step between neighbouring pixels, along both axes and over channels, of the
/// places that show the image.
pub(crate) fn complexities(
    images: &Features,
    [_, columns]: [usize; 2],
    channels: usize,
    regions: &[Region],
) -> Vec<f64> {
    let one = |(i, region): (usize, &Region)| {
        let image = images.sample(i);
        let (mut sum, mut steps) = (0.0, 0_usize);
        let Region {
            top,
            left,
            height,
            width,
        } = *region;
        for y in top..top + height {
            for x in left..left + width {
                let at = (y * columns + x) * channels;
                let mut step = |to: usize| {
                    for channel in 0..channels {
                        sum += f64::from((image[at + channel] - image[to + channel]).abs());
                    }
                    steps += channels;
                };
                if x + 1 < left + width {
                    step(at + channels);
                }
                if y + 1 < top + height {
                    step(at + columns * channels);
                }
            }
        }
        (sum / steps.max(1) as f64).max(FLAT).ln()
    };
    regions.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use unlike_core::FeatureShape;

    use super::*;

    const GRID: [usize; 2] = [4, 4];
    const WHOLE: Region = Region {
        top: 0,
        left: 0,
        height: 4,
        width: 4,
    };

    #[test]
    fn a_step_at_every_pixel_is_busier_than_a_flat_image_and_the_surroundings_do_not_count() {
        let board = |i: usize| {
            if (i / 4 + i % 4).is_multiple_of(2) {
                1.0
            } else {
                -1.0
            }
        };
        let values: Vec<f32> = (0..16).map(board).chain([0.5; 16]).collect();
        let images = Features::new(FeatureShape::image(4, 4, 1), values);
        let found = complexities(&images, GRID, 1, &[WHOLE, WHOLE]);
        assert_eq!(found, [2.0_f64.ln(), FLAT.ln()]);

        // Left half white, right half black: the region of either half is flat.
        let half = |i: usize| if i % 4 < 2 { 1.0 } else { -1.0 };
        let images = Features::new(FeatureShape::image(4, 4, 1), (0..16).map(half).collect());
        let right = Region {
            left: 2,
            width: 2,
            ..WHOLE
        };
        assert_eq!(complexities(&images, GRID, 1, &[right]), [FLAT.ln()]);
        // 4 of its 24 steps are of length 2.
        let whole = complexities(&images, GRID, 1, &[WHOLE]);
        assert!((whole[0] - (8.0_f64 / 24.0).ln()).abs() < 1e-12);
    }

    #[test]
    fn errors_that_grow_with_complexity_are_usual_and_others_are_not() {
        let complexities: Vec<f64> = (0..50).map(|i| 0.1 * f64::from(i) - 3.0).collect();
        let errors: Vec<f32> = complexities
            .iter()
            .map(|c| (0.7 + 1.5 * c).exp() as f32)
            .collect();
        let usual = Usual::of(&errors, &complexities);
        let relative = usual.relative(&errors, &complexities);
        // A quarter of the slope is left: 4.9 · 1.5 / 4 between the least busy and the busiest.
        let range = relative[49] - relative[0];
        assert!((range - 1.8375).abs() < 1e-3, "{range}");
        assert!(relative.iter().sum::<f32>().abs() < 1e-2, "{relative:?}");
        // A flat image whose error is that of a busy one is further off than any.
        let odd = usual.relative(&[errors[40]], &complexities[..1]);
        assert!(odd[0] > 4.0, "{odd:?}");
        // One that is busier than all of them is judged as the busiest.
        let same = usual.relative(&[2.0, 2.0], &[complexities[49], complexities[49] + 5.0]);
        assert!((same[0] - same[1]).abs() < 1e-6, "{same:?}");
    }

    #[test]
    fn images_that_are_alike_and_errors_of_zero_give_finite_numbers() {
        for errors in [[0.0, 0.0], [1.0, 2.0]] {
            let usual = Usual::of(&errors, &[-1.0, -1.0]);
            let relative = usual.relative(&[0.0, 3.0, f32::MAX], &[-1.0, -7.0, 0.0]);
            assert!(relative.iter().all(|v| v.is_finite()), "{relative:?}");
        }
    }

    #[test]
    fn it_comes_back_from_its_array_or_not_at_all() {
        let usual = Usual::of(&[0.1, 0.4, 0.2], &[-2.0, -1.0, -1.5]);
        let mut arrays = Arrays::new();
        usual.save("residual", &mut arrays);
        assert_eq!(Usual::load("residual", &arrays).unwrap(), usual);
        assert!(Usual::load("feature", &arrays).is_err());
        arrays.insert("bad.usual", &[4], vec![0.0, 1.0, 0.0, 1.0]);
        assert!(Usual::load("bad", &arrays).is_err());
    }
}
