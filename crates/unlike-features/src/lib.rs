//! Deep features of images: a frozen network as a fitted step between samples and detectors.
//!
//! An image becomes one row (its channels pooled over all places) or a row for each place; from there
//! on detectors see rows, and know nothing of images. Rows are in units of their spread over training
//! images, so that one setting of a detector serves any network.

mod config;
mod dct;
mod extraction;
mod graph;
mod lite0;
mod map;
mod network;
mod onnx;
mod options;
mod scaling;
mod threads;
mod tiling;

pub use config::{FeatureConfig, Pool, Taps, Windows};
pub use extraction::Extraction;
pub use lite0::Lite0;
pub use map::{Map, resized};
pub use onnx::Onnx;
pub use options::FeatureOptions;
pub use tiling::Tiles;
