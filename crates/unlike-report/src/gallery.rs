//! Images to look at: what the detector marks, and where it errs.

use serde::{Deserialize, Serialize};

use crate::evaluation::Case;

/// Images of a test set with what the detector marks in them. The lists overlap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gallery {
    /// The value of a map from which on a place counts as anomalous, in units of the maps.
    pub pixel_threshold: f64,
    /// Highest score first.
    pub most_anomalous: Vec<Tile>,
    /// Nearest to the threshold on both sides, highest score first.
    pub borderline: Vec<Tile>,
    /// Normal samples that are flagged, highest score first.
    pub false_alarms: Vec<Tile>,
    /// Anomalies that are not flagged, lowest score first.
    pub missed: Vec<Tile>,
}

impl Gallery {
    /// Whether there is no image in it.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|list| list.is_empty())
    }

    /// Most anomalous, borderline, false alarms, missed.
    pub fn lists(&self) -> [&[Tile]; 4] {
        [
            &self.most_anomalous,
            &self.borderline,
            &self.false_alarms,
            &self.missed,
        ]
    }
}

/// An image with its map. Places are `[x, y]` in pixels of the original from its left and top.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tile {
    /// Which sample it is, and its score; without reasons and image.
    pub case: Case,
    /// `[width, height]` of the original.
    pub size: [u32; 2],
    /// The image in its own proportions, scaled down where it is large: a PNG or JPEG file.
    #[serde(with = "crate::json::base64_bytes")]
    pub picture: Vec<u8>,
    /// The map, transparent where it is low: a PNG file.
    #[serde(with = "crate::json::base64_bytes")]
    pub map: Vec<u8>,
    /// Left, top, width and height of the part of the image that the map covers.
    pub covered: [f64; 4],
    /// `[x, y, width, height]` of each connected region above the pixel threshold, that with the
    /// highest value first.
    pub boxes: Vec<[u32; 4]>,
    /// Outlines of the regions above the pixel threshold: closed polygons, holes too.
    pub regions: Vec<Vec<[f32; 2]>>,
    /// Outlines of what the mask marks; absent without a mask.
    pub mask: Option<Vec<Vec<[f32; 2]>>>,
}
