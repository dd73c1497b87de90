//! The fitted step from images to rows of features; saved with the model.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use unlike_core::{Arrays, Error, FeatureShape, Features, ImageShape, Result};

use crate::{
    config::{FeatureConfig, Pool},
    map::Map,
    network::Network,
    scaling::{Scaling, scaled},
};

/// From images of one size to rows of features in units of their spread over training images.
#[derive(Clone, Debug)]
pub struct Extraction {
    network: Arc<dyn Network>,
    /// The image or its places.
    pool: Pool,
    image: ImageShape,
    /// `[height, width]` of the places that give a row each; `[1, 1]` if the image gives one.
    grid: [usize; 2],
    /// Whether the place stands at the end of its row.
    numbered: bool,
    scaling: Scaling,
}

impl Extraction {
    /// Not fitted yet: rows are what the network says. `None` for pixels.
    ///
    /// # Errors
    /// If the samples are not images, or the network cannot be read as `config` says.
    pub fn new(config: &FeatureConfig, shape: &FeatureShape) -> Result<Option<Self>> {
        let (Some(pool), Some(network)) = (config.pool(), config.network(shape)?) else {
            return Ok(None);
        };
        let &FeatureShape::Image(image) = shape else {
            return Ok(None);
        };
        let finest = network.taps().iter().map(|tap| tap.grid);
        let finest = finest.max_by_key(|grid| grid[0] * grid[1]);
        // What sees the image as a whole beside its places is another detector.
        let pool = match pool {
            Pool::Both => Pool::Patches,
            one => one,
        };
        Ok(Some(Self {
            grid: match pool {
                Pool::Patches | Pool::Both => finest.unwrap_or([1, 1]),
                Pool::Image => [1, 1],
            },
            network: network.into(),
            pool,
            image,
            numbered: false,
            scaling: Scaling::Raw,
        }))
    }

    /// `[height, width]` of the places of an image that give a row each; `None` if the image gives one.
    pub fn grid(&self) -> Option<[usize; 2]> {
        (self.pool == Pool::Patches).then_some(self.grid)
    }

    /// Rows that an image gives.
    pub fn places(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The same with the place of a patch at the end of its row, for detectors that tell places apart.
    #[must_use]
    pub fn with_places(self, numbered: bool) -> Self {
        let numbered = numbered && self.pool == Pool::Patches;
        Self { numbered, ..self }
    }

    /// What a row is.
    pub fn shape(&self) -> FeatureShape {
        let width = self.scaling.width(self.raw());
        match self.numbered {
            false => FeatureShape::row(width),
            true => FeatureShape::Patch {
                width: width + 1,
                places: self.places(),
            },
        }
    }

    /// Numbers of a row that the network gives.
    fn raw(&self) -> usize {
        let channels = self.network.taps().iter().map(|tap| tap.channels);
        match self.pool {
            Pool::Patches | Pool::Both => channels.sum(),
            Pool::Image => 3 * channels.sum::<usize>(),
        }
    }

    /// What detectors see, in words: `152 features of each of 28 × 28 places (lite0, stage3 and stage5)`.
    pub fn describe(&self) -> String {
        let of = match self.grid() {
            Some([height, width]) => format!("each of {width} × {height} places"),
            None => "the image as a whole".into(),
        };
        let taps = self.taps().join(" and ");
        let (name, width) = (self.network.name(), self.scaling.width(self.raw()));
        match taps == name {
            true => format!("{width} features of {of} ({name})"),
            false => format!("{width} features of {of} ({name}, {taps})"),
        }
    }

    /// The names of what is read of the network, in order.
    pub fn taps(&self) -> Vec<String> {
        self.network
            .taps()
            .iter()
            .map(|tap| tap.name.clone())
            .collect()
    }

    /// The names of the columns of a row: `stage3:17`, for images `stage3:17:mean`; of components, their
    /// number.
    pub fn names(&self) -> Vec<String> {
        if let Scaling::Components(whitening) = &self.scaling {
            let name = self.network.name();
            return (0..whitening.components())
                .map(|c| format!("{name}:{c}"))
                .collect();
        }
        let mut names = Vec::with_capacity(self.raw());
        for tap in self.network.taps() {
            let (name, channels) = (&tap.name, tap.channels);
            match self.pool {
                Pool::Patches | Pool::Both => {
                    names.extend((0..channels).map(|c| format!("{name}:{c}")))
                }
                Pool::Image => {
                    for statistic in ["mean", "sd", "max"] {
                        names.extend((0..channels).map(|c| format!("{name}:{c}:{statistic}")));
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
    /// # Errors
    /// If the network cannot be run on one of them.
    ///
    /// # Panics
    /// If the images are not of the size that this was made for.
    pub fn extract(&self, images: &Features) -> Result<Features> {
        assert_eq!(
            images.shape(),
            &FeatureShape::Image(self.image),
            "images of one size"
        );
        let each = self.places() * self.shape().size();
        let mut values = vec![0.0; images.len() * each];
        let size = images.shape().size();
        match self.network.has_own_threads() {
            true => {
                let rows = values.chunks_exact_mut(each);
                let pairs = rows.zip(images.values().chunks_exact(size));
                on_threads(pairs, |(rows, image)| self.write(image, rows))?;
            }
            false => values
                .par_chunks_exact_mut(each)
                .zip(images.values().par_chunks_exact(size))
                .try_for_each(|(rows, image)| self.write(image, rows))?,
        }
        Ok(Features::new(self.shape(), values))
    }

    /// As [`extract`](Self::extract), by a network of this program.
    ///
    /// # Panics
    /// As there, and if a network that is not of this program cannot be run.
    pub fn rows(&self, images: &Features) -> Features {
        self.extract(images)
            .expect("networks of this program run on any image")
    }

    fn write(&self, image: &[f32], rows: &mut [f32]) -> Result<()> {
        let maps = self.network.maps(image)?;
        let mut raw = vec![0.0; self.raw()];
        match self.pool {
            Pool::Image => {
                let mut rest = &mut raw[..];
                for map in &maps {
                    let (out, others) = rest.split_at_mut(3 * map.channels);
                    map.pool(out);
                    rest = others;
                }
                self.scaling.apply(&raw, rows);
            }
            Pool::Patches | Pool::Both => {
                let averages = self.network.averages();
                let maps = maps.into_iter().map(|map| match averages {
                    true => map.averaged(),
                    false => map,
                });
                let maps: Vec<Map> = maps.collect();
                let (size, width) = (self.shape().size(), self.scaling.width(raw.len()));
                for (at, row) in rows.chunks_exact_mut(size).enumerate() {
                    let place = [at / self.grid[1], at % self.grid[1]];
                    let (row, number) = row.split_at_mut(width);
                    if let Some(number) = number.first_mut() {
                        *number = at as f32;
                    }
                    let mut rest = &mut raw[..];
                    for map in &maps {
                        let (out, others) = rest.split_at_mut(map.channels);
                        match [map.height, map.width] == self.grid {
                            true => out.copy_from_slice(map.place(place[0], place[1])),
                            false => map.sample(place, self.grid, out),
                        }
                        rest = others;
                    }
                    self.scaling.apply(&raw, row);
                }
            }
        }
        Ok(())
    }

    /// Learns the units of rows from those of training images as they came out of [`new`](Self::new), and
    /// brings these to them.
    ///
    /// # Errors
    /// If the network says the same of every training image and place, or a value is not finite.
    pub fn fit(&mut self, rows: &Features) -> Result<Features> {
        let (raw, size) = (self.raw(), rows.shape().size());
        let scaling = match size == raw {
            true => Scaling::fit(rows, self.whitens())?,
            false => {
                // Without the numbers of places.
                let rows = rows.values().chunks_exact(size);
                let values = rows.flat_map(|row| &row[..raw]).copied().collect();
                Scaling::fit(
                    &Features::new(FeatureShape::row(raw), values),
                    self.whitens(),
                )?
            }
        };
        self.scaling = scaling;
        Ok(scaled(rows, &self.scaling, self.shape()))
    }

    fn whitens(&self) -> bool {
        self.network.whitens(self.pool)
    }

    /// What [`fit`](Self::fit) learned.
    pub fn arrays(&self) -> Arrays {
        self.scaling.arrays()
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
        extraction.scaling = Scaling::restore(extraction.raw(), extraction.whitens(), arrays)?;
        Ok(Some(extraction))
    }
}

/// Calls `f` with each item, on as many plain threads as the pool has; the first error of the items in order.
fn on_threads<T: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    f: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let threads = rayon::current_num_threads().min(items.len());
    let items = Mutex::new(items.enumerate());
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((at, item)) = next else { break };
                    if let Err(error) = f(item) {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        if failed.as_ref().is_none_or(|(first, _)| at < *first) {
                            *failed = Some((at, error));
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
