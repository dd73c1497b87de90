//! Images for people: from pixels and maps to PNG files.

use image::{
    ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use unlike_core::{Error, ImageShape, Images, Result};

use super::heat::heat;

/// Between the images of a grid.
const GAP: usize = 4;
/// The colour of gaps: neither of an image's ends.
const GROUND: [u8; 3] = [0x80, 0x80, 0x80];

/// An image in colour, `[height, width, 3]`, to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    /// Rows from the top.
    pixels: Vec<[u8; 3]>,
}

impl Raster {
    /// One of these images; -1 is black, 1 white.
    ///
    /// # Errors
    /// If its file can no longer be read.
    pub fn of_image(images: &Images, position: usize) -> Result<Self> {
        let ImageShape {
            height,
            width,
            channels,
        } = images.shape();
        let byte = |v: f32| (127.5 * (v + 1.0)).round() as u8;
        let pixel = |p: &[f32]| match *p {
            [r, g, b] => [r, g, b].map(byte),
            _ => [byte(p[0]); 3],
        };
        let values = images.image(position)?;
        Ok(Self {
            width,
            height,
            pixels: values.chunks_exact(channels).map(pixel).collect(),
        })
    }

    /// One of these images as its file has it, or as models see it where there is no other.
    ///
    /// # Errors
    /// If its file can no longer be read.
    pub fn of_original(images: &Images, position: usize) -> Result<Self> {
        let Some(bytes) = images.original(position)? else {
            return Self::of_image(images, position);
        };
        let [width, height] = images.frame(position).original;
        Ok(Self {
            width,
            height,
            pixels: bytes.as_chunks().0.to_vec(),
        })
    }

    /// As wide and high as `size`, each pixel by its place in rows from the top.
    pub(crate) fn of_pixels([width, height]: [usize; 2], pixels: Vec<[u8; 3]>) -> Self {
        debug_assert_eq!(pixels.len(), width * height);
        Self {
            width,
            height,
            pixels,
        }
    }

    /// A map `[height, width]` of values in [0, 1] as colours.
    pub fn of_map(map: &[f32], width: usize) -> Self {
        Self {
            width,
            height: map.len() / width.max(1),
            pixels: map.iter().map(|&v| heat(v)).collect(),
        }
    }

    /// This image in darkened grey, and over it a map of values in [0, 1]: the higher, the less of
    /// the image is seen.
    #[must_use]
    pub fn with_map(&self, map: &[f32]) -> Self {
        let blend = |(&[r, g, b], &value): (&[u8; 3], &f32)| {
            // Luminance (ITU-R BT.709).
            let grey = 0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b);
            let value = value.clamp(0.0, 1.0);
            let share = 0.95 * value;
            heat(value).map(|c| ((1.0 - share) * 0.6 * grey + share * f32::from(c)).round() as u8)
        };
        Self {
            pixels: self.pixels.iter().zip(map).map(blend).collect(),
            ..*self
        }
    }

    /// The same, white around what is `inside`, and black around that; lines are thicker in large
    /// images.
    #[must_use]
    pub(crate) fn with_line(&self, inside: &[bool]) -> Self {
        const THIN: usize = 600;
        let thickness = 1 + self.width.max(self.height) / THIN;
        let (mut white, mut black) = (Vec::new(), Vec::new());
        for at in 0..self.pixels.len() {
            let (x, y) = (at % self.width, at / self.width);
            let neighbours = [
                (x > 0).then(|| at - 1),
                (x + 1 < self.width).then(|| at + 1),
                (y > 0).then(|| at - self.width),
                (y + 1 < self.height).then(|| at + self.width),
            ];
            let differs = |n: &usize| inside[*n] != inside[at];
            if neighbours.iter().flatten().any(differs) {
                if inside[at] { &mut white } else { &mut black }.push((x, y));
            }
        }
        let mut pixels = self.pixels.clone();
        for (places, colour) in [(black, [0; 3]), (white, [255; 3])] {
            for (x, y) in places {
                for row in y..(y + thickness).min(self.height) {
                    let end = (x + thickness).min(self.width);
                    pixels[row * self.width..][x..end].fill(colour);
                }
            }
        }
        Self { pixels, ..*self }
    }

    /// Enlarged by a whole number so that the longer side comes close to `side`, with sharp pixels; or
    /// made smaller, so that it is `side`.
    #[must_use]
    pub fn scaled(&self, side: usize) -> Self {
        let longest = self.width.max(self.height).max(1);
        if longest > side {
            return self.within(side);
        }
        let factor = side / longest;
        let (width, height) = (self.width * factor, self.height * factor);
        let pixel = |at: usize| self.pixels[at / width / factor * self.width + at % width / factor];
        Self {
            width,
            height,
            pixels: (0..width * height).map(pixel).collect(),
        }
    }

    /// Made smaller so that its longer side is `side`, if it is longer.
    #[must_use]
    pub(crate) fn within(&self, side: usize) -> Self {
        let longest = self.width.max(self.height).max(1);
        if longest <= side {
            return self.clone();
        }
        let shorter = |length: usize| (length * side).div_euclid(longest).max(1) as u32;
        let buffer = self.pixels.as_flattened().to_vec();
        let image = RgbImage::from_raw(self.width as u32, self.height as u32, buffer);
        // There are as many bytes as the sides say.
        let image = image.unwrap_or_default();
        let (width, height) = (shorter(self.width), shorter(self.height));
        let image = image::imageops::resize(&image, width, height, FilterType::Triangle);
        Self {
            width: width as usize,
            height: height as usize,
            pixels: image.into_raw().as_chunks().0.to_vec(),
        }
    }

    /// Rows of images in the middle of places as large as the largest needs, with gaps between them;
    /// `None` without any image.
    pub fn grid(rows: &[Vec<Self>]) -> Option<Self> {
        let all = || rows.iter().flatten();
        let cell = [
            all().map(|i| i.width).max()?,
            all().map(|i| i.height).max()?,
        ];
        let columns = rows.iter().map(Vec::len).max()?;
        let (across, down) = (cell[0] + GAP, cell[1] + GAP);
        let (width, height) = (columns * across - GAP, rows.len() * down - GAP);
        let mut pixels = vec![GROUND; width * height];
        for (row, images) in rows.iter().enumerate() {
            for (column, image) in images.iter().enumerate() {
                let left = column * across + (cell[0] - image.width) / 2;
                let top = row * down + (cell[1] - image.height) / 2;
                let lines = image.pixels.chunks_exact(image.width.max(1));
                for (line, values) in lines.enumerate() {
                    let start = (top + line) * width + left;
                    pixels[start..start + image.width].copy_from_slice(values);
                }
            }
        }
        Some(Self {
            width,
            height,
            pixels,
        })
    }

    /// The pixel at this place in rows from the top.
    pub(crate) fn pixel(&self, at: usize) -> [u8; 3] {
        self.pixels[at]
    }

    /// `[width, height]` in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// A whole PNG file.
    ///
    /// # Errors
    /// If an image so large cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>> {
        match self.grey() {
            Some(grey) => encoded(
                [self.width, self.height],
                png::ColorType::Grayscale,
                &grey,
                None,
            ),
            None => {
                let bytes = self.pixels.as_flattened();
                encoded([self.width, self.height], png::ColorType::Rgb, bytes, None)
            }
        }
    }

    /// A whole file, PNG or JPEG, whichever is smaller; PNG, which loses nothing, for small images.
    ///
    /// # Errors
    /// As [`png`](Self::png).
    pub(crate) fn smallest_file(&self) -> Result<Vec<u8>> {
        const SMALL: usize = 64;
        const QUALITY: u8 = 85;
        let png = self.png()?;
        if self.width.max(self.height) <= SMALL {
            return Ok(png);
        }
        let grey = self.grey();
        let (bytes, colour) = match &grey {
            Some(grey) => (&grey[..], ExtendedColorType::L8),
            None => (self.pixels.as_flattened(), ExtendedColorType::Rgb8),
        };
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
            .write_image(bytes, self.width as u32, self.height as u32, colour)
            .map_err(failed)?;
        Ok(if jpeg.len() < png.len() { jpeg } else { png })
    }

    /// One byte a pixel, if none has a colour.
    fn grey(&self) -> Option<Vec<u8>> {
        let grey = |&[r, g, b]: &[u8; 3]| (r == g && g == b).then_some(r);
        self.pixels.iter().map(grey).collect()
    }
}

/// A map of values in [0, 1] as a PNG file in colours, the more transparent the lower.
///
/// # Errors
/// If a map so large cannot be encoded.
pub(crate) fn heat_file(size: [usize; 2], shares: impl Iterator<Item = f32>) -> Result<Vec<u8>> {
    const LEVELS: usize = 64;
    let share = |level: usize| level as f32 / (LEVELS - 1) as f32;
    let colours: Vec<u8> = (0..LEVELS).flat_map(|level| heat(share(level))).collect();
    let alpha: Vec<u8> = (0..LEVELS)
        .map(|level| (242.0 * share(level)) as u8)
        .collect();
    let level = |v: f32| (v.clamp(0.0, 1.0) * (LEVELS - 1) as f32).round() as u8;
    let levels: Vec<u8> = shares.map(level).collect();
    encoded(
        size,
        png::ColorType::Indexed,
        &levels,
        Some((colours, alpha)),
    )
}

/// A PNG file of eight bits a value; with a palette and how opaque its colours are.
fn encoded(
    [width, height]: [usize; 2],
    colour: png::ColorType,
    values: &[u8],
    palette: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    if let Some((colours, alpha)) = palette {
        encoder.set_palette(colours);
        encoder.set_trns(alpha);
    }
    // By this a reader of images knows that a picture was drawn here, and is no data.
    let named = encoder.add_text_chunk("Software".into(), "unlike".into());
    named.map_err(failed)?;
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(values)?;
        writer.finish()
    });
    written.map_err(failed)?;
    Ok(bytes)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::io("encode", "an image")(std::io::Error::other(error))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Width, height and pixels of a PNG file in grey or colour.
    pub(crate) fn decoded(bytes: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let pixels = match info.color_type {
            png::ColorType::Grayscale => pixels.iter().map(|&v| [v; 3]).collect(),
            _ => pixels.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect(),
        };
        (info.width as usize, info.height as usize, pixels)
    }

    fn grey() -> Images {
        let ids = vec!["a".to_owned(), "b".to_owned()];
        let pixels = vec![-1.0, 1.0, 0.0, -1.0, 1.0, 1.0, 1.0, 1.0];
        Images::new("two", [2, 2, 1], pixels, ids).unwrap()
    }

    #[test]
    fn pixels_survive_scaling_and_the_file() {
        let image = Raster::of_image(&grey(), 0).unwrap();
        let (width, height, pixels) = decoded(&image.scaled(5).png().unwrap());
        assert_eq!((width, height), (4, 4));
        let column = |row: usize| pixels[row * 4..][..4].to_vec();
        let [black, white, middle] = [[0; 3], [255; 3], [128; 3]];
        assert_eq!(column(1), [black, black, white, white]);
        assert_eq!(column(2), [middle, middle, black, black]);
        assert_eq!(image.scaled(1).pixels, [[96; 3]]);
        assert_eq!(image.within(2), image);
    }

    #[test]
    fn files_are_as_small_as_they_can_be_and_small_images_lose_nothing() {
        // A slope with grain, as photographs have.
        let grain = |i: usize| {
            let hash = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 60) as usize
        };
        let value = |i: usize, c: usize| i % 200 / 2 + i / 200 * c + grain(3 * i + c);
        let smooth = |i: usize| [0, 1, 2].map(|c| value(i, c).min(255) as u8);
        let photo = Raster::of_pixels([200, 100], (0..20_000).map(smooth).collect());
        assert!(photo.smallest_file().unwrap().starts_with(b"\xff\xd8\xff"));
        let flat = Raster::of_pixels([200, 100], vec![[7; 3]; 20_000]);
        assert_eq!(flat.smallest_file().unwrap(), flat.png().unwrap());
        let small = photo.within(64);
        assert_eq!(small.size(), [64, 32]);
        assert_eq!(decoded(&small.smallest_file().unwrap()).2, small.pixels);
    }

    #[test]
    fn lines_are_white_inside_and_black_around() {
        let image = Raster::of_pixels([5, 3], vec![[90; 3]; 15]);
        let inside: Vec<bool> = (0..15).map(|at| at % 5 < 2).collect();
        let row: Vec<u8> = image.with_line(&inside).pixels[5..10]
            .iter()
            .map(|p| p[0])
            .collect();
        assert_eq!(row, [90, 255, 0, 90, 90]);
        assert_eq!(image.with_line(&[true; 15]), image);
    }

    #[test]
    fn a_grid_has_every_image_in_its_place() {
        let images = grey();
        let [a, b] = [0, 1].map(|i| Raster::of_image(&images, i).unwrap());
        let grid = Raster::grid(&[vec![a.clone(), b.clone()], vec![b]]).unwrap();
        assert_eq!(grid.size(), [2 + GAP + 2, 2 + GAP + 2]);
        let at = |x: usize, y: usize| grid.pixels[y * grid.width + x];
        assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [[0; 3], [255; 3], GROUND]);
        assert_eq!(at(2 + GAP, 1), [255; 3]);
        assert_eq!([at(0, 2 + GAP), at(2 + GAP, 2 + GAP)], [[255; 3], GROUND]);
        assert_eq!(Raster::grid(&[]), None);
        // What is smaller stands in the middle.
        let mixed = [Raster::of_pixels([4, 2], vec![[9; 3]; 8]), a.clone()];
        let grid = Raster::grid(&[mixed.to_vec()]).unwrap();
        assert_eq!(grid.size(), [4 + GAP + 4, 2]);
        let row: Vec<u8> = grid.pixels[4 + GAP..][..4].iter().map(|p| p[0]).collect();
        assert_eq!(row, [GROUND[0], 0, 255, GROUND[0]]);
        assert_eq!(a.size(), [2, 2]);
    }

    #[test]
    fn a_map_shows_only_where_it_is_high() {
        let image = Raster::of_image(&grey(), 1).unwrap();
        let shown = image.with_map(&[0.0, 0.0, 0.0, 1.0]).pixels;
        assert_eq!(shown[0], [153; 3]);
        assert!(shown[3][0] > shown[3][2], "{shown:?}");
    }
}
