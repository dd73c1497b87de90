//! Images for people: maps over images, sheets of what a model makes, PNG files.

pub(crate) mod files;
pub mod heat;
pub mod maps;
pub(crate) mod outline;
mod pixel_threshold;
pub(crate) mod raster;
pub mod sheets;

pub use maps::Strips;
pub use pixel_threshold::pixel_threshold;
pub use raster::Raster;
pub use sheets::{Sheets, stride};

use std::path::Path;

use unlike_core::Result;

/// Writes an image as a PNG file, as a whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_png(path: &Path, image: &Raster) -> Result<()> {
    crate::files::write(path, &image.png()?)
}
