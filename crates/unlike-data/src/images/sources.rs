//! Where the pixels of a folder's images are: in memory, or in their files.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use unlike_core::{Error, ImageSource, Result};

use super::{
    Fit, ImageSize, decode,
    pages::Page,
    place::{Depth, Placement},
};
use crate::source::Source;

/// What is made of every image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipe {
    pub(super) size: ImageSize,
    pub(super) channels: usize,
    pub(super) fit: Fit,
}

impl Recipe {
    /// Where an image of this size goes.
    pub(super) fn placement(&self, from: ImageSize, path: &Path) -> Result<Placement> {
        Placement::new(from, self.size, self.fit).map_err(|refusal| refusal.into_error(path))
    }
}

/// Images in memory.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) pixels: Vec<Depth<'static>>,
    /// What each covers of its size.
    pub(super) covered: Vec<[usize; 4]>,
}

impl ImageSource for Decoded {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        self.pixels[image].write(out);
        Ok(())
    }

    fn covered(&self, image: usize) -> Option<[usize; 4]> {
        Some(self.covered[image])
    }
}

/// Images that are decoded whenever they are asked for.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) files: Vec<File>,
    pub(super) recipe: Recipe,
}

/// An image file, and what it held when it was first read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) page: Page,
    pub(super) checksum: u32,
    /// Of the values that it becomes.
    pub(super) digest: [u8; 32],
    /// What it covers of its size.
    pub(super) covered: [usize; 4],
}

impl ImageSource for OnDisk {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        let File {
            path,
            page,
            checksum,
            ..
        } = &self.files[image];
        let source = Source::load(path)?;
        if source.checksum() != *checksum {
            return Err(changed(path));
        }
        let raster = decode::decode(&source, *page, self.recipe.channels)?;
        let placed = self.recipe.placement(raster.size, path)?.place(raster);
        placed
            .map_err(|refusal| refusal.into_error(path))?
            .write(out);
        Ok(())
    }

    fn digest(&self, image: usize) -> Option<[u8; 32]> {
        Some(self.files[image].digest)
    }

    fn covered(&self, image: usize) -> Option<[usize; 4]> {
        Some(self.files[image].covered)
    }
}

/// SHA-256 of so many values, as [`ImageSource::digest`] takes it.
pub(super) fn digest(pixels: &Depth<'_>, values: usize) -> [u8; 32] {
    let mut written = vec![0.0_f32; values];
    pixels.write(&mut written);
    let bytes: Vec<u8> = written.iter().flat_map(|v| v.to_le_bytes()).collect();
    Sha256::digest(bytes).into()
}

fn changed(path: &Path) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        location: Default::default(),
        found: "another content than when the folder was read".into(),
        expected: "files that stay as they are until the work is done".into(),
        hint: Some("start again; what was saved so far belongs to the old files".into()),
    }
}
