//! Folders of images: the first sub-folder is the class, and masks lie beside their images.

use std::{path::Path, sync::Arc};

use rayon::prelude::*;
use unlike_core::{Error, ImageSource, Images, Note, Result, Samples};

use super::{
    ImageSize, Masks,
    decode::{self, EXTENSIONS, Header},
    files::{self, Image, Skipped},
    masks,
    place::Depth,
    sources::{Decoded, File, OnDisk, Recipe, digest},
};
use crate::{
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    source::{Source, file_name},
    words,
};

/// Reads all images of a folder and its sub-folders.
pub(super) fn read(root: &Path, options: &ReadOptions) -> Result<DataSet> {
    let mut skipped = Skipped::default();
    let images = files::find(root, &options.image, &mut skipped)?;
    assemble(root, images, skipped, options)
}

/// Reads one image.
pub(super) fn read_one(source: Source, options: &ReadOptions) -> Result<DataSet> {
    let id = file_name(&source.path);
    let path = source.path;
    let image = Image {
        path: path.clone(),
        id,
        class: String::new(),
        mask: None,
    };
    assemble(&path, vec![image], Skipped::default(), options)
}

/// Decodes all images to one size.
fn assemble(
    root: &Path,
    images: Vec<Image>,
    mut skipped: Skipped,
    options: &ReadOptions,
) -> Result<DataSet> {
    let reading = &options.image;
    let headers: Vec<Result<Header>> = images.par_iter().map(|image| header(&image.path)).collect();
    let mut readable = Vec::with_capacity(images.len());
    for (image, header) in images.into_iter().zip(headers) {
        match header {
            Ok(header) => readable.push((image, header)),
            Err(error) => skipped.accept(error, reading)?,
        }
    }
    let Some((first, header)) = readable.first() else {
        return Err(none(root, &skipped));
    };
    let size = match reading.size {
        Some(size) => size,
        None => {
            common_size(&readable, &first.path, header.size)?;
            header.size
        }
    };
    let colour = readable.iter().any(|(_, header)| header.colour);
    let channels = reading.channels.unwrap_or(if colour { 3 } else { 1 });

    let shape = [size.height, size.width, channels];
    let recipe = Recipe {
        size,
        channels,
        fit: reading.fit,
    };
    let depth = match readable.iter().any(|(_, header)| header.deep) {
        true => size_of::<f32>(),
        false => size_of::<u8>(),
    };
    let wanted = shape
        .into_iter()
        .fold(depth * readable.len(), usize::saturating_mul);
    let in_memory = wanted <= reading.memory;
    let blank: Arc<[bool]> = vec![false; size.height * size.width].into();
    let opened: Vec<Result<Opened>> = readable
        .par_iter()
        .map(|(image, _)| open(image, &recipe, in_memory, &blank))
        .collect();
    let (mut kept, mut pixels) = (Vec::new(), Vec::new());
    let (mut files, mut masks) = (Vec::new(), Vec::new());
    for ((image, header), opened) in readable.into_iter().zip(opened) {
        match opened {
            Ok(opened) => {
                match opened.pixels {
                    Pixels::Kept(kept) => pixels.push(kept),
                    Pixels::OnDisk { checksum, digest } => files.push(File {
                        path: image.path.clone(),
                        checksum,
                        digest,
                    }),
                }
                kept.push((image, header));
                masks.push(opened.mask);
            }
            Err(error) => skipped.accept(error, reading)?,
        }
    }
    if kept.is_empty() {
        return Err(none(root, &skipped));
    }

    let mut notes: Vec<Note> = skipped.note().map(Note::from).into_iter().collect();
    let transparent = kept.iter().filter(|(_, header)| header.transparent).count();
    if transparent > 0 {
        let images = words::counted(transparent, "image");
        notes.push(format!("{images} with transparency, laid over black").into());
    }
    if !in_memory {
        let images = words::counted(kept.len(), "image");
        let note = format!(
            "{images} would take {} of memory: each is read from the disk whenever it is needed",
            words::memory(wanted)
        );
        notes.push(note.into());
    }
    let classes = classes(&kept, options);
    let ids = kept.into_iter().map(|(image, _)| image.id).collect();
    let source: Arc<dyn ImageSource> = match in_memory {
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
        what: format!("images in `{}`", root.display()),
        found: skipped.note().unwrap_or_else(|| "none".into()),
        expected: "at least 1".into(),
        hint: Some(format!("images are files that end in {}", EXTENSIONS.join(", ")).into()),
    }
}

fn common_size(images: &[(Image, Header)], first: &Path, size: ImageSize) -> Result<()> {
    let Some((other, header)) = images.iter().find(|(_, header)| header.size != size) else {
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
        hint: Some(Note::new("bring all to one size with ").setting("image-size")),
    })
}

/// Reads an image's header, and no more of the file than that takes.
fn header(path: &Path) -> Result<Header> {
    if let Some(start) = Source::start(path)?
        && let Ok(header) = decode::header(&start)
    {
        return Ok(header);
    }
    // Where there is something wrong with it, the whole file says what.
    decode::header(&Source::load(path)?)
}

/// An image that was decoded.
struct Opened {
    pixels: Pixels,
    mask: Option<Arc<[bool]>>,
}

/// What is kept of an image's pixels.
enum Pixels {
    Kept(Depth<'static>),
    /// Enough to know them again.
    OnDisk {
        checksum: u32,
        digest: [u8; 32],
    },
}

/// Decodes one image, and its mask.
fn open(image: &Image, recipe: &Recipe, keep: bool, blank: &Arc<[bool]>) -> Result<Opened> {
    let source = Source::load(&image.path)?;
    let raster = decode::decode(&source, recipe.channels)?;
    let from = raster.size;
    let placement = recipe.placement(from, &image.path)?;
    let pixels = placement
        .place(raster)
        .map_err(|refusal| refusal.into_error(&image.path))?;
    let mask = match &image.mask {
        Some(path) => {
            let mask = decode::decode(&Source::load(path)?, 1)?;
            check_mask(path, mask.size, from)?;
            Some(masks::marked(&mask, &placement, blank))
        }
        None => None,
    };
    let pixels = match keep {
        true => Pixels::Kept(pixels),
        // Once the pixels are here: a training asks for it, and would decode all images again.
        false => Pixels::OnDisk {
            checksum: source.checksum(),
            digest: digest(&pixels, blank.len() * recipe.channels),
        },
    };
    Ok(Opened { pixels, mask })
}

fn check_mask(path: &Path, mask: ImageSize, image: ImageSize) -> Result<()> {
    if mask == image {
        return Ok(());
    }
    Err(Error::Malformed {
        path: path.to_owned(),
        location: Default::default(),
        found: format!("a mask of {} × {} pixels", mask.width, mask.height),
        expected: format!("{} × {}, as its image has", image.width, image.height),
        hint: None,
    })
}

/// The sub-folders as classes. A single one says nothing, unless the user or its name does.
fn classes(images: &[(Image, Header)], options: &ReadOptions) -> Option<Classes> {
    let mut levels: Vec<String> = Vec::new();
    let code = |(image, _): &(Image, Header)| {
        let class = if image.class.is_empty() {
            "(no sub-folder)"
        } else {
            &image.class
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
    let codes = images.iter().map(code).collect();
    let asked = !options.normal_labels.is_empty() || !options.anomalous_labels.is_empty();
    let says = levels.len() > 1 || asked || levels == ["good"] || levels == ["normal"];
    says.then(|| Classes::new("sub-folder", levels, codes))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::{
        counted::{Work, times},
        images::ImageOptions,
    };

    const NAMES: [&str; 3] = ["a.png", "b.jpg", "c.pgm"];

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (at, name) in NAMES.iter().enumerate() {
            let pixel = |x: u32, y: u32| image::Luma([(40 * x + 9 * y + 3 * at as u32) as u8]);
            let image = image::GrayImage::from_fn(5, 4, pixel);
            image.save(folder.path().join(name)).unwrap();
        }
        folder
    }

    fn images(folder: &Path, memory: usize) -> Images {
        let image = ImageOptions {
            memory,
            ..ImageOptions::default()
        };
        let options = ReadOptions {
            image,
            ..ReadOptions::default()
        };
        match read(folder, &options).unwrap().samples() {
            Samples::Images(images) => images.clone(),
            Samples::Table(_) => unreachable!("these are images"),
        }
    }

    /// What was done to each file so far: starts read, whole files read, images decoded.
    fn done(folder: &Path) -> Vec<[usize; 3]> {
        let works = [Work::Start, Work::Load, Work::Decode];
        let of = |name: &&str| works.map(|work| times(&folder.join(name), work));
        NAMES.iter().map(of).collect()
    }

    #[test]
    fn images_in_memory_are_decoded_once() {
        let folder = folder();
        let images = images(folder.path(), usize::MAX);
        // The header of the last one does not come first, so that the whole of it is read for that.
        let expected = [[1, 1, 1], [1, 1, 1], [1, 2, 1]];
        assert_eq!(done(folder.path()), expected);
        images.pixels().unwrap();
        assert_eq!(done(folder.path()), expected);
    }

    #[test]
    fn images_on_the_disk_are_decoded_once_until_their_pixels_are_asked_for() {
        let folder = folder();
        let images = images(folder.path(), 0);
        let digests: Vec<_> = (0..3).map(|p| images.known_digest(p).unwrap()).collect();
        let expected = [[1, 1, 1], [1, 1, 1], [1, 2, 1]];
        assert_eq!(done(folder.path()), expected);
        for (position, digest) in digests.iter().enumerate() {
            let values = images.image(position).unwrap();
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            assert_eq!(<[u8; 32]>::from(Sha256::digest(bytes)), *digest);
        }
        assert_eq!(done(folder.path()), [[1, 2, 2], [1, 2, 2], [1, 3, 2]]);
    }

    #[test]
    fn a_header_that_does_not_fit_into_the_start_is_read_from_the_whole_file() {
        let folder = folder();
        let path = folder.path().join("b.jpg");
        let image = std::fs::read(&path).unwrap();
        // Two comments of 60,000 bytes each, after the marker that begins every file.
        let comment = [&[0xff, 0xfe, 0xea, 0x62], [b' '; 60_000].as_slice()].concat();
        let long = [&image[..2], &comment, &comment, &image[2..]].concat();
        std::fs::write(&path, long).unwrap();
        let images = images(folder.path(), usize::MAX);
        assert_eq!(images.shape(), [4, 5, 1]);
        assert_eq!(done(folder.path())[1], [1, 2, 1]);
    }
}
