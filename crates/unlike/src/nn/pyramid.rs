//! The sides that maps have, from an image down to where convolutions end.

use std::ops::RangeInclusive;

use unlike_core::{Error, FeatureShape, ImageShape, Note, Result};

use super::plan::channels_of;
use crate::settings::Width;

/// Common sides of images, which a hint proposes.
const COMMON: [usize; 6] = [16, 28, 32, 64, 128, 256];

/// A pyramid of maps over square images: level 0 is as large as the image, each further one has half
/// the side of that before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pyramid {
    /// The side at each level.
    pub sides: Vec<usize>,
    /// Channels of the images.
    pub colours: usize,
    /// Channels at level 0.
    pub width: usize,
}

impl Pyramid {
    /// The pyramid for samples of this shape, whose sides halve until they are within `end`. Rows have
    /// none, and then no `width` either: so a setting tells convolutions from fully connected layers.
    ///
    /// # Errors
    /// If rows come with a width or images without one, if images are not square, or if no halving
    /// ends there; the hint names the nearest common side that does.
    pub fn of(
        x: &FeatureShape,
        width: Option<Width>,
        end: RangeInclusive<usize>,
    ) -> Result<Option<Self>> {
        let refused = |found: &str, expected: &str| Error::Setting {
            name: "networks.width".into(),
            found: found.into(),
            expected: expected.into(),
            hint: None,
        };
        match (x, width) {
            (FeatureShape::Row { .. } | FeatureShape::Patch { .. }, None) => Ok(None),
            (FeatureShape::Row { .. } | FeatureShape::Patch { .. }, Some(_)) => {
                let expected = "nothing for a table, whose layers are fully connected";
                Err(refused("given", expected))
            }
            (FeatureShape::Image(_), None) => {
                Err(refused("missing", "the channels of the first convolution"))
            }
            (FeatureShape::Image(_), Some(width)) => Ok(Some(Self {
                sides: halvings(x, end)?,
                colours: channels_of(x),
                width: width.get(),
            })),
        }
    }

    /// The deepest level.
    pub fn deepest(&self) -> usize {
        self.sides.len() - 1
    }

    /// `width` channels at level 0, twice as many at each further level, at most thrice.
    pub fn channels(&self, level: usize) -> usize {
        self.width << level.min(3)
    }

    /// The maps of the deepest level, with so many channels.
    pub fn smallest(&self, channels: usize) -> FeatureShape {
        let side = self.sides[self.deepest()];
        FeatureShape::image(side, side, channels)
    }
}

fn halvings(x: &FeatureShape, end: RangeInclusive<usize>) -> Result<Vec<usize>> {
    let levels = |side: usize| -> Option<Vec<usize>> {
        let half = |side: &usize| {
            let halves = side.is_multiple_of(2) && side > end.end();
            halves.then_some(side / 2)
        };
        let sides: Vec<usize> = std::iter::successors(Some(side), half).collect();
        let ends = sides.last().is_some_and(|last| end.contains(last));
        (ends && sides.len() > 1).then_some(sides)
    };
    let [height, width] = match *x {
        FeatureShape::Image(ImageShape { height, width, .. }) => [height, width],
        FeatureShape::Row { width } | FeatureShape::Patch { width, .. } => [1, width],
    };
    if let Some(sides) = levels(height).filter(|_| height == width) {
        return Ok(sides);
    }
    let fitting: Vec<usize> = COMMON
        .into_iter()
        .filter(|&s| levels(s).is_some())
        .collect();
    let far = |side: &&usize| side.abs_diff(height.max(width));
    let nearest = fitting.iter().min_by_key(far).unwrap_or(&COMMON[2]);
    let sides: Vec<String> = fitting.iter().map(usize::to_string).collect();
    Err(Error::Mismatch {
        origin: None,
        found: format!("images of {width} x {height} pixels"),
        expected: format!(
            "square images of {} pixels, or of another side that halves down to {} or less",
            sides.join(", "),
            end.end()
        ),
        hint: Some(Note::new("resize them with ").set("image-size", nearest)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(height: usize, width: usize) -> FeatureShape {
        FeatureShape::image(height, width, 1)
    }

    #[test]
    fn sides_halve_down_to_the_end() {
        assert_eq!(halvings(&image(28, 28), 4..=7).unwrap(), [28, 14, 7]);
        assert_eq!(halvings(&image(64, 64), 4..=7).unwrap(), [64, 32, 16, 8, 4]);
        assert_eq!(halvings(&image(32, 32), 4..=4).unwrap(), [32, 16, 8, 4]);
        assert!(halvings(&image(4, 4), 4..=7).is_err());
    }

    #[test]
    fn convolutions_are_for_images_and_images_for_convolutions() {
        let (row, width) = (FeatureShape::row(9), Some(Width::of(5)));
        let of = |x: &FeatureShape, width| Pyramid::of(x, width, 4..=7);
        assert_eq!(of(&row, None).unwrap(), None);
        let error = of(&row, width).unwrap_err().to_string();
        assert!(error.contains("nothing for a table"), "{error}");
        let error = of(&image(28, 28), None).unwrap_err().to_string();
        assert!(error.contains("`networks.width` is missing"), "{error}");
        let pyramid = of(&image(64, 64), width).unwrap().unwrap();
        let channels: Vec<usize> = (0..=pyramid.deepest())
            .map(|l| pyramid.channels(l))
            .collect();
        assert_eq!(channels, [5, 10, 20, 40, 40]);
        assert_eq!(pyramid.smallest(3), FeatureShape::image(4, 4, 3));
    }

    #[test]
    fn others_are_refused_with_the_nearest_side_that_does() {
        for (height, width, nearest) in [
            (28, 32, 32),
            (30, 30, 28),
            (6, 6, 16),
            (100, 100, 128),
            (480, 640, 256),
            (0, 0, 16),
        ] {
            let error = halvings(&image(height, width), 4..=7).unwrap_err();
            let hint = error.hint().unwrap();
            assert!(
                hint.ends_with(&format!("`image-size = {nearest}`")),
                "{hint}"
            );
        }
        let error = halvings(&image(28, 28), 4..=4).unwrap_err();
        assert!(
            error.hint().unwrap().ends_with("`image-size = 32`"),
            "{error}"
        );
    }
}
