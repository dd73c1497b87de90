//! Images of one size, wherever their pixels are.

use std::{fmt, sync::Arc};

use crate::error::{Error, Result};

/// The size of an image, and how many numbers each of its pixels has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImageShape {
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
}

impl ImageShape {
    /// How many numbers an image has.
    pub fn size(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// From `[height, width, channels]`, as arrays are laid out.
impl From<[usize; 3]> for ImageShape {
    fn from([height, width, channels]: [usize; 3]) -> Self {
        Self {
            height,
            width,
            channels,
        }
    }
}

/// As arrays are laid out: height, width, channels.
impl PartialEq<[usize; 3]> for ImageShape {
    fn eq(&self, other: &[usize; 3]) -> bool {
        *self == Self::from(*other)
    }
}

/// As people say it, width first: `32 × 24 pixels, grey (1 channel)`.
impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} pixels, ", self.width, self.height)?;
        match self.channels {
            1 => f.write_str("grey (1 channel)"),
            3 => f.write_str("colour (3 channels)"),
            n => write!(f, "{n} channels"),
        }
    }
}

/// Images of one size, `[N, height, width, channels]`, values in [-1, 1].
///
/// The pixels are in memory, or in files that are decoded whenever they are asked for. Selecting
/// copies no pixels.
#[derive(Clone, Debug)]
pub struct Images {
    origin: Arc<str>,
    shape: ImageShape,
    source: Arc<dyn ImageSource>,
    /// One per image of the source.
    ids: Arc<[String]>,
    /// Which image of the source each of these is.
    positions: Vec<usize>,
}

/// Where pixels come from: memory, or files that are decoded when they are asked for.
pub trait ImageSource: fmt::Debug + Send + Sync {
    /// Fills `out`, `[height, width, channels]`, with one image: values in [-1, 1], rows from the
    /// top, channels innermost. The same image always has the same values.
    ///
    /// # Errors
    /// If it cannot be read any more.
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()>;

    /// SHA-256 over the values of one image as [`write`](Self::write) gives them, each as its four
    /// bytes, the least significant first, where it is known without reading the image again.
    fn digest(&self, _image: usize) -> Option<[u8; 32]> {
        None
    }

    /// Where the image came from in a larger or smaller one, without reading it again; `None` where
    /// there is no other.
    fn frame(&self, _image: usize) -> Option<Frame> {
        None
    }

    /// The image as it was before it was brought to its size, `[height, width, 3]`, rows from the
    /// top, at the size that [`frame`](Self::frame) says; `None` where there is no other.
    ///
    /// # Errors
    /// If it cannot be read any more.
    fn original(&self, _image: usize) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

/// Where an image that models see came from in its original. Places are `[x, y]` in pixels from the
/// left and top; those of edges are whole numbers, those of pixels' centres lie half-way between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// `[width, height]` of the original.
    pub original: [usize; 2],
    /// Left, top, width and height of the part of the original that is seen.
    pub seen: [f64; 4],
    /// Left, top, width and height of where that part lies in what models see; around it, there is
    /// nothing of the original.
    pub placed: [usize; 4],
}

impl Frame {
    /// Of an image that is seen as it is.
    pub fn whole(width: usize, height: usize) -> Self {
        Self {
            original: [width, height],
            seen: [0.0, 0.0, width as f64, height as f64],
            placed: [0, 0, width, height],
        }
    }

    /// Where a place in what models see lies in the original, and beyond its edges where it lies
    /// beyond those of what is seen of it.
    pub fn to_original(self, place: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| {
            let inside = place[axis] - self.placed[axis] as f64;
            self.seen[axis] + inside * self.seen[axis + 2] / self.placed[axis + 2] as f64
        })
    }

    /// Where a place in the original lies in what models see; `None` if they do not see it.
    pub fn to_model(self, place: [f64; 2]) -> Option<[f64; 2]> {
        let at = |axis: usize| {
            let share = (place[axis] - self.seen[axis]) / self.seen[axis + 2];
            let inside = share * self.placed[axis + 2] as f64;
            (0.0..=1.0)
                .contains(&share)
                .then_some(self.placed[axis] as f64 + inside)
        };
        Some([at(0)?, at(1)?])
    }
}

impl Images {
    /// Images laid out one after the other, rows from the top, channels innermost.
    ///
    /// # Errors
    /// If the sizes do not multiply up to `pixels`, or a value is not within [-1, 1].
    pub fn new(
        origin: impl Into<Arc<str>>,
        shape: impl Into<ImageShape>,
        pixels: Vec<f32>,
        ids: Vec<String>,
    ) -> Result<Self> {
        let (origin, shape) = (origin.into(), shape.into());
        let each = check_size(&origin, shape, pixels.len(), ids.len())?;
        if let Some(at) = pixels.iter().position(|v| !(-1.0..=1.0).contains(v)) {
            return Err(mismatch(
                &origin,
                format!("the value {} in image `{}`", pixels[at], ids[at / each]),
                "pixels within [-1, 1]".into(),
            ));
        }
        let source = Arc::new(Floats { each, pixels });
        Ok(Self::whole(origin, shape, source, ids))
    }

    /// Images of bytes, laid out likewise: 0 becomes -1, and 255 becomes 1.
    ///
    /// # Errors
    /// If the sizes do not multiply up to `pixels`.
    pub fn from_bytes(
        origin: impl Into<Arc<str>>,
        shape: impl Into<ImageShape>,
        pixels: Vec<u8>,
        ids: Vec<String>,
    ) -> Result<Self> {
        let (origin, shape) = (origin.into(), shape.into());
        let each = check_size(&origin, shape, pixels.len(), ids.len())?;
        let source = Arc::new(Bytes { each, pixels });
        Ok(Self::whole(origin, shape, source, ids))
    }

    /// Images from elsewhere; the source has one of this shape for each id.
    ///
    /// # Errors
    /// If the shape has no pixels.
    pub fn from_source(
        origin: impl Into<Arc<str>>,
        shape: impl Into<ImageShape>,
        source: Arc<dyn ImageSource>,
        ids: Vec<String>,
    ) -> Result<Self> {
        let (origin, shape) = (origin.into(), shape.into());
        check_size(&origin, shape, 0, 0)?;
        Ok(Self::whole(origin, shape, source, ids))
    }

    fn whole(
        origin: Arc<str>,
        shape: ImageShape,
        source: Arc<dyn ImageSource>,
        ids: Vec<String>,
    ) -> Self {
        Self {
            origin,
            shape,
            source,
            positions: (0..ids.len()).collect(),
            ids: ids.into(),
        }
    }

    /// The same images under other names.
    ///
    /// # Panics
    /// If there is not one id for each.
    #[must_use]
    pub fn renamed(&self, origin: impl Into<Arc<str>>, ids: &[String]) -> Self {
        assert_eq!(ids.len(), self.len(), "an id for each image");
        let mut all = self.ids.to_vec();
        for (&position, id) in self.positions.iter().zip(ids) {
            all[position].clone_from(id);
        }
        Self {
            origin: origin.into(),
            ids: all.into(),
            ..self.clone()
        }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The size of each.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Fills `out`, `[height, width, channels]`, with one image.
    ///
    /// # Errors
    /// If it cannot be read any more.
    ///
    /// # Panics
    /// If there is no such image, or `out` is not of its size.
    pub fn write(&self, position: usize, out: &mut [f32]) -> Result<()> {
        assert_eq!(out.len(), self.shape.size(), "room for an image");
        self.source.write(self.positions[position], out)
    }

    /// What [`ImageSource::digest`] says of one image.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn known_digest(&self, position: usize) -> Option<[u8; 32]> {
        self.source.digest(self.positions[position])
    }

    /// Left, top, width and height of what one image itself covers, in pixels: all, unless something
    /// surrounds it that belongs to its proportions and not to what it shows.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn covered(&self, position: usize) -> [usize; 4] {
        self.frame(position).placed
    }

    /// The values of one image, `[height, width, channels]`.
    ///
    /// # Errors
    /// If it cannot be read any more.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn image(&self, position: usize) -> Result<Vec<f32>> {
        let mut values = vec![0.0; self.shape.size()];
        self.write(position, &mut values)?;
        Ok(values)
    }

    /// All values, `[N, height, width, channels]`: for few images, because it copies.
    ///
    /// # Errors
    /// If an image cannot be read any more.
    pub fn pixels(&self) -> Result<Vec<f32>> {
        let each = self.shape.size();
        let mut values = vec![0.0; self.len() * each];
        for (position, out) in values.chunks_exact_mut(each).enumerate() {
            self.write(position, out)?;
        }
        Ok(values)
    }

    /// Where one image came from in its original; itself where there is no other.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn frame(&self, position: usize) -> Frame {
        let frame = self.source.frame(self.positions[position]);
        frame.unwrap_or_else(|| Frame::whole(self.shape.width, self.shape.height))
    }

    /// Whether images are files of their own, with originals to look at, and not parts of an array.
    pub fn are_files(&self) -> bool {
        let first = self.positions.first();
        first.is_some_and(|&image| self.source.frame(image).is_some())
    }

    /// What [`ImageSource::original`] says of one image.
    ///
    /// # Errors
    /// If it cannot be read any more.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn original(&self, position: usize) -> Result<Option<Vec<u8>>> {
        self.source.original(self.positions[position])
    }

    /// The image's name.
    pub fn id(&self, position: usize) -> String {
        self.ids[self.positions[position]].clone()
    }

    /// Where the images came from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The images at these positions, in this order.
    #[must_use]
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            origin: Arc::clone(&self.origin),
            shape: self.shape,
            source: Arc::clone(&self.source),
            ids: Arc::clone(&self.ids),
            positions: positions.iter().map(|&p| self.positions[p]).collect(),
        }
    }
}

/// Of the same origin and shape, with the same names and values. An image that cannot be read is
/// equal to none.
impl PartialEq for Images {
    fn eq(&self, other: &Self) -> bool {
        let same = |p| {
            self.id(p) == other.id(p)
                && match (self.image(p), other.image(p)) {
                    (Ok(mine), Ok(theirs)) => mine == theirs,
                    _ => false,
                }
        };
        self.origin == other.origin
            && self.shape == other.shape
            && self.len() == other.len()
            && (0..self.len()).all(same)
    }
}

/// The number of values of one image, if all sizes fit together.
fn check_size(origin: &str, shape: ImageShape, values: usize, images: usize) -> Result<usize> {
    let ImageShape {
        height,
        width,
        channels,
    } = shape;
    let each = height
        .checked_mul(width)
        .and_then(|p| p.checked_mul(channels))
        .unwrap_or(0);
    if each > 0 && each.checked_mul(images) == Some(values) {
        return Ok(each);
    }
    Err(mismatch(
        origin,
        format!("{values} values for {images} images"),
        format!("{height} × {width} × {channels} values an image"),
    ))
}

fn mismatch(origin: &str, found: String, expected: String) -> Error {
    Error::Mismatch {
        origin: Some(origin.to_owned()),
        found,
        expected,
        hint: None,
    }
}

/// Images in memory, as they are needed.
#[derive(Debug)]
struct Floats {
    each: usize,
    pixels: Vec<f32>,
}

impl ImageSource for Floats {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        out.copy_from_slice(&self.pixels[image * self.each..(image + 1) * self.each]);
        Ok(())
    }
}

/// Images in memory, a quarter as large.
#[derive(Debug)]
struct Bytes {
    each: usize,
    pixels: Vec<u8>,
}

impl ImageSource for Bytes {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        let bytes = &self.pixels[image * self.each..(image + 1) * self.each];
        for (value, &byte) in out.iter_mut().zip(bytes) {
            *value = f32::from(byte) / 127.5 - 1.0;
        }
        Ok(())
    }
}
