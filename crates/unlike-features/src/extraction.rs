//! The fitted step from images to rows of features; saved with the model.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use unlike_core::{Arrays, Error, FeatureShape, Features, ImageShape, Result};

use crate::{
    lite0::{self, Lite0},
    map::Map,
};

/// What detectors see of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "features", rename_all = "kebab-case")]
pub enum FeatureConfig {
    /// The pixels, as they are.
    Pixels,
    /// Rows of what [`Lite0`] says, which is in the binary.
    Lite0(Taps),
}

/// How what a network says becomes rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Taps {
    /// What becomes a row.
    pub pool: Pool,
    /// The stages of the network that are read, in this order; the finest gives the places.
    pub taps: Vec<String>,
}

/// What of an image becomes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The image: mean, standard deviation and maximum of every channel.
    Image,
    /// Every place: its channels, each averaged over the place and its neighbours. Coarser stages are
    /// interpolated.
    Patches,
}

impl FeatureConfig {
    /// [`Lite0`] with the stages that are recommended: one of fine places, one that knows more of what
    /// is around.
    pub fn lite0(pool: Pool) -> Self {
        let taps = ["stage3", "stage5"].map(str::to_owned).to_vec();
        Self::Lite0(Taps { pool, taps })
    }
}

impl FeatureConfig {
    /// What is recommended for images of this size: pixels up to 32 on a
    /// side, which hold no more than networks on pixels can learn; the patches of a network for larger
    /// ones, whose defects those do not see (RESULTS.md, "Magnetic tiles").
    pub fn usual(image: ImageShape) -> Self {
        match image.height.max(image.width) <= SMALL {
            true => Self::Pixels,
            false => Self::lite0(Pool::Patches),
        }
    }

    /// The longest side that images are brought to unasked: that of the images which the network was
    /// trained on, or what networks on pixels can afford.
    pub fn usual_side(&self) -> usize {
        match self {
            Self::Pixels => 64,
            Self::Lite0(_) => LITE0_SIDE,
        }
    }
}

impl Taps {
    /// Positions of the taps among the network's stages.
    fn stages(&self) -> Result<Vec<usize>> {
        let known = lite0::TAPS.map(|(name, _)| name);
        let mut stages = Vec::with_capacity(self.taps.len());
        for tap in &self.taps {
            let stage = known.iter().position(|name| name == tap);
            let stage = stage.filter(|stage| !stages.contains(stage));
            stages.push(stage.ok_or_else(|| Error::Setting {
                name: "features.taps".into(),
                found: format!("`{tap}`"),
                expected: format!("each once of {}", known.join(", ")),
                hint: None,
            })?);
        }
        if stages.is_empty() {
            return Err(Error::Setting {
                name: "features.taps".into(),
                found: "none".into(),
                expected: format!("some of {}", known.join(", ")),
                hint: None,
            });
        }
        Ok(stages)
    }
}

/// From images of one size to rows of features in units of their spread over training images.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    taps: Taps,
    stages: Vec<usize>,
    /// `[height, width, channels]` of an image.
    image: ImageShape,
    /// `[height, width]` of the places that give a row each; `[1, 1]` if the image gives one.
    grid: [usize; 2],
    /// Whether the place stands at the end of its row.
    numbered: bool,
    /// Of each column over training rows.
    mean: Vec<f32>,
    /// Of each column over training rows; 1 where nothing varies.
    sd: Vec<f32>,
}

/// Images of at most so many pixels on a side are seen as pixels unasked.
const SMALL: usize = 32;
/// Pixels of a side of the images that `lite0` was trained on.
const LITE0_SIDE: usize = 224;

/// A column that varies less than this share of its mean is rounding.
const ROUNDING: f64 = 1e-6;

impl Extraction {
    /// Not fitted yet: rows are what the network says. `None` for pixels.
    ///
    /// # Errors
    /// If the samples are not images, or a tap is not a stage of the network.
    pub fn new(config: &FeatureConfig, shape: &FeatureShape) -> Result<Option<Self>> {
        let FeatureConfig::Lite0(taps) = config else {
            return Ok(None);
        };
        let stages = taps.stages()?;
        let &FeatureShape::Image(image) = shape else {
            return Err(Error::Setting {
                name: "features".into(),
                found: "asked for".into(),
                expected: "nothing, because a table's columns are its features".into(),
                hint: None,
            });
        };
        let channels: usize = stages.iter().map(|&stage| lite0::TAPS[stage].1).sum();
        let finest = stages.iter().map(|&stage| lite0::STRIDES[stage]).min();
        let (grid, width) = match (taps.pool, finest) {
            (Pool::Patches, Some(stride)) => (
                [image.height.div_ceil(stride), image.width.div_ceil(stride)],
                channels,
            ),
            _ => ([1, 1], 3 * channels),
        };
        Ok(Some(Self {
            taps: taps.clone(),
            stages,
            image,
            grid,
            numbered: false,
            mean: vec![0.0; width],
            sd: vec![1.0; width],
        }))
    }

    /// `[height, width]` of the places of an image that give a row each; `None` if the image gives one.
    pub fn grid(&self) -> Option<[usize; 2]> {
        (self.taps.pool == Pool::Patches).then_some(self.grid)
    }

    /// Rows that an image gives.
    pub fn places(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The same with the place of a patch at the end of its row, for detectors that tell places apart.
    #[must_use]
    pub fn with_places(self, numbered: bool) -> Self {
        let numbered = numbered && self.taps.pool == Pool::Patches;
        Self { numbered, ..self }
    }

    /// What a row is.
    pub fn shape(&self) -> FeatureShape {
        match self.numbered {
            false => FeatureShape::row(self.width()),
            true => FeatureShape::Patch {
                width: self.width() + 1,
                places: self.places(),
            },
        }
    }

    /// Numbers of a row that the network gives.
    fn width(&self) -> usize {
        self.mean.len()
    }

    /// What detectors see, in words: `152 features of each of 28 × 28 places (lite0, stage3 and stage5)`.
    pub fn describe(&self) -> String {
        let of = match self.grid() {
            Some([height, width]) => format!("each of {width} × {height} places"),
            None => "the image as a whole".into(),
        };
        let taps = self.taps.taps.join(" and ");
        format!("{} features of {of} (lite0, {taps})", self.width())
    }

    /// The names of the columns of a row: `stage3:17`, and for images `stage3:17:mean`.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.width());
        for &stage in &self.stages {
            let (tap, channels) = lite0::TAPS[stage];
            match self.taps.pool {
                Pool::Patches => names.extend((0..channels).map(|c| format!("{tap}:{c}"))),
                Pool::Image => {
                    for statistic in ["mean", "sd", "max"] {
                        names.extend((0..channels).map(|c| format!("{tap}:{c}:{statistic}")));
                    }
                }
            }
        }
        names
    }

    /// The rows of these images, image after image, places from the top and from the left.
    ///
    /// An image's rows have the same bits beside any others and on any number of threads.
    ///
    /// # Panics
    /// If the images are not of the size that this was made for.
    pub fn rows(&self, images: &Features) -> Features {
        assert_eq!(
            images.shape(),
            &FeatureShape::Image(self.image),
            "images of one size"
        );
        let each = self.places() * self.shape().size();
        let mut values = vec![0.0; images.len() * each];
        let size = images.shape().size();
        values
            .par_chunks_exact_mut(each)
            .zip(images.values().par_chunks_exact(size))
            .for_each(|(rows, image)| self.write(image, rows));
        Features::new(self.shape(), values)
    }

    fn write(&self, image: &[f32], rows: &mut [f32]) {
        let last = self.stages.iter().copied().max().unwrap_or(0);
        let maps = Lite0::bundled().stages(image, self.image, last);
        let taps = self.stages.iter().map(|&stage| &maps[stage]);
        match self.taps.pool {
            Pool::Image => {
                let mut rest = &mut *rows;
                for map in taps {
                    let (out, others) = rest.split_at_mut(3 * map.channels);
                    map.pool(out);
                    rest = others;
                }
            }
            Pool::Patches => {
                let taps: Vec<Map> = taps.map(Map::averaged).collect();
                for (at, row) in rows.chunks_exact_mut(self.shape().size()).enumerate() {
                    let place = [at / self.grid[1], at % self.grid[1]];
                    let (row, number) = row.split_at_mut(self.width());
                    if let Some(number) = number.first_mut() {
                        *number = at as f32;
                    }
                    let mut rest = row;
                    for map in &taps {
                        let (out, others) = rest.split_at_mut(map.channels);
                        match [map.height, map.width] == self.grid {
                            true => out.copy_from_slice(map.place(place[0], place[1])),
                            false => map.sample(place, self.grid, out),
                        }
                        rest = others;
                    }
                }
            }
        }
        self.standardise(rows);
    }

    fn standardise(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.shape().size()) {
            for ((v, mean), sd) in row.iter_mut().zip(&self.mean).zip(&self.sd) {
                *v = (*v - mean) / sd;
            }
        }
    }

    /// Learns mean and spread of each column from rows of training images as they came out of
    /// [`new`](Self::new), and standardises these.
    ///
    /// # Errors
    /// If the network says the same of every training image and place, or a value is not finite.
    pub fn fit(&mut self, rows: Features) -> Result<Features> {
        let (width, size) = (self.width(), rows.shape().size());
        let count = rows.len().max(1) as f64;
        let unusable = |found: &str| {
            Err(Error::Setting {
                name: "features".into(),
                found: found.into(),
                expected: "a network that tells training images apart".into(),
                hint: None,
            })
        };
        let mut mean = vec![0.0_f64; width];
        for row in rows.values().chunks_exact(size) {
            for (mean, &v) in mean.iter_mut().zip(row) {
                *mean += f64::from(v);
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= count);
        let mut variance = vec![0.0_f64; width];
        for row in rows.values().chunks_exact(size) {
            for ((variance, mean), &v) in variance.iter_mut().zip(&mean).zip(row) {
                *variance += (f64::from(v) - mean).powi(2);
            }
        }
        if !variance.iter().all(|v| v.is_finite()) {
            return unusable("values that are not finite");
        }
        let mut varies = false;
        for (column, (mean, variance)) in mean.iter().zip(&variance).enumerate() {
            let sd = (variance / count).sqrt();
            self.mean[column] = *mean as f32;
            if sd > ROUNDING * mean.abs() && sd as f32 > 0.0 {
                self.sd[column] = sd as f32;
                varies = true;
            }
        }
        if !varies {
            return unusable("a network that says the same of every training image");
        }
        let mut values = rows.values().to_vec();
        self.standardise(&mut values);
        Ok(Features::new(rows.shape().clone(), values))
    }

    /// What [`fit`](Self::fit) learned.
    pub fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        arrays.insert("mean", &[self.width()], self.mean.clone());
        arrays.insert("sd", &[self.width()], self.sd.clone());
        arrays
    }

    /// As it was when [`arrays`](Self::arrays) was written.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if an array is missing or cannot come from [`fit`](Self::fit).
    pub fn restore(
        config: &FeatureConfig,
        shape: &FeatureShape,
        arrays: &Arrays,
    ) -> Result<Option<Self>> {
        let Some(mut extraction) = Self::new(config, shape)? else {
            return Ok(None);
        };
        let width = [extraction.width()];
        extraction.mean = arrays.get("mean", &width)?.to_vec();
        extraction.sd = arrays.get("sd", &width)?.to_vec();
        let sound = extraction.mean.iter().all(|v| v.is_finite())
            && extraction.sd.iter().all(|v| v.is_finite() && *v > 0.0);
        if sound {
            return Ok(Some(extraction));
        }
        Err(Error::Mismatch {
            origin: Some("features".into()),
            found: "a mean or spread that is not a number".into(),
            expected: "finite means and positive spreads".into(),
            hint: None,
        })
    }
}
