//! Folders of pictures: the first sub-folder is the class, and masks lie beside their pictures.

use std::{path::Path, sync::Arc};

use rayon::prelude::*;
use unlike_core::{Error, Images, PictureSource, Result, Samples};

use super::{
    ImageSize, Masks,
    decode::{self, EXTENSIONS, Header},
    files::{self, Picture, Skipped},
    masks,
    pictures::{Decoded, File, OnDisk, Recipe},
    place::Depth,
};
use crate::{
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    source::{Source, file_name},
    words,
};

/// Reads all pictures of a folder and its sub-folders.
pub(super) fn read(root: &Path, options: &ReadOptions) -> Result<DataSet> {
    let mut skipped = Skipped::default();
    let pictures = files::find(root, &options.image, &mut skipped)?;
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
    let Some((first, header)) = readable.first() else {
        return Err(none(root, &skipped));
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

    let shape = [size.height, size.width, channels];
    let recipe = Recipe {
        size,
        channels,
        fit: image.fit,
    };
    let depth = match readable.iter().any(|(_, header)| header.deep) {
        true => size_of::<f32>(),
        false => size_of::<u8>(),
    };
    let wanted = shape
        .into_iter()
        .fold(depth * readable.len(), usize::saturating_mul);
    let in_memory = wanted <= image.memory;
    let blank: Arc<[bool]> = vec![false; size.height * size.width].into();
    let opened: Vec<Result<Opened>> = readable
        .par_iter()
        .map(|(picture, _)| open(picture, &recipe, in_memory, &blank))
        .collect();
    let (mut kept, mut pixels) = (Vec::new(), Vec::new());
    let (mut files, mut masks) = (Vec::new(), Vec::new());
    for ((picture, header), opened) in readable.into_iter().zip(opened) {
        match opened {
            Ok(opened) => {
                files.push(File {
                    path: picture.path.clone(),
                    checksum: opened.checksum,
                });
                kept.push((picture, header));
                pixels.extend(opened.pixels);
                masks.push(opened.mask);
            }
            Err(error) => skipped.accept(error, image)?,
        }
    }
    if kept.is_empty() {
        return Err(none(root, &skipped));
    }

    let mut notes: Vec<String> = skipped.note().into_iter().collect();
    let transparent = kept.iter().filter(|(_, header)| header.transparent).count();
    if transparent > 0 {
        notes.push(format!(
            "{} with transparency, laid over black",
            words::counted(transparent, "picture")
        ));
    }
    if !in_memory {
        notes.push(format!(
            "{} would take {} of memory: each is read from the disk whenever it is needed",
            words::counted(kept.len(), "picture"),
            words::memory(wanted)
        ));
    }
    let classes = classes(&kept, options);
    let ids = kept.into_iter().map(|(picture, _)| picture.id).collect();
    let source: Arc<dyn PictureSource> = match in_memory {
        true => Arc::new(Decoded(pixels)),
        false => Arc::new(OnDisk { files, recipe }),
    };
    let samples = Images::from_source(root.display().to_string(), shape, source, ids)?;
    let samples = Samples::Images(samples);
    let convention = Convention::NormalIfPresent(&["good", "normal"]);
    let data = DataSet::new(root, Format::Images, samples, classes, convention, options)?;
    let data = data.with_notes(notes);
    Ok(match masks.iter().any(Option::is_some) {
        true => data.with_masks(Masks::new([size.height, size.width], masks)),
        false => data,
    })
}

fn none(root: &Path, skipped: &Skipped) -> Error {
    Error::NotEnough {
        what: format!("pictures in `{}`", root.display()),
        found: skipped.note().unwrap_or_else(|| "none".into()),
        expected: "at least 1".into(),
        hint: Some(format!(
            "pictures are files that end in {}",
            EXTENSIONS.join(", ")
        )),
    }
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

/// A picture that was decoded.
struct Opened {
    /// If they are to be kept.
    pixels: Option<Depth<'static>>,
    checksum: u32,
    mask: Option<Arc<[bool]>>,
}

/// Decodes one picture, and its mask.
fn open(picture: &Picture, recipe: &Recipe, keep: bool, blank: &Arc<[bool]>) -> Result<Opened> {
    let source = Source::load(&picture.path)?;
    let raster = decode::decode(&source, recipe.channels)?;
    let from = raster.size;
    let placement = recipe.placement(from, &picture.path)?;
    let pixels = placement
        .place(raster)
        .map_err(|refusal| refusal.into_error(&picture.path))?;
    let mask = match &picture.mask {
        Some(path) => {
            let mask = decode::decode(&Source::load(path)?, 1)?;
            check_mask(path, mask.size, from)?;
            Some(masks::marked(&mask, &placement, blank))
        }
        None => None,
    };
    Ok(Opened {
        pixels: keep.then_some(pixels),
        checksum: source.checksum(),
        mask,
    })
}

fn check_mask(path: &Path, mask: ImageSize, picture: ImageSize) -> Result<()> {
    if mask == picture {
        return Ok(());
    }
    Err(Error::Malformed {
        path: path.to_owned(),
        location: Default::default(),
        found: format!("a mask of {} × {} pixels", mask.width, mask.height),
        expected: format!("{} × {}, as its picture has", picture.width, picture.height),
        hint: None,
    })
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
