//! Where images are anomalous, for people to look at.

use unlike::Model;
use unlike_core::{Detector, Error, Explanations, Frame, Images, Result, Samples};

use super::{Raster, outline::between};

/// Maps that are made at a time, so that memory does not grow with the input.
const CHUNK: usize = 256;

/// Calls `f` with the maps of images, chunk by chunk, so that memory does not grow with the number of
/// images: the position of the chunk's first image, `[height, width]`, and `[n, height, width]`.
///
/// # Errors
/// Whatever `f` returns, and if the samples are no images that fit the model.
pub fn each_chunk(
    model: &Model,
    samples: &Samples,
    mut f: impl FnMut(usize, [usize; 2], &[f32]) -> Result<()>,
) -> Result<()> {
    for from in (0..samples.len()).step_by(CHUNK) {
        let positions: Vec<usize> = (from..samples.len().min(from + CHUNK)).collect();
        let (shape, maps) = of(model, &samples.select(&positions))?;
        f(from, shape, &maps)?;
    }
    Ok(())
}

/// The maps of all of these images: `[height, width]`, and `[N, height, width]`, in the units of
/// [`Model`]'s explanations.
///
/// # Errors
/// If the samples are no images that fit the model.
pub fn of(model: &Model, samples: &Samples) -> Result<([usize; 2], Vec<f32>)> {
    match model.explain(samples)? {
        Explanations::Maps {
            height,
            width,
            values,
        } => Ok(([height, width], values)),
        Explanations::Columns { .. } => Err(Error::Mismatch {
            origin: Some(samples.origin().to_owned()),
            found: "one contribution per column".into(),
            expected: "maps".into(),
            hint: None,
        }),
    }
}

/// How maps become colours, the same for all images that are shown together. In a map, 1 is one spread
/// of normals above their mean; colours begin at twice that, and their scale is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourScale {
    /// What has the lightest colour.
    top: f32,
}

impl ColourScale {
    /// The highest five in a thousand values have the lightest colour, unless they are low.
    pub fn of(maps: &[f32]) -> Self {
        let mut sorted = maps.to_vec();
        let at = sorted.len().saturating_sub(1 + sorted.len() / 200);
        let high = match sorted.is_empty() {
            true => 0.0,
            false => *sorted.select_nth_unstable_by(at, f32::total_cmp).1,
        };
        Self {
            top: high.max(LEAST),
        }
    }

    /// From the units of a map to [0, 1].
    pub fn share(self, value: f32) -> f32 {
        ((value.max(DARK) / DARK).ln() / (self.top / DARK).ln()).min(1.0)
    }
}

/// The lightest colour stands at least for this many spreads of normals, so that images in which all is
/// normal stay dark.
const LEAST: f32 = 10.0;
/// Up to this many spreads, a pixel is dark: normals often reach it.
const DARK: f32 = 2.0;

/// What [`Strips`] show, in words.
pub const STRIP: &str = "The image, what the model makes of it (where it can generate), \
     the anomaly map over it, with a line around what exceeds the pixel threshold, and the mask \
     (where there is one).";

/// Images beside what the model makes of them, on one scale of colours.
#[derive(Debug)]
pub struct Strips<'a> {
    images: &'a Images,
    reconstructions: Option<Images>,
    /// Pixels of a map, and of one of its rows.
    size: [usize; 2],
    /// `[N, height, width]`
    maps: Vec<f32>,
    scale: ColourScale,
    pixel_threshold: f64,
}

impl<'a> Strips<'a> {
    /// Maps and reconstructions of all of these samples, with lines around what is at least the
    /// [pixel threshold](super::pixel_threshold); `None` where there are no maps.
    ///
    /// # Errors
    /// If the samples do not fit the model.
    pub fn new(model: &Model, samples: &'a Samples, pixel_threshold: f64) -> Result<Option<Self>> {
        let (Samples::Images(images), true) = (samples, model.has_maps()) else {
            return Ok(None);
        };
        let ([height, width], maps) = of(model, samples)?;
        Ok(Some(Self {
            images,
            reconstructions: model.reconstructions(samples)?,
            size: [height * width, width],
            scale: ColourScale::of(&maps),
            maps,
            pixel_threshold,
        }))
    }

    /// Whether the model makes reconstructions.
    pub fn reconstructs(&self) -> bool {
        self.reconstructions.is_some()
    }

    /// One of the images in its own proportions, its reconstruction if the model makes one, its map
    /// over it, and its mask if there is one, at the size that models see; each at most `side` pixels
    /// high and wide.
    ///
    /// # Errors
    /// If the image can no longer be read.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn strip(&self, i: usize, mask: Option<&[bool]>, side: usize) -> Result<Vec<Raster>> {
        let image = Raster::of_original(self.images, i)?.scaled(side);
        let mut strip = vec![image];
        if let Some(rebuilt) = &self.reconstructions {
            let rebuilt = Raster::of_image(rebuilt, i)?;
            strip.push(self.seen(i, strip[0].size(), |at| rebuilt.pixel(at)));
        }
        strip.push(self.over(i, &strip[0]));
        if let Some(mask) = mask {
            let colour = |at: usize| [if mask[at] { 255 } else { 0 }; 3];
            strip.push(self.seen(i, strip[0].size(), colour));
        }
        Ok(strip)
    }

    /// One of the images with its map over it, at the original's size, at most `most` and at least about
    /// `least` pixels high or wide.
    ///
    /// # Errors
    /// If the image can no longer be read.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn overlay(&self, i: usize, [least, most]: [usize; 2]) -> Result<Raster> {
        let image = Raster::of_original(self.images, i)?.within(most);
        let [width, height] = image.size();
        Ok(match width.max(height) <= least {
            true => self.over(i, &image.scaled(least)),
            false => self.over(i, &image),
        })
    }

    /// An image of this sample, of any size, with the map over it.
    fn over(&self, i: usize, image: &Raster) -> Raster {
        let [pixels, width] = self.size;
        let map = &self.maps[i * pixels..][..pixels];
        let value = |place: Option<[f64; 2]>| place.map_or(0.0, |at| between(map, width, at));
        let values: Vec<f32> = self.places(i, image.size()).map(value).collect();
        let shares: Vec<f32> = values.iter().map(|&v| self.scale.share(v)).collect();
        let above = |&v: &f32| f64::from(v) >= self.pixel_threshold;
        let inside: Vec<bool> = values.iter().map(above).collect();
        image.with_map(&shares).with_line(&inside)
    }

    /// What is known by pixels that models see, laid over an image of this size; black where they see
    /// nothing.
    fn seen(&self, i: usize, size: [usize; 2], colour: impl Fn(usize) -> [u8; 3]) -> Raster {
        let [pixels, width] = self.size;
        let nearest = |[x, y]: [f64; 2]| {
            let (x, y) = (
                (x as usize).min(width - 1),
                (y as usize).min(pixels / width - 1),
            );
            colour(y * width + x)
        };
        let pixel = |place: Option<[f64; 2]>| place.map_or([0; 3], nearest);
        Raster::of_pixels(size, self.places(i, size).map(pixel).collect())
    }

    /// Where in what models see the pixels of an image lie that shows this sample in this size.
    fn places(
        &self,
        i: usize,
        [width, height]: [usize; 2],
    ) -> impl Iterator<Item = Option<[f64; 2]>> {
        let frame: Frame = self.images.frame(i);
        let scale = [0, 1].map(|axis| frame.original[axis] as f64 / [width, height][axis] as f64);
        let centre = move |x: usize, y: usize| {
            frame.to_model([(x as f64 + 0.5) * scale[0], (y as f64 + 0.5) * scale[1]])
        };
        (0..height).flat_map(move |y| (0..width).map(move |x| centre(x, y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_begin_above_what_is_typical_and_end_where_few_values_are() {
        let mut maps = vec![1.0; 1000];
        maps[..10].fill(200.0);
        maps[0] = 1e30;
        let scale = ColourScale::of(&maps);
        assert_eq!(scale, ColourScale { top: 200.0 });
        assert_eq!(
            [0.0, 2.0, 200.0, 1e30].map(|v| scale.share(v)),
            [0.0, 0.0, 1.0, 1.0]
        );
        assert!((scale.share(20.0) - 0.5).abs() < 1e-6);
        assert_eq!(ColourScale::of(&[1.0; 9]), ColourScale { top: LEAST });
        assert_eq!(ColourScale::of(&[]), ColourScale { top: LEAST });
    }
}
