//! Where the pixels of a folder's images are: in memory, or in their files.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use unlike_core::{Error, Frame, ImageSource, Result};

use super::{
    Fit, ImageSize, decode,
    pages::Page,
    place::{Depth, Placement, Raster},
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

/// The files of images, and what is made of them.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) files: Vec<File>,
    pub(super) recipe: Recipe,
}

/// An image file, and what it held when it was first read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) page: Page,
    pub(super) size: ImageSize,
    pub(super) checksum: u32,
}

impl Files {
    /// An image as its file has it, if that is still what it was.
    fn decode(&self, image: usize, channels: usize) -> Result<Raster<'static>> {
        let file = &self.files[image];
        let source = Source::load(&file.path)?;
        if source.checksum() != file.checksum {
            return Err(changed(&file.path));
        }
        decode::decode(&source, file.page, channels)
    }

    fn placed(&self, image: usize) -> Result<Depth<'static>> {
        let path = &self.files[image].path;
        let raster = self.decode(image, self.recipe.channels)?;
        let placed = self.recipe.placement(raster.size, path)?.place(raster);
        placed.map_err(|refusal| refusal.into_error(path))
    }

    fn frame(&self, image: usize) -> Option<Frame> {
        let File { size, path, .. } = &self.files[image];
        let placement = self.recipe.placement(*size, path);
        placement.ok().map(|placement| placement.frame())
    }

    fn original(&self, image: usize) -> Result<Vec<u8>> {
        Ok(self.decode(image, 3)?.values.bytes().into_owned())
    }
}

/// Images in memory, at the size that models see.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) pixels: Vec<Depth<'static>>,
    pub(super) files: Files,
}

impl ImageSource for Decoded {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        self.pixels[image].write(out);
        Ok(())
    }

    fn frame(&self, image: usize) -> Option<Frame> {
        self.files.frame(image)
    }

    fn original(&self, image: usize) -> Result<Option<Vec<u8>>> {
        self.files.original(image).map(Some)
    }
}

/// Images that are decoded whenever they are asked for.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) files: Files,
    /// Of the values that each image becomes.
    pub(super) digests: Vec<[u8; 32]>,
}

impl ImageSource for OnDisk {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        self.files.placed(image)?.write(out);
        Ok(())
    }

    fn digest(&self, image: usize) -> Option<[u8; 32]> {
        Some(self.digests[image])
    }

    fn frame(&self, image: usize) -> Option<Frame> {
        self.files.frame(image)
    }

    fn original(&self, image: usize) -> Result<Option<Vec<u8>>> {
        self.files.original(image).map(Some)
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
