//! Folders of images: where they lie says what they are, and masks lie beside them.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;
use unlike_core::{Error, ImageSource, Images, Note, Result, Samples};

use super::{
    ImageSize, Masks,
    decode::{self, Header},
    formats,
    layout::{self, Image},
    masks::Marks,
    names::{self, Part},
    pages::{self, Page},
    place::{Depth, Raster},
    skipped::Skipped,
    sources::{Decoded, File, Files, OnDisk, Recipe, digest},
    walk,
};
use crate::{
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    source::Source,
    words,
};

/// What holds the classes of images in folders.
const SUB_FOLDER: &str = "sub-folder";

/// Reads all images of a folder and its sub-folders.
pub(super) fn read(root: &Path, options: &ReadOptions) -> Result<DataSet> {
    let mut skipped = Skipped::new(root, options.image.skip_unreadable);
    let walked = walk::walk(root, &mut skipped)?;
    skipped.walked(&walked);
    let mut notes = Vec::new();
    let rule = options.image.masks;
    let images = layout::arrange(root, walked.images, rule, &mut skipped, &mut notes)?;
    let convention = Convention::Folders;
    assemble(
        root, SUB_FOLDER, images, skipped, notes, convention, options,
    )
}

/// Reads one image.
pub(super) fn read_one(source: Source, options: &ReadOptions) -> Result<DataSet> {
    let path = source.path;
    let image = Image {
        id: crate::source::file_name(&path),
        ..Image::new(&path, path.clone())
    };
    let skipped = Skipped::new(&path, options.image.skip_unreadable);
    assemble(
        &path,
        SUB_FOLDER,
        vec![image],
        skipped,
        Vec::new(),
        Convention::Folders,
        options,
    )
}

/// Reads files that somebody listed; nothing is known of them but their paths.
pub(super) fn read_files(root: &Path, paths: &[PathBuf], options: &ReadOptions) -> Result<DataSet> {
    let mut first: HashMap<&Path, usize> = HashMap::new();
    let mut images = Vec::new();
    let mut positions = Vec::with_capacity(paths.len());
    for path in paths {
        positions.push(*first.entry(path).or_insert_with(|| {
            images.push(Image {
                id: path.display().to_string(),
                ..Image::new(root, path.clone())
            });
            images.len() - 1
        }));
    }
    let distinct = images.len();
    let skipped = Skipped::new(root, options.image.skip_unreadable);
    let (notes, convention) = (Vec::new(), Convention::Folders);
    let data = assemble(
        root, SUB_FOLDER, images, skipped, notes, convention, options,
    )?;
    match (distinct < paths.len(), data.samples().len() == distinct) {
        (false, _) => Ok(data),
        (true, true) => Ok(data.select(&positions)),
        (true, false) => Err(Error::Mismatch {
            origin: Some(root.display().to_string()),
            found: "files that are named more than once, beside some that hold no image or several"
                .into(),
            expected: "each file once".into(),
            hint: None,
        }),
    }
}

/// Decodes all images to one size.
pub(super) fn assemble(
    root: &Path,
    class_name: &str,
    images: Vec<Image>,
    mut skipped: Skipped<'_>,
    mut notes: Vec<Note>,
    convention: Convention,
    options: &ReadOptions,
) -> Result<DataSet> {
    let reading = &options.image;
    let headers: Vec<Result<Vec<Header>>> = images
        .par_iter()
        .map(|image| headers(&image.path))
        .collect();
    let mut readable = Vec::with_capacity(images.len());
    let mut with_pages = Vec::new();
    for (image, headers) in images.into_iter().zip(headers) {
        match headers {
            Ok(headers) => {
                if headers.len() > 1 {
                    with_pages.push((image.id.clone(), headers.len()));
                }
                readable.extend(paged(image, headers));
            }
            Err(error) => skipped.accept(error)?,
        }
    }
    if readable.is_empty() {
        return Err(none(root, &skipped));
    }
    let sizes: Vec<ImageSize> = readable.iter().map(|(_, header)| header.size).collect();
    let (size, size_note) = match reading.size {
        Some(size) => (size, None),
        None => usual_size(&sizes, reading.usual_side, reading.square),
    };
    notes.extend(size_note);
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
    let files: Vec<&[(Image, Header)]> = readable
        .chunk_by(|(a, _), (b, _)| a.path == b.path)
        .collect();
    let opened: Vec<Vec<Result<Opened>>> = files
        .par_iter()
        .map(|pages| open(pages, &recipe, in_memory, &blank))
        .collect();
    let (mut kept, mut pixels) = (Vec::new(), Vec::new());
    let (mut files, mut digests, mut masks) = (Vec::new(), Vec::new(), Vec::new());
    for ((image, header), opened) in readable.into_iter().zip(opened.into_iter().flatten()) {
        match opened {
            Ok(opened) => {
                match opened.pixels {
                    Pixels::Kept(kept) => pixels.push(kept),
                    Pixels::OnDisk(digest) => digests.push(digest),
                }
                files.push(File {
                    path: image.path.clone(),
                    page: image.page,
                    size: opened.size,
                    checksum: opened.checksum,
                });
                kept.push((image, header));
                masks.push(opened.mask);
            }
            Err(error) => skipped.accept(error)?,
        }
    }
    if kept.is_empty() {
        return Err(none(root, &skipped));
    }

    notes.extend(skipped.notes().into_iter().map(Note::from));
    notes.extend(pages_note(&with_pages).map(Note::from));
    let alike = pixels.windows(2).all(|pair| pair[0] == pair[1])
        && digests.windows(2).all(|pair| pair[0] == pair[1]);
    if kept.len() > 1 && alike {
        notes.push(alike_note(kept.len()).into());
    }
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
    let classes = classes(&kept, class_name, options);
    let parts = parts(&kept);
    let ids = kept.into_iter().map(|(image, _)| image.id).collect();
    let files = Files { files, recipe };
    let source: Arc<dyn ImageSource> = match in_memory {
        true => Arc::new(Decoded { pixels, files }),
        false => Arc::new(OnDisk { files, digests }),
    };
    let samples = Images::from_source(root.display().to_string(), shape, source, ids)?;
    let samples = Samples::Images(samples);
    let data = DataSet::new(root, Format::Images, samples, classes, convention, options)?;
    let data = data
        .with_notes(notes)
        .with_parts(parts)
        .with_unread(skipped.into_unread());
    Ok(match masks.iter().any(Option::is_some) {
        true => data.with_masks(Masks::new([size.height, size.width], masks)),
        false => data,
    })
}

/// Says that nothing can be learned from images about how they may differ.
pub(super) fn alike_note(count: usize) -> String {
    format!(
        "all {} are alike, pixel for pixel",
        words::counted(count, "image")
    )
}

/// One image for each page of a file.
fn paged(image: Image, headers: Vec<Header>) -> Vec<(Image, Header)> {
    if let [header] = headers[..] {
        let page = header.page;
        return vec![(Image { page, ..image }, header)];
    }
    let count = headers.len();
    let of = |(at, header): (usize, Header)| {
        let image = Image {
            id: format!("{}#{}", image.id, at + 1),
            page: header.page,
            place: [at, count],
            ..image.clone()
        };
        (image, header)
    };
    headers.into_iter().enumerate().map(of).collect()
}

/// Says which files hold several images.
fn pages_note(files: &[(String, usize)]) -> Option<String> {
    let pages: usize = files.iter().map(|(_, pages)| pages).sum();
    let named = files
        .iter()
        .map(|(id, pages)| format!("`{id}` ({})", words::count(*pages)));
    (!files.is_empty()).then(|| {
        format!(
            "{} with several pages or frames, each of which is an image, {} in all: {}",
            words::counted(files.len(), "file"),
            words::count(pages),
            words::limited(named, 4)
        )
    })
}

/// The positions of each part, if folders say which images belong to one.
fn parts(images: &[(Image, Header)]) -> Vec<(String, Range<usize>)> {
    let of = |part: Part| {
        let is = |(image, _): &(Image, Header)| image.part == Some(part);
        // They come one after the other.
        let start = images.iter().position(is)?;
        let count = images.iter().filter(|image| is(image)).count();
        Some((part.name().to_owned(), start..start + count))
    };
    Part::ALL.into_iter().filter_map(of).collect()
}

fn none(root: &Path, skipped: &Skipped<'_>) -> Error {
    let notes = skipped.notes();
    Error::NotEnough {
        what: format!("images in `{}`", root.display()),
        found: match notes.is_empty() {
            true => "none".into(),
            false => notes.join("; "),
        },
        expected: "at least 1".into(),
        hint: Some(format!("images are files that end in {}", formats::endings()).into()),
    }
}

/// The size to bring images to where none was asked for: their own, if it is the same for all and not
/// large. Else a square, because networks on pixels halve the sides of what they see, or where that does
/// not matter, the proportions that all images have.
fn usual_size(sizes: &[ImageSize], most: usize, square: bool) -> (ImageSize, Option<Note>) {
    /// The longest side of images that are left as they are, and the shortest of a square.
    const LARGEST: usize = 256;
    const SMALLEST: usize = 32;
    /// Sides that are not those of a square are multiples of this.
    const STEP: usize = 8;
    /// How far proportions may differ and still be the same: cameras and crops are not exact.
    const ALIKE: f64 = 1.05;
    let longer = |size: &ImageSize| size.height.max(size.width);
    let own = sizes.first().copied().unwrap_or(ImageSize {
        height: 1,
        width: 1,
    });
    let alike = sizes.iter().all(|size| *size == own);
    if alike && longer(&own) <= LARGEST.max(most) {
        return (own, None);
    }
    let mut sides: Vec<usize> = sizes.iter().map(longer).collect();
    sides.sort_unstable();
    let median = sides[sides.len() / 2];
    let side = median.next_power_of_two().max(SMALLEST).min(most);
    let shown = |size: &ImageSize| format!("{} × {}", size.width, size.height);
    let by_area = |size: &&ImageSize| size.width * size.height;
    let (least, most) = (
        sizes.iter().min_by_key(by_area),
        sizes.iter().max_by_key(by_area),
    );
    let found = match (alike, least.zip(most)) {
        (false, Some((least, most))) => format!("{} to {}", shown(least), shown(most)),
        _ => shown(&own),
    };
    let mut proportions: Vec<f64> = sizes
        .iter()
        .map(|size| size.width as f64 / size.height.max(1) as f64)
        .collect();
    proportions.sort_unstable_by(f64::total_cmp);
    let usual = proportions[proportions.len() / 2];
    let [least, largest] = [proportions[0], proportions[proportions.len() - 1]];
    let shorter = |ratio: f64| {
        let steps = (side as f64 * ratio / STEP as f64).round() as usize;
        (steps * STEP).clamp(STEP.min(side), side)
    };
    let size = match square || largest > usual * ALIKE || least * ALIKE < usual {
        true => ImageSize {
            height: side,
            width: side,
        },
        false => ImageSize {
            height: shorter(1.0 / usual),
            width: shorter(usual),
        },
    };
    let note = Note::new(format!(
        "images of {found} pixels are brought to {}, as they are read; choose another size with ",
        shown(&size)
    ));
    (size, Some(note.setting("image-size")))
}

/// Reads the headers of a file's images, and no more of the file than that takes.
pub(super) fn headers(path: &Path) -> Result<Vec<Header>> {
    if let Some(start) = Source::start(path)?
        && !pages::is_animated_png(&start.bytes)
        && let Ok(headers) = decode::headers(&start)
    {
        return Ok(headers);
    }
    // Where there is something wrong with it, the whole file says what.
    decode::headers(&Source::load(path)?)
}

/// An image that was decoded.
struct Opened {
    pixels: Pixels,
    /// Of the image in its file, turned upright.
    size: ImageSize,
    /// Of the whole file.
    checksum: u32,
    mask: Option<Arc<[bool]>>,
}

/// What is kept of an image's pixels.
enum Pixels {
    Kept(Depth<'static>),
    /// Enough to know them again.
    OnDisk([u8; 32]),
}

/// Decodes the images of one file, and their masks.
fn open(
    images: &[(Image, Header)],
    recipe: &Recipe,
    keep: bool,
    blank: &Arc<[bool]>,
) -> Vec<Result<Opened>> {
    let Some((first, _)) = images.first() else {
        return Vec::new();
    };
    let source = match Source::load(&first.path) {
        Ok(source) => source,
        Err(error) => {
            // An error cannot be copied: the others are told as far as its words go.
            let others = images[1..].iter().map(|(image, _)| {
                Err(Error::Malformed {
                    path: image.path.clone(),
                    location: Default::default(),
                    found: error.to_string(),
                    expected: "a file that can be read".into(),
                    hint: None,
                })
            });
            let others: Vec<_> = others.collect();
            return std::iter::once(Err(error)).chain(others).collect();
        }
    };
    let pages: Vec<Page> = images.iter().map(|(image, _)| image.page).collect();
    let checksum = source.checksum();
    let mut opened = Vec::with_capacity(images.len());
    decode::each_page(&source, &pages, recipe.channels, |raster| {
        let (image, _) = &images[opened.len()];
        opened.push(raster.and_then(|raster| place(image, checksum, raster, recipe, keep, blank)));
    });
    opened
}

/// Brings one image to its size, and its mask.
fn place(
    image: &Image,
    checksum: u32,
    raster: Raster<'static>,
    recipe: &Recipe,
    keep: bool,
    blank: &Arc<[bool]>,
) -> Result<Opened> {
    let from = raster.size;
    let placement = recipe.placement(from, &image.path)?;
    let pixels = placement
        .place(raster)
        .map_err(|refusal| refusal.into_error(&image.path))?;
    let mut marks: Option<Marks> = None;
    for path in &image.masks {
        let mask = marks_of(image, path)?;
        check_mask(path, mask.size, from)?;
        marks = Some(match marks {
            Some(marks) => marks.and(&mask),
            None => mask,
        });
    }
    let mask = marks.map(|marks| marks.placed(&placement, blank));
    let pixels = match keep {
        true => Pixels::Kept(pixels),
        // Once the pixels are here: a training asks for it, and would decode all images again.
        false => Pixels::OnDisk(digest(&pixels, blank.len() * recipe.channels)),
    };
    Ok(Opened {
        pixels,
        size: from,
        checksum,
        mask,
    })
}

/// What a mask marks: on the same page as its image, where that has several.
fn marks_of(image: &Image, path: &Path) -> Result<Marks> {
    let source = Source::load(path)?;
    let [at, count] = image.place;
    let pages = decode::pages(&source)?;
    match pages.get(at) {
        Some(page) if pages.len() == count => Marks::read(&source, *page),
        _ => Err(source.malformed(
            format!("a mask of {}", words::counted(pages.len(), "page")),
            format!("{}, as its image has", words::count(count)),
        )),
    }
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
fn classes(images: &[(Image, Header)], name: &str, options: &ReadOptions) -> Option<Classes> {
    let mut levels: Vec<String> = Vec::new();
    let code = |(image, _): &(Image, Header)| {
        let class = image.class.as_deref().unwrap_or("(no sub-folder)");
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
    let named = levels.iter().any(|level| names::is_normal(level));
    let says = levels.len() > 1 || asked || named;
    says.then(|| Classes::new(name, levels, codes))
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
    fn originals_and_where_they_are_seen_are_the_same_in_memory_and_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let sizes = [[40, 20], [10, 30]];
        for (at, [width, height]) in sizes.iter().enumerate() {
            let pixel = |x: u32, y: u32| image::Rgb([(6 * x) as u8, (8 * y) as u8, at as u8]);
            let image = image::RgbImage::from_fn(*width, *height, pixel);
            image.save(folder.path().join(format!("{at}.png"))).unwrap();
        }
        for (memory, grey) in [(usize::MAX, 1), (0, 3)] {
            let image = ImageOptions {
                memory,
                channels: Some(grey),
                size: Some(ImageSize {
                    height: 8,
                    width: 8,
                }),
                ..ImageOptions::default()
            };
            let options = ReadOptions {
                image,
                ..ReadOptions::default()
            };
            let data = read(folder.path(), &options).unwrap();
            let Samples::Images(images) = data.samples() else {
                unreachable!("these are images");
            };
            let images = images.select(&[1, 0]);
            let frames = [0, 1].map(|i| images.frame(i));
            assert_eq!(frames.map(|f| f.original), [[10, 30], [40, 20]]);
            assert_eq!(frames[1].seen, [0.0, 0.0, 40.0, 20.0]);
            assert_eq!(frames[1].placed, [0, 2, 8, 4]);
            // In colour, whatever models see.
            let original = images.original(1).unwrap().unwrap();
            assert_eq!(original.len(), 40 * 20 * 3);
            assert_eq!(original[(2 * 40 + 5) * 3..][..3], [30, 16, 0]);
            std::fs::write(folder.path().join("1.png"), "other").unwrap();
            let error = images.original(0).unwrap_err().to_string();
            assert!(error.contains("another content"), "{error}");
            let image = image::RgbImage::new(10, 30);
            image.save(folder.path().join("1.png")).unwrap();
        }
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
