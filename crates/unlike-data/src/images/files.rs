//! The image files of a folder, with their classes and masks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use unlike_core::{Error, Note, Result};
use walkdir::WalkDir;

use super::{
    ImageOptions, MaskRule,
    decode::{EXTENSIONS, skip},
};
use crate::words;

/// An image and its mask.
pub(super) struct Image {
    pub(super) path: PathBuf,
    /// The path within the folder.
    pub(super) id: String,
    /// The first sub-folder; empty for images that lie in the folder itself.
    pub(super) class: String,
    pub(super) mask: Option<PathBuf>,
}

/// What became of files that could not be read.
#[derive(Default)]
pub(super) struct Skipped(Vec<String>);

impl Skipped {
    /// Takes note of a failure, or passes it on.
    pub(super) fn accept(&mut self, error: Error, options: &ImageOptions) -> Result<()> {
        if !options.skip_unreadable {
            return Err(error);
        }
        self.0.push(error.to_string());
        Ok(())
    }

    pub(super) fn note(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| {
            format!(
                "{} left out: {}",
                words::counted(self.0.len(), "unreadable file"),
                words::limited(self.0.iter().cloned(), 3)
            )
        })
    }
}

/// Finds the images of a folder and its sub-folders.
pub(super) fn find(
    root: &Path,
    options: &ImageOptions,
    skipped: &mut Skipped,
) -> Result<Vec<Image>> {
    let files = files(root, options, skipped)?;
    images(root, files, options, skipped)
}

/// The image files in a folder and below, sorted; hidden ones are left out.
fn files(root: &Path, options: &ImageOptions, skipped: &mut Skipped) -> Result<Vec<PathBuf>> {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let walk = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()));
    let mut files = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_named_as_image(entry.path()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => skipped.accept(walk_error(root, error), options)?,
        }
    }
    Ok(files)
}

fn is_named_as_image(path: &Path) -> bool {
    extension(path).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

fn walk_error(root: &Path, error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(root).to_owned();
    if let Some(ancestor) = error.loop_ancestor() {
        return Error::Malformed {
            path,
            location: Default::default(),
            found: format!("a symbolic link back to `{}`", ancestor.display()),
            expected: "folders without loops".into(),
            hint: Some(skip()),
        };
    }
    let text = error.to_string();
    let source = error
        .into_io_error()
        .unwrap_or_else(|| std::io::Error::other(text));
    Error::Io {
        action: "read",
        path,
        source,
    }
}

/// Tells masks from images, folder by folder.
fn images(
    root: &Path,
    files: Vec<PathBuf>,
    options: &ImageOptions,
    skipped: &mut Skipped,
) -> Result<Vec<Image>> {
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        folders
            .entry(file.parent().unwrap_or(root).to_owned())
            .or_default()
            .push(file);
    }
    let mut images = Vec::new();
    for files in folders.into_values() {
        let is_png = |file: &PathBuf| extension(file).as_deref() == Some("png");
        let (pngs, others): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(is_png);
        let stems: BTreeSet<PathBuf> = others.iter().map(|p| p.with_extension("")).collect();
        let paired = pngs
            .iter()
            .filter(|png| stems.contains(&png.with_extension("")))
            .count();
        // One stray file must not turn masks into samples, nor samples into masks.
        if options.masks == MaskRule::Ignore || paired * 2 < pngs.len().max(1) {
            let mut all = [pngs, others].concat();
            all.sort();
            images.extend(all.into_iter().map(|path| Image::new(root, path, None)));
            continue;
        }
        let mut masks: BTreeMap<PathBuf, PathBuf> = pngs
            .into_iter()
            .map(|png| (png.with_extension(""), png))
            .collect();
        for path in others {
            match masks.remove(&path.with_extension("")) {
                Some(mask) => images.push(Image::new(root, path, Some(mask))),
                None => skipped.accept(
                    unpaired(
                        path,
                        "an image without a mask",
                        "a `.png` of the same name beside it",
                    ),
                    options,
                )?,
            }
        }
        for mask in masks.into_values() {
            let error = unpaired(
                mask,
                "a mask without an image",
                "an image of the same name beside it",
            );
            skipped.accept(error, options)?;
        }
    }
    Ok(images)
}

fn unpaired(path: PathBuf, found: &str, expected: &str) -> Error {
    Error::Malformed {
        path,
        location: Default::default(),
        found: found.into(),
        expected: format!("{expected}, as the other images of the folder have"),
        hint: Some(Note::new("add it, or ").then(skip())),
    }
}

impl Image {
    fn new(root: &Path, path: PathBuf, mask: Option<PathBuf>) -> Self {
        let inside = path.strip_prefix(root).unwrap_or(&path);
        let parts: Vec<String> = inside
            .components()
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        let class = if parts.len() > 1 {
            parts[0].clone()
        } else {
            String::new()
        };
        Self {
            id: parts.join("/"),
            class,
            mask,
            path,
        }
    }
}
