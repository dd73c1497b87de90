//! What detectors see of images, as settings.

use std::path::Path;

use serde::{Deserialize, Serialize};
use unlike_core::{Error, ImageShape, Result};

use crate::{
    dct::Dct,
    extraction::Extraction,
    lite0::{self, Lite0},
    network::Network,
    onnx::Onnx,
    tiling::Tiles,
};

/// What detectors see of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "features", rename_all = "kebab-case")]
pub enum FeatureConfig {
    /// The pixels, as they are.
    Pixels,
    /// Rows of what [`Lite0`] says, which is in the binary.
    Lite0(Taps),
    /// Rows of what the cosine transform says of windows, which needs no network.
    Dct(Windows),
    /// Rows of what a network in a file says.
    Onnx(Onnx),
}

/// How what a network says becomes rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Taps {
    /// What becomes a row.
    pub pool: Pool,
    /// The stages of the network that are read, in this order; the finest gives the places.
    pub taps: Vec<String>,
    /// How images that are larger than the network sees at once are cut; whole if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<Tiles>,
}

/// How what the cosine transform says becomes rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Windows {
    /// What becomes a row.
    pub pool: Pool,
    /// How images that are larger than the network sees at once are cut; whole if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<Tiles>,
}

/// What of an image becomes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The image: mean, standard deviation and maximum of every channel.
    Image,
    /// Every place: its channels, each averaged over the place and its neighbours where a network gave
    /// them. Coarser stages are interpolated.
    Patches,
    /// Both: a detector for each, and the sum of what they say, each in units of its spread over held-out
    /// normals.
    Both,
}

/// Images of at most so many pixels on a side are not seen place by place unasked.
const SMALL: usize = 32;
/// Pixels of a side of the images that `lite0` was trained on.
const LITE0_SIDE: usize = 224;
/// Pixels of a side on which windows of the cosine transform were tried.
const DCT_SIDE: usize = 128;
/// Pixels of a side up to which images that are cut into tiles stay as they are.
const TILED_SIDE: usize = 4096;

impl FeatureConfig {
    /// [`Lite0`] with the stages that are recommended: one of fine places, one that knows more of what
    /// is around.
    pub fn lite0(pool: Pool) -> Self {
        let taps = ["stage3", "stage5"].map(str::to_owned).to_vec();
        Self::Lite0(Taps {
            pool,
            taps,
            tiles: None,
        })
    }

    /// The cosine transform of windows.
    pub fn dct(pool: Pool) -> Self {
        Self::Dct(Windows { pool, tiles: None })
    }

    /// What is recommended for images of this size: what a network says of their places, which show
    /// defects that networks on pixels do not see (RESULTS.md, "Magnetic tiles"). Of images of up to 32 pixels
    /// on a side, a place is a quarter: what it says of the whole image, for those of an array, and pixels for those
    /// that are files, whose maps people look at (ADR 27).
    pub fn usual(image: ImageShape, are_files: bool) -> Self {
        match (image.height.max(image.width) <= SMALL, are_files) {
            (true, true) => Self::Pixels,
            (true, false) => Self::lite0(Pool::Image),
            (false, _) => Self::lite0(Pool::Patches),
        }
    }

    /// The longest side that images are brought to unasked: that of the images which the network was
    /// trained on, or what networks on pixels can afford.
    /// Those that are cut into tiles may be larger than what one look takes in.
    pub fn usual_side(&self) -> usize {
        if self.tiles().is_some() {
            return TILED_SIDE;
        }
        match self {
            Self::Pixels => 64,
            Self::Lite0(_) => LITE0_SIDE,
            Self::Dct(_) => DCT_SIDE,
            Self::Onnx(network) => network.usual_side(),
        }
    }

    /// What of an image becomes a row; `None` for pixels.
    pub fn pool(&self) -> Option<Pool> {
        match self {
            Self::Pixels => None,
            Self::Lite0(Taps { pool, .. })
            | Self::Dct(Windows { pool, .. })
            | Self::Onnx(Onnx { pool, .. }) => Some(*pool),
        }
    }

    /// The same with another part of an image as a row.
    #[must_use]
    pub fn with_pool(mut self, to: Pool) -> Self {
        match &mut self {
            Self::Pixels => {}
            Self::Lite0(Taps { pool, .. })
            | Self::Dct(Windows { pool, .. })
            | Self::Onnx(Onnx { pool, .. }) => *pool = to,
        }
        self
    }

    /// How images are cut into tiles; `None` if they are seen whole.
    pub fn tiles(&self) -> Option<Tiles> {
        match self {
            Self::Pixels => None,
            Self::Lite0(Taps { tiles, .. })
            | Self::Dct(Windows { tiles, .. })
            | Self::Onnx(Onnx { tiles, .. }) => *tiles,
        }
    }

    /// The same with images cut into tiles, or not.
    #[must_use]
    pub fn with_tiles(mut self, to: Option<Tiles>) -> Self {
        match &mut self {
            Self::Pixels => {}
            Self::Lite0(Taps { tiles, .. })
            | Self::Dct(Windows { tiles, .. })
            | Self::Onnx(Onnx { tiles, .. }) => *tiles = to,
        }
        self
    }

    /// `[height, width]` of the images that they must be of; `None` for any.
    pub fn fixed_size(&self) -> Option<[usize; 2]> {
        match self {
            Self::Onnx(network) if network.tiles.is_none() => network.size,
            Self::Onnx(_) => None,
            Self::Pixels | Self::Lite0(_) | Self::Dct(_) => None,
        }
    }

    /// The same with the network of a file read, where it is one, so that settings say which it is.
    ///
    /// # Errors
    /// If the file cannot be read, is no network of images, or is another than the settings say.
    pub fn open(self) -> Result<Self> {
        Ok(match self {
            Self::Onnx(network) => Self::Onnx(network.open()?),
            other => other,
        })
    }

    /// The same with the names of the outputs that an extraction of these settings reads, where they were to
    /// be found.
    #[must_use]
    pub fn with_taps_of(self, extraction: &Extraction) -> Self {
        match self {
            Self::Onnx(network) if network.taps.is_empty() => Self::Onnx(Onnx {
                taps: extraction.taps(),
                ..network
            }),
            other => other,
        }
    }

    /// The network of a file that model files are to hold: its SHA-256, and the bytes of the file.
    pub fn embedded(&self) -> Option<(&str, &[u8])> {
        match self {
            Self::Onnx(network) if network.embed => network.content(),
            _ => None,
        }
    }

    /// As settings that a model file holds, with the network that it holds too or, if it does not, the one of
    /// the file that they name, there or in `folder`.
    ///
    /// # Errors
    /// If there is none, or another than that of the training.
    pub fn restored<'a>(
        self,
        held: impl Fn(&str) -> Option<&'a [u8]>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        Ok(match self {
            Self::Onnx(network) => {
                let held = network.sha256.as_deref().and_then(held);
                Self::Onnx(network.restored(held, folder)?)
            }
            other => other,
        })
    }

    /// What says the features of images, or tiles, of this size; `None` for pixels.
    ///
    /// # Errors
    /// If the network has no such tap, or takes no such images.
    pub(crate) fn network(&self, image: ImageShape) -> Result<Option<Box<dyn Network>>> {
        Ok(match self {
            Self::Pixels => None,
            Self::Lite0(taps) => Some(Box::new(Lite0::bundled().reading(taps.stages()?, image))),
            Self::Dct(_) => Some(Box::new(Dct::new(image))),
            Self::Onnx(network) => Some(Box::new(network.reading(image)?)),
        })
    }
}

impl Taps {
    /// Positions of the taps among the network's stages.
    fn stages(&self) -> Result<Vec<usize>> {
        let known = lite0::TAPS.map(|(name, _)| name);
        let mut stages = Vec::with_capacity(self.taps.len());
        for tap in &self.taps {
            let stage = known.iter().position(|name| name == tap);
            let stage = stage.filter(|stage| !stages.contains(stage));
            stages.push(stage.ok_or_else(|| Error::Setting {
                name: "features.taps".into(),
                found: format!("`{tap}`"),
                expected: format!("each once of {}", known.join(", ")),
                hint: None,
            })?);
        }
        if stages.is_empty() {
            return Err(Error::Setting {
                name: "features.taps".into(),
                found: "none".into(),
                expected: format!("some of {}", known.join(", ")),
                hint: None,
            });
        }
        Ok(stages)
    }
}
