//! Folders of pictures: the first sub-folder is the class, and masks lie beside their pictures.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use unlike_core::{Error, Images, Result, Samples};
use walkdir::WalkDir;

use super::{
    ImageOptions, ImageSize, MaskRule, Masks,
    decode::{self, EXTENSIONS, Header, SKIP},
    masks,
    place::Placement,
};
use crate::{
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    source::{Source, file_name},
    words,
};

/// A picture and its mask.
struct Picture {
    path: PathBuf,
    /// The path within the folder.
    id: String,
    /// The first sub-folder; empty for pictures that lie in the folder itself.
    class: String,
    mask: Option<PathBuf>,
}

/// What became of files that could not be read.
#[derive(Default)]
struct Skipped(Vec<String>);

impl Skipped {
    /// Takes note of a failure, or passes it on.
    fn accept(&mut self, error: Error, options: &ImageOptions) -> Result<()> {
        if !options.skip_unreadable {
            return Err(error);
        }
        self.0.push(error.to_string());
        Ok(())
    }

    fn note(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| {
            format!(
                "{} left out because they cannot be read: {}",
                words::counted(self.0.len(), "file"),
                words::limited(self.0.iter().cloned(), 3)
            )
        })
    }
}

/// Reads all pictures of a folder and its sub-folders.
pub(super) fn read(root: &Path, options: &ReadOptions) -> Result<DataSet> {
    let mut skipped = Skipped::default();
    let files = files(root, &options.image, &mut skipped)?;
    let pictures = pictures(root, files, &options.image, &mut skipped)?;
    assemble(root, pictures, skipped, options)
}

/// Reads one picture.
pub(super) fn read_one(source: Source, options: &ReadOptions) -> Result<DataSet> {
    let id = file_name(&source.path);
    let path = source.path;
    let picture = Picture {
        path: path.clone(),
        id,
        class: String::new(),
        mask: None,
    };
    assemble(&path, vec![picture], Skipped::default(), options)
}

/// The picture files in a folder and below, sorted; hidden ones are left out.
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
            Ok(entry) if entry.file_type().is_file() && is_named_as_picture(entry.path()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => skipped.accept(walk_error(root, error), options)?,
        }
    }
    Ok(files)
}

fn is_named_as_picture(path: &Path) -> bool {
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
            hint: Some(SKIP.into()),
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

/// Tells masks from pictures, folder by folder.
fn pictures(
    root: &Path,
    files: Vec<PathBuf>,
    options: &ImageOptions,
    skipped: &mut Skipped,
) -> Result<Vec<Picture>> {
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        folders
            .entry(file.parent().unwrap_or(root).to_owned())
            .or_default()
            .push(file);
    }
    let mut pictures = Vec::new();
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
            pictures.extend(all.into_iter().map(|path| Picture::new(root, path, None)));
            continue;
        }
        let mut masks: BTreeMap<PathBuf, PathBuf> = pngs
            .into_iter()
            .map(|png| (png.with_extension(""), png))
            .collect();
        for path in others {
            match masks.remove(&path.with_extension("")) {
                Some(mask) => pictures.push(Picture::new(root, path, Some(mask))),
                None => skipped.accept(
                    unpaired(
                        path,
                        "a picture without a mask",
                        "a `.png` of the same name beside it",
                    ),
                    options,
                )?,
            }
        }
        for mask in masks.into_values() {
            let error = unpaired(
                mask,
                "a mask without a picture",
                "a picture of the same name beside it",
            );
            skipped.accept(error, options)?;
        }
    }
    Ok(pictures)
}

fn unpaired(path: PathBuf, found: &str, expected: &str) -> Error {
    Error::Malformed {
        path,
        location: Default::default(),
        found: found.into(),
        expected: format!("{expected}, as the other pictures of the folder have"),
        hint: Some(format!("add it, or {SKIP}")),
    }
}

impl Picture {
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

/// Decodes all pictures to one size.
fn assemble(
    root: &Path,
    pictures: Vec<Picture>,
    mut skipped: Skipped,
    options: &ReadOptions,
) -> Result<DataSet> {
    let image = &options.image;
    let headers: Vec<Result<Header>> = pictures
        .par_iter()
        .map(|p| Source::load(&p.path).and_then(|s| decode::header(&s)))
        .collect();
    let mut readable = Vec::with_capacity(pictures.len());
    for (picture, header) in pictures.into_iter().zip(headers) {
        match header {
            Ok(header) => readable.push((picture, header)),
            Err(error) => skipped.accept(error, image)?,
        }
    }
    let Some(((first, _), header)) = readable.first().map(|first| (first, first.1)) else {
        return Err(Error::NotEnough {
            what: format!("pictures in `{}`", root.display()),
            found: skipped.note().unwrap_or_else(|| "none".into()),
            expected: "at least 1".into(),
            hint: Some(format!(
                "pictures are files that end in {}",
                EXTENSIONS.join(", ")
            )),
        });
    };
    let size = match image.size {
        Some(size) => size,
        None => {
            common_size(&readable, &first.path, header.size)?;
            header.size
        }
    };
    let colour = readable.iter().any(|(_, header)| header.colour);
    let channels = image.channels.unwrap_or(if colour { 3 } else { 1 });

    let each = size.height * size.width * channels;
    let mut pixels = vec![0.0; readable.len() * each];
    let decoded: Vec<Result<Option<Vec<bool>>>> = readable
        .par_iter()
        .zip(pixels.par_chunks_exact_mut(each))
        .map(|((picture, header), out)| draw(picture, header, size, channels, image, out))
        .collect();
    let (mut kept, mut masks) = (Vec::new(), Vec::new());
    for (at, ((picture, header), result)) in readable.into_iter().zip(decoded).enumerate() {
        match result {
            Ok(mask) => {
                // Close the gaps that unreadable pictures left.
                pixels.copy_within(at * each..(at + 1) * each, kept.len() * each);
                kept.push((picture, header));
                masks.push(mask);
            }
            Err(error) => skipped.accept(error, image)?,
        }
    }
    pixels.truncate(kept.len() * each);

    let mut notes: Vec<String> = skipped.note().into_iter().collect();
    let transparent = kept.iter().filter(|(_, header)| header.transparent).count();
    if transparent > 0 {
        notes.push(format!(
            "{} with transparency, laid over black",
            words::counted(transparent, "picture")
        ));
    }
    let classes = classes(&kept, options);
    let ids = kept.into_iter().map(|(picture, _)| picture.id).collect();
    let shape = [size.height, size.width, channels];
    let samples = Images::new(root.display().to_string(), shape, pixels, ids)?;
    let samples = Samples::Images(samples);
    let convention = Convention::NormalIfPresent(&["good", "normal"]);
    let data = DataSet::new(root, Format::Images, samples, classes, convention, options)?;
    let data = data.with_notes(notes);
    Ok(match masks.iter().any(Option::is_some) {
        true => data.with_masks(Masks::new([size.height, size.width], masks)),
        false => data,
    })
}

fn common_size(pictures: &[(Picture, Header)], first: &Path, size: ImageSize) -> Result<()> {
    let Some((other, header)) = pictures.iter().find(|(_, header)| header.size != size) else {
        return Ok(());
    };
    Err(Error::Malformed {
        path: other.path.clone(),
        location: Default::default(),
        found: format!("{} × {} pixels", header.size.width, header.size.height),
        expected: format!(
            "{} × {}, as `{}` has",
            size.width,
            size.height,
            first.display()
        ),
        hint: Some("bring all to one size with --image-size".into()),
    })
}

/// Decodes one picture into its place, and its mask.
fn draw(
    picture: &Picture,
    header: &Header,
    size: ImageSize,
    channels: usize,
    options: &ImageOptions,
    out: &mut [f32],
) -> Result<Option<Vec<bool>>> {
    let refused = |refusal: super::place::Refusal| refusal.into_error(&picture.path);
    let raster = decode::decode(&Source::load(&picture.path)?, channels)?;
    let placement = Placement::new(header.size, size, options.fit).map_err(refused)?;
    placement.draw(&raster, out).map_err(refused)?;
    let Some(path) = &picture.mask else {
        return Ok(None);
    };
    let mask = decode::decode(&Source::load(path)?, 1)?;
    if mask.size != header.size {
        return Err(Error::Malformed {
            path: path.clone(),
            location: Default::default(),
            found: format!(
                "a mask of {} × {} pixels",
                mask.size.width, mask.size.height
            ),
            expected: format!(
                "{} × {}, as its picture has",
                header.size.width, header.size.height
            ),
            hint: None,
        });
    }
    Ok(Some(masks::marked(&mask, &placement)))
}

/// The sub-folders as classes. A single one says nothing, unless the user or its name does.
fn classes(pictures: &[(Picture, Header)], options: &ReadOptions) -> Option<Classes> {
    let mut levels: Vec<String> = Vec::new();
    let code = |(picture, _): &(Picture, Header)| {
        let class = if picture.class.is_empty() {
            "(no sub-folder)"
        } else {
            &picture.class
        };
        let at = levels
            .iter()
            .position(|level| level == class)
            .unwrap_or_else(|| {
                levels.push(class.to_owned());
                levels.len() - 1
            });
        at as u32
    };
    let codes = pictures.iter().map(code).collect();
    let asked = !options.normal_labels.is_empty() || !options.anomalous_labels.is_empty();
    let says = levels.len() > 1 || asked || levels == ["good"] || levels == ["normal"];
    says.then(|| Classes::new("sub-folder", levels, codes))
}
