//! Small random changes to training images that leave a normal image normal.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use unlike_core::{Error, FeatureShape, ImageShape, Result};

/// The largest rotation, in degrees: what is called a small one.
const LARGEST_ROTATION: f64 = 45.0;

/// Changes to training images, drawn anew whenever an image is used; held-out images stay as
/// they are. All are off by default: what leaves an image normal depends on the data.
///
/// Where a moved image leaves a gap, its border is repeated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Left and right change sides in every other image.
    pub flip_horizontal: bool,
    /// Top and bottom change sides in every other image.
    pub flip_vertical: bool,
    /// Pixels, at most, by which an image moves along each axis.
    pub shift: usize,
    /// Degrees, at most, by which it turns to either side.
    pub rotation: f64,
}

impl Augmentation {
    /// Whether images stay as they are.
    pub fn is_off(&self) -> bool {
        let Self {
            flip_horizontal,
            flip_vertical,
            shift,
            rotation,
        } = *self;
        !flip_horizontal && !flip_vertical && shift == 0 && rotation == 0.0
    }

    /// Refuses a rotation out of range.
    pub(super) fn check(&self) -> Result<()> {
        if (0.0..=LARGEST_ROTATION).contains(&self.rotation) {
            return Ok(());
        }
        Err(Error::Setting {
            name: "augmentation.rotation".into(),
            found: self.rotation.to_string(),
            expected: format!("0 to {LARGEST_ROTATION} degrees"),
            hint: None,
        })
    }

    /// Refuses samples that are no images, and images too small for the shift.
    pub(super) fn check_for(&self, shape: &FeatureShape) -> Result<()> {
        if self.is_off() {
            return Ok(());
        }
        let refused = |name: &str, found: String, expected: String| {
            Err(Error::Setting {
                name: name.into(),
                found,
                expected,
                hint: None,
            })
        };
        match *shape {
            FeatureShape::Row { .. } | FeatureShape::Patch { .. } => refused(
                "augmentation",
                "asked for".into(),
                "nothing, because rows of a table cannot be flipped, moved or turned".into(),
            ),
            FeatureShape::Image(ImageShape { height, width, .. })
                if self.shift >= height.min(width) =>
            {
                refused(
                    "augmentation.shift",
                    self.shift.to_string(),
                    format!("less than the {} pixels of a side", height.min(width)),
                )
            }
            FeatureShape::Image(_) => Ok(()),
        }
    }

    /// Changes one image.
    pub(super) fn apply(&self, rng: &mut ChaCha8Rng, shape: ImageShape, image: &mut [f32]) {
        let ImageShape {
            height,
            width,
            channels,
        } = shape;
        // All are drawn, whatever is on: each change is then the same with and without the others.
        let [flip_x, flip_y, right, down, turn] = [(); 5].map(|()| rng.random::<f64>());
        let flip_x = self.flip_horizontal && flip_x < 0.5;
        let flip_y = self.flip_vertical && flip_y < 0.5;
        let shift = |unit: f64| (unit * (2 * self.shift + 1) as f64) as i64 - self.shift as i64;
        let [dx, dy] = [shift(right), shift(down)];
        let turn = (2.0 * turn - 1.0) * self.rotation.to_radians();
        let original = image.to_vec();
        let row = width * channels;
        let at = |x: i64, y: i64, channel: usize| {
            let x = x.clamp(0, width as i64 - 1) as usize;
            let y = y.clamp(0, height as i64 - 1) as usize;
            let x = if flip_x { width - 1 - x } else { x };
            let y = if flip_y { height - 1 - y } else { y };
            original[y * row + x * channels + channel]
        };
        let (sin, cos) = turn.sin_cos();
        let centre = [width, height].map(|side| (side as f64 - 1.0) / 2.0);
        for (place, pixel) in image.chunks_exact_mut(channels).enumerate() {
            let (x, y) = ((place % width) as i64 - dx, (place / width) as i64 - dy);
            if turn == 0.0 {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = at(x, y, channel);
                }
                continue;
            }
            // Where this pixel comes from, between four pixels.
            let (u, v) = (x as f64 - centre[0], y as f64 - centre[1]);
            let (x, y) = (cos * u + sin * v + centre[0], cos * v - sin * u + centre[1]);
            let (left, top) = (x.floor(), y.floor());
            let (right, below) = ((x - left) as f32, (y - top) as f32);
            let (left, top) = (left as i64, top as i64);
            for (channel, value) in pixel.iter_mut().enumerate() {
                let row =
                    |y| at(left, y, channel) * (1.0 - right) + at(left + 1, y, channel) * right;
                *value = (row(top) * (1.0 - below) + row(top + 1) * below).clamp(-1.0, 1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{self, Purpose};

    /// An image of 4 × 5 whose pixels all differ, two channels.
    fn image() -> Vec<f32> {
        (0..40).map(|i| i as f32 / 40.0 - 0.5).collect()
    }

    fn applied(augmentation: &Augmentation, index: u64) -> Vec<f32> {
        let mut values = image();
        let mut rng = rng::rng(1, Purpose::Augmentation, index);
        augmentation.apply(&mut rng, [4, 5, 2].into(), &mut values);
        values
    }

    #[test]
    fn off_is_off() {
        assert!(Augmentation::default().is_off());
        assert_eq!(applied(&Augmentation::default(), 0), image());
    }

    #[test]
    fn flips_happen_in_every_other_image() {
        let horizontal = Augmentation {
            flip_horizontal: true,
            ..Augmentation::default()
        };
        let vertical = Augmentation {
            flip_vertical: true,
            ..Augmentation::default()
        };
        let rows = || image().chunks(10).map(<[f32]>::to_vec).collect::<Vec<_>>();
        let mirrored: Vec<f32> = rows()
            .iter()
            .flat_map(|row| row.chunks(2).rev().flatten().copied().collect::<Vec<_>>())
            .collect();
        let upside_down: Vec<f32> = rows().into_iter().rev().flatten().collect();
        for (augmentation, flipped) in [(horizontal, mirrored), (vertical, upside_down)] {
            let all: Vec<Vec<f32>> = (0..200).map(|i| applied(&augmentation, i)).collect();
            assert!(all.iter().all(|p| *p == image() || *p == flipped));
            let flips = all.iter().filter(|p| **p == flipped).count();
            assert!((70..130).contains(&flips), "{flips} of 200");
        }
    }

    #[test]
    fn shifts_move_by_whole_pixels_and_repeat_the_border() {
        let augmentation = Augmentation {
            shift: 1,
            ..Augmentation::default()
        };
        let original = image();
        let moved = |dx: i64, dy: i64| -> Vec<f32> {
            let value = |i: i64| {
                let (x, y) = (i / 2 % 5 - dx, i / 10 - dy);
                original[(y.clamp(0, 3) * 10 + x.clamp(0, 4) * 2 + i % 2) as usize]
            };
            (0..40).map(value).collect()
        };
        let expected: Vec<Vec<f32>> = (0..9).map(|i| moved(i % 3 - 1, i / 3 - 1)).collect();
        let mut seen = [false; 9];
        for i in 0..200 {
            let found = applied(&augmentation, i);
            let which = expected.iter().position(|p| *p == found);
            seen[which.expect("one of nine shifts")] = true;
        }
        assert_eq!(seen, [true; 9]);
    }

    #[test]
    fn rotations_turn_about_the_middle() {
        let augmentation = Augmentation {
            rotation: 20.0,
            ..Augmentation::default()
        };
        // A ramp along x, about 0 in the middle: turned by t, it is a ramp along (cos t, sin t).
        let side = 9;
        let ramp: Vec<f32> = (0..side * side)
            .map(|i| (i % side) as f32 / 10.0 - 0.4)
            .collect();
        let mut turns = Vec::new();
        for index in 0..20 {
            let mut values = ramp.clone();
            let mut rng = rng::rng(2, Purpose::Augmentation, index);
            augmentation.apply(&mut rng, [side, side, 1].into(), &mut values);
            let at = |x: usize, y: usize| values[y * side + x];
            assert!(at(4, 4).abs() < 1e-6);
            let (along, across) = (at(5, 4) - at(3, 4), at(4, 5) - at(4, 3));
            let length = along.hypot(across);
            assert!((length - 0.2).abs() < 1e-6, "{length}");
            turns.push(across.atan2(along).to_degrees());
        }
        assert!(turns.iter().all(|t| t.abs() <= 20.001), "{turns:?}");
        assert!(turns.iter().any(|t| *t > 5.0) && turns.iter().any(|t| *t < -5.0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let shift = |shift| Augmentation {
            shift,
            ..Augmentation::default()
        };
        let image = FeatureShape::Image(ImageShape {
            height: 8,
            width: 6,
            channels: 1,
        });
        let row = FeatureShape::Row { width: 48 };
        assert!(shift(5).check_for(&image).is_ok());
        assert!(shift(6).check_for(&image).is_err());
        assert!(shift(1).check_for(&row).is_err());
        assert!(Augmentation::default().check_for(&row).is_ok());
        for rotation in [-1.0, 46.0, f64::NAN] {
            let turned = Augmentation {
                rotation,
                ..Augmentation::default()
            };
            assert!(turned.check().is_err(), "{rotation}");
        }
    }
}
