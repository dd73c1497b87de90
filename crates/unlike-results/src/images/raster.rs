//! Images for people: from pixels and maps to PNG files.

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

    /// A map `[height, width]` of values in [0, 1] as colours.
    pub fn of_map(map: &[f32], width: usize) -> Self {
        Self {
            width,
            height: map.len() / width.max(1),
            pixels: map.iter().map(|&v| heat(v)).collect(),
        }
    }

    /// A mask `[height, width]`, white where it is set.
    pub fn of_mask(mask: &[bool], width: usize) -> Self {
        let pixel = |&marked: &bool| [if marked { 255 } else { 0 }; 3];
        Self {
            width,
            height: mask.len() / width.max(1),
            pixels: mask.iter().map(pixel).collect(),
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

    /// Enlarged or made smaller by a whole number, so that the longer side comes close to `side` and
    /// does not exceed it. Pixels stay sharp, or become means.
    #[must_use]
    pub fn scaled(&self, side: usize) -> Self {
        let longest = self.width.max(self.height).max(1);
        if longest > side {
            return self.smaller(longest.div_ceil(side));
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

    fn smaller(&self, factor: usize) -> Self {
        let (width, height) = (self.width.div_ceil(factor), self.height.div_ceil(factor));
        let mean = |at: usize| {
            let (top, left) = (at / width * factor, at % width * factor);
            let rows = top..(top + factor).min(self.height);
            let columns = left..(left + factor).min(self.width);
            let count = (rows.len() * columns.len()) as u32;
            let mut sums = [count / 2; 3];
            for row in rows {
                for pixel in &self.pixels[row * self.width..][columns.clone()] {
                    for (sum, &value) in sums.iter_mut().zip(pixel) {
                        *sum += u32::from(value);
                    }
                }
            }
            sums.map(|sum| (sum / count) as u8)
        };
        Self {
            width,
            height,
            pixels: (0..width * height).map(mean).collect(),
        }
    }

    /// Rows of images, all of the first one's size, with gaps between them; `None` without any image.
    pub fn grid(rows: &[Vec<Self>]) -> Option<Self> {
        let first = rows.iter().flatten().next()?;
        let columns = rows.iter().map(Vec::len).max()?;
        let (across, down) = (first.width + GAP, first.height + GAP);
        let (width, height) = (columns * across - GAP, rows.len() * down - GAP);
        let mut pixels = vec![GROUND; width * height];
        for (row, images) in rows.iter().enumerate() {
            for (column, image) in images.iter().enumerate() {
                let lines = image.pixels.chunks_exact(image.width.max(1));
                for (line, values) in lines.enumerate() {
                    let start = (row * down + line) * width + column * across;
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

    /// `[width, height]` in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// A whole PNG file.
    ///
    /// # Errors
    /// If an image so large cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut bytes, side(self.width), side(self.height));
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // By this a reader of images knows that a picture was drawn here, and is no data.
        let named = encoder.add_text_chunk("Software".into(), "unlike".into());
        named.map_err(|e| Error::io("encode", "an image")(std::io::Error::other(e)))?;
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(self.pixels.as_flattened())?;
            writer.finish()
        });
        written.map_err(|e| Error::io("encode", "an image")(std::io::Error::other(e)))?;
        Ok(bytes)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Width, height and pixels of a PNG file in colour.
    pub(crate) fn decoded(bytes: &[u8]) -> (usize, usize, Vec<[u8; 3]>) {
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        let pixels = pixels.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
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
        // Back again: each pixel is the mean of equal ones.
        assert_eq!(image.scaled(4).scaled(2), image);
        assert_eq!(image.scaled(1).pixels, [[96; 3]]);
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
