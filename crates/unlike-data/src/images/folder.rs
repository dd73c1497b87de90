//! Folders of pictures: the first sub-folder is the class, and masks lie beside their pictures.

use std::path::Path;

use rayon::prelude::*;
use unlike_core::{Error, Images, Result, Samples};

use super::{
    ImageOptions, ImageSize, Masks,
    decode::{self, EXTENSIONS, Header},
    files::{self, Picture, Skipped},
    masks,
    place::Placement,
    room,
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

    let each = size.height * size.width * channels;
    let mut pixels = room(root, readable.len(), [size.height, size.width, channels])?;
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
    if kept.is_empty() {
        return Err(none(root, &skipped));
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
