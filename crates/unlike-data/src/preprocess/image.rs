//! Images need no fitting: readers scale them to [-1, 1]. Their size is what is learned.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Error, FeatureShape, ImageShape, Images, InputSpec, Result, Samples};

use super::PreprocessingConfig;
use crate::images::{Fit, ImageOptions, ImageSize};

/// The images that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct ImagePreprocessing {
    shape: ImageShape,
    /// How images of other sizes became such ones.
    fit: Fit,
}

/// As [`ImagePreprocessing`] stands in a model file, before it is checked.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Saved {
    shape: ImageShape,
    fit: Fit,
}

/// Values of an image, at most: more than the largest file of an image that is read has, and few
/// enough for every product of sizes.
const LARGEST: usize = 1 << 30;

impl TryFrom<Saved> for ImagePreprocessing {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { shape, fit } = saved;
        let ImageShape {
            height,
            width,
            channels,
        } = shape;
        let values = height
            .checked_mul(width)
            .and_then(|pixels| pixels.checked_mul(channels));
        match values {
            Some(1..=LARGEST) => Ok(Self { shape, fit }),
            _ => Err(format!(
                "images of {height} × {width} × {channels} values; expected 1 to {LARGEST} values"
            )),
        }
    }
}

impl ImagePreprocessing {
    pub(super) fn fit(images: &Images, config: &PreprocessingConfig) -> Result<Self> {
        if images.is_empty() {
            return Err(Error::NotEnough {
                what: format!("training images in `{}`", images.origin()),
                found: "none".into(),
                expected: "at least 1".into(),
                hint: None,
            });
        }
        Ok(Self {
            shape: images.shape(),
            fit: config.image_fit,
        })
    }

    pub(super) fn input(&self) -> InputSpec {
        InputSpec::Image(self.shape)
    }

    pub(super) fn shape(&self) -> FeatureShape {
        FeatureShape::Image(self.shape)
    }

    pub(super) fn options(&self, options: ImageOptions) -> ImageOptions {
        let ImageShape {
            height,
            width,
            channels,
        } = self.shape;
        ImageOptions {
            size: Some(ImageSize { height, width }),
            channels: Some(channels),
            fit: self.fit,
            ..options
        }
    }

    pub(super) fn bind<'a>(&self, samples: &'a Samples) -> Result<&'a Images> {
        let found = match samples {
            Samples::Images(images) if images.shape() == self.shape => return Ok(images),
            Samples::Images(images) => format!("images of {}", images.shape()),
            Samples::Table(_) => "a table".into(),
        };
        Err(Error::Mismatch {
            origin: Some(format!("`{}`", samples.origin())),
            found,
            expected: format!("images of {}", self.shape),
            hint: None,
        })
    }
}

/// Fills `out` with images, one after the other, in parallel; `position` says which comes at a place.
///
/// Of several that cannot be read, the first is reported, whatever the threads do.
pub(super) fn write(
    images: &Images,
    out: &mut [f32],
    position: impl Fn(usize) -> usize + Sync,
) -> Result<()> {
    let size = images.shape().size();
    let failure = out
        .par_chunks_exact_mut(size)
        .enumerate()
        .filter_map(|(place, out)| Some((place, images.write(position(place), out).err()?)))
        .min_by_key(|(place, _)| *place);
    match failure {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
