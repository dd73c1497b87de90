//! Images: folders of image files, MNIST's IDX files and CIFAR-10.
//!
//! All become [`Samples::Images`] of one size, grey or colour, with values in [-1, 1]: 0 becomes -1
//! and the largest value 1, whatever the image holds.

mod arrays;
mod cifar;
mod decode;
mod folder;
mod formats;
mod idx;
mod layout;
mod list;
mod masks;
mod names;
mod pages;
mod place;
mod skipped;
mod sources;
mod survey;
mod walk;

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Error, ImageShape, Images, Note, Result, Samples};

use crate::{
    dataset::DataSet,
    labels::{Classes, Convention},
    read::{Format, ReadOptions},
    source::Source,
    words,
};

pub(crate) use arrays::{ImagePart, read_arrays};
pub use cifar::CIFAR10_CLASSES;
pub(crate) use decode::unread;
pub(crate) use formats::{Kind, of_source as kind};
pub(crate) use idx::is_idx;
pub(crate) use list::List;
pub use masks::Masks;
pub(crate) use names::normal_classes;
use place::{Placement, Raster};
pub use skipped::Unread;
pub use survey::{Duplicates, Survey};

/// The size that images are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSize {
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
}

/// How an image is brought to a size. Scaling is antialiased (a triangle filter as wide as the
/// scale asks for).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Scaled to fit into the size with its proportions, in the middle; its edges are continued to the
    /// sides that are left. So a defect keeps its form, and where the image ends no edge is seen that a
    /// model would have to learn.
    #[default]
    Keep,
    /// Scaled to the size, whatever that does to the proportions.
    #[serde(alias = "squash")]
    Stretch,
    /// Scaled to cover the size, and cut to it around the middle.
    Crop,
    /// Scaled to fit into the size, with black on two sides.
    Letterbox,
    /// Not scaled: put in the middle, with black around it; a larger image is refused. This is how
    /// MNIST's 28 × 28 become 32 × 32.
    Pad,
}

/// Which images of a folder are masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskRule {
    /// Those whose place or name says so; whatever is not zero in them marks an anomaly.
    ///
    /// - In a folder called `ground_truth` or `masks`, beside folders of images: the mask has its image's
    ///   name, with or without `_mask`, and lies in folders of the same names
    ///   (`test/hole/000.png`, `ground_truth/hole/000_mask.png`). Such a folder is also found beside the
    ///   folder that is read, where that is called `test` or `images`.
    /// - In the folder of its image: with `_mask`, `_gt` or `_label` after the image's name; or as a
    ///   `.png` of the same name as an image of another format.
    #[default]
    ByName,
    /// None: every image is a sample.
    Ignore,
}

/// How to read images, where it differs from what the files themselves suggest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ImageOptions {
    /// The size to bring all images to. If absent: their own, if it is the same for all and neither side
    /// exceeds 256, or [`usual_side`](Self::usual_side) where that is more; else a square whose side is the smallest power of two, from 32 to
    /// [`usual_side`](Self::usual_side), that is at least as long as the longer side of half of the images.
    pub size: Option<ImageSize>,
    /// The longest side that images are brought to unasked; 64, which networks on pixels can afford.
    pub usual_side: usize,
    /// Whether that is a square whatever proportions they have, as networks on pixels need it. If not, and
    /// all images have the same proportions, they keep them.
    pub square: bool,
    /// 1 for grey, 3 for colour; colour if any image is, if absent. Colour becomes grey by its
    /// luminance (ITU-R BT.709).
    pub channels: Option<usize>,
    /// How they are brought to the size.
    pub fit: Fit,
    /// Which images of a folder are masks.
    pub masks: MaskRule,
    /// Whether to leave out, and count, files that cannot be read, instead of stopping.
    pub skip_unreadable: bool,
    /// A folder's images are kept in memory, decoded, if that takes at most this many bytes (one
    /// for each pixel and channel, four where images have more than 8 bits). Otherwise they are
    /// decoded once to see that they can be, and again whenever they are needed.
    pub memory: usize,
}

impl Default for ImageOptions {
    fn default() -> Self {
        Self {
            size: None,
            usual_side: 64,
            square: true,
            channels: None,
            fit: Fit::default(),
            masks: MaskRule::default(),
            skip_unreadable: false,
            memory: 1 << 30,
        }
    }
}

/// Reads a folder: CIFAR-10 or IDX files if it holds them, images otherwise.
pub(crate) fn read_folder(path: &Path, options: &ReadOptions) -> Result<DataSet> {
    check(options)?;
    // As torchvision lays MNIST out: what it has made of the files lies beside the folder `raw`.
    let raw = path.join("raw");
    if options.format.is_none() && raw.is_dir() && !idx::files(&raw)?[0].is_empty() {
        return read_folder(&raw, options);
    }
    let format = match options.format {
        Some(format) => format,
        None if !cifar::batches(path)?.is_empty() => Format::Cifar10,
        None if !idx::files(path)?[0].is_empty() => Format::Idx,
        None => Format::Images,
    };
    match format {
        Format::Cifar10 => cifar::read(path, &cifar::batches(path)?, options),
        Format::Idx => {
            let [files, again] = idx::files(path)?;
            idx::read(path, &files, &again, options)
        }
        Format::Images => folder::read(path, options),
        other => Err(Error::Malformed {
            path: path.to_owned(),
            location: Default::default(),
            found: "a folder".into(),
            expected: format!("a file in the format {other}"),
            hint: None,
        }),
    }
}

/// Reads a list of images.
pub(crate) fn read_list(list: &List<'_>, options: &ReadOptions) -> Result<DataSet> {
    check(&ReadOptions {
        label_column: None,
        ..options.clone()
    })?;
    list.read(options)
}

/// Reads these files, each of them an image, in this order: pages and frames become an image each, and a
/// file that is named again is there again. `origin` is what messages call them all.
///
/// # Errors
/// If there is none, one cannot be read, or options have no meaning for images.
pub fn read_images(origin: &str, paths: &[PathBuf], options: &ReadOptions) -> Result<DataSet> {
    check(options)?;
    folder::read_files(Path::new(origin), paths, options)
}

/// Reads one file of images: an image, an IDX file or a CIFAR-10 batch.
pub(crate) fn read_file(source: Source, format: Format, options: &ReadOptions) -> Result<DataSet> {
    check(options)?;
    let path = source.path.clone();
    match format {
        Format::Cifar10 => cifar::read(&path, std::slice::from_ref(&path), options),
        Format::Idx => idx::read(&path, std::slice::from_ref(&path), &[], options),
        _ => folder::read_one(source, options),
    }
}

/// Whether a file is an image that can be decoded.
fn is_image(source: &Source) -> bool {
    matches!(kind(source), Kind::Image(_) | Kind::Own)
}

/// Settings that have no meaning for images, or are out of range.
fn check(options: &ReadOptions) -> Result<()> {
    let for_tables = [
        ("label-column", options.label_column.as_deref()),
        ("id-column", options.id_column.as_deref()),
        (
            "drop-columns",
            options.drop_columns.first().map(String::as_str),
        ),
        (
            "category-columns",
            options.category_columns.first().map(String::as_str),
        ),
    ];
    let setting = |name: &str, found: String, expected: &str| {
        Err(Error::Setting {
            name: name.into(),
            found,
            expected: expected.into(),
            hint: None,
        })
    };
    for (name, value) in for_tables {
        if let Some(value) = value {
            return setting(
                name,
                format!("`{value}`"),
                "nothing, because images have no columns",
            );
        }
    }
    let image = &options.image;
    if let Some(ImageSize { height, width }) = image.size
        && (height == 0 || width == 0 || height.max(width) > place::LARGEST_SIDE)
    {
        let expected = format!("1 to {} pixels a side", place::LARGEST_SIDE);
        return setting("image-size", format!("{width} × {height}"), &expected);
    }
    match image.channels {
        None | Some(1 | 3) => Ok(()),
        Some(channels) => setting("channels", channels.to_string(), "1 (grey) or 3 (colour)"),
    }
}

/// Memory for the pixels of this many images.
fn room(path: &Path, count: usize, shape: ImageShape) -> Result<Vec<u8>> {
    let sides = [shape.height, shape.width, shape.channels];
    let values = sides.iter().try_fold(count, |n, &size| n.checked_mul(size));
    let mut pixels = Vec::new();
    match values {
        Some(values) if pixels.try_reserve_exact(values).is_ok() => {
            pixels.extend(std::iter::repeat_n(0, values));
            Ok(pixels)
        }
        _ => Err(Error::NotEnough {
            what: format!("memory for the images of `{}`", path.display()),
            found: "less".into(),
            expected: format!("room for {} of {shape}", words::counted(count, "image")),
            hint: Some(Note::new("make them smaller with ").setting("image-size")),
        }),
    }
}

/// Images of one size as bytes, `[N, height, width, channels]`, from one or more files.
struct ByteImages {
    height: usize,
    width: usize,
    channels: usize,
    bytes: Vec<u8>,
    ids: Vec<String>,
    classes: Option<Classes>,
    /// What each file contributed.
    parts: Vec<(String, Range<usize>)>,
    notes: Vec<Note>,
}

impl ByteImages {
    /// Brings the images to the asked size and channels.
    fn into_data_set(self, path: &Path, format: Format, options: &ReadOptions) -> Result<DataSet> {
        let origin = path.display().to_string();
        let own = ImageSize {
            height: self.height,
            width: self.width,
        };
        let size = options.image.size.unwrap_or(own);
        let channels = options.image.channels.unwrap_or(self.channels);
        let placement = Placement::new(own, size, options.image.fit)
            .map_err(|refusal| refusal.into_error(path))?;
        let shape = ImageShape::from([size.height, size.width, channels]);
        let pixels = if shape == [self.height, self.width, self.channels] {
            self.bytes
        } else {
            let each = self.height * self.width * self.channels;
            let mut pixels = room(path, self.ids.len(), shape)?;
            self.bytes
                .par_chunks_exact(each)
                .zip(pixels.par_chunks_exact_mut(shape.size()))
                .try_for_each(|(bytes, out)| {
                    let raster = Raster::from_bytes(own, self.channels, bytes);
                    let placed = placement.place(raster.with_channels(channels));
                    out.copy_from_slice(&placed.map_err(|r| r.into_error(path))?.bytes());
                    Ok(())
                })?;
            pixels
        };
        let mut notes = self.notes;
        let mut images = pixels.chunks_exact(shape.size().max(1));
        if let Some(first) = images.next()
            && self.ids.len() > 1
            && images.all(|image| image == first)
        {
            notes.push(folder::alike_note(self.ids.len()).into());
        }
        let samples = Samples::Images(Images::from_bytes(origin, shape, pixels, self.ids)?);
        let data = DataSet::new(
            path,
            format,
            samples,
            self.classes,
            Convention::None,
            options,
        )?;
        Ok(data.with_notes(notes).with_parts(self.parts))
    }
}
