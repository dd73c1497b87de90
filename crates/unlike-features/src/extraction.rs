//! The fitted step from images to rows of features; saved with the model.

use std::sync::Arc;

use rayon::prelude::*;
use unlike_core::{Arrays, Error, FeatureShape, Features, ImageShape, Note, Result};

use crate::{
    config::{FeatureConfig, Pool},
    map::Map,
    network::Network,
    scaling::{Scaling, scaled},
    threads::on_threads,
    tiling::Tiling,
};

/// From images of one size to rows of features in units of their spread over training images.
#[derive(Clone, Debug)]
pub struct Extraction {
    network: Arc<dyn Network>,
    /// The image or its places.
    pool: Pool,
    /// What the network looks at: an image, or a tile.
    image: ImageShape,
    /// `[height, width]` of the places that give a row each at one look; `[1, 1]` if it gives one.
    grid: [usize; 2],
    /// Of larger images.
    tiling: Option<Tiling>,
    /// Whether the place stands at the end of its row.
    numbered: bool,
    scaling: Scaling,
}

/// Numbers of an image, at most: a gigabyte.
const MOST_VALUES: usize = 1 << 28;
/// Numbers of what a network looks at at once, at most.
const MOST_AT_ONCE: usize = 1 << 26;

/// Refuses images that are larger than what could be looked at, before memory is asked for.
fn check_size(image: ImageShape, most: usize) -> Result<()> {
    let lengths = [image.height, image.width, image.channels];
    let size = lengths.into_iter().try_fold(1, usize::checked_mul);
    if size.is_some_and(|size| (1..=most).contains(&size)) {
        return Ok(());
    }
    Err(Error::Setting {
        name: "image-size".into(),
        found: format!(
            "{} × {}, {} channels",
            image.width, image.height, image.channels
        ),
        expected: format!("from 1 to {most} numbers an image"),
        hint: Some(Note::new("look at larger ones in tiles with ").set("tile", 224)),
    })
}

impl Extraction {
    /// Not fitted yet: rows are what the network says. `None` for pixels.
    ///
    /// # Errors
    /// If the samples are not images, or the network cannot be read as `config` says.
    pub fn new(config: &FeatureConfig, shape: &FeatureShape) -> Result<Option<Self>> {
        let Some(pool) = config.pool() else {
            return Ok(None);
        };
        let &FeatureShape::Image(image) = shape else {
            return Err(Error::Setting {
                name: "features".into(),
                found: "asked for".into(),
                expected: "nothing, because a table's columns are its features".into(),
                hint: None,
            });
        };
        check_size(image, MOST_VALUES)?;
        let tiles = config.tiles();
        if tiles.is_some() && pool != Pool::Patches {
            return Err(Error::Setting {
                name: "tile".into(),
                found: "asked for".into(),
                expected: "nothing where images are judged as a whole".into(),
                hint: Some(Note::new("judge their places with ").set("feature-pool", "patches")),
            });
        }
        let seen = match tiles {
            Some(tiles) => Tiling::tile(tiles, image)?,
            None => image,
        };
        check_size(seen, MOST_AT_ONCE)?;
        let Some(network) = config.network(seen)? else {
            return Ok(None);
        };
        // What sees the image as a whole beside its places is another detector.
        let pool = match pool {
            Pool::Both => Pool::Patches,
            one => one,
        };
        let finest = network.taps().iter().map(|tap| tap.grid);
        let finest = finest
            .max_by_key(|grid| grid[0] * grid[1])
            .unwrap_or([1, 1]);
        let grid = match pool {
            Pool::Patches | Pool::Both => finest,
            Pool::Image => [1, 1],
        };
        let tiling = tiles
            .map(|tiles| Tiling::new(tiles, image, grid))
            .transpose()?;
        Ok(Some(Self {
            network: network.into(),
            pool,
            image: seen,
            grid,
            tiling,
            numbered: false,
            scaling: Scaling::Raw,
        }))
    }

    /// `[height, width]` of the places of an image; `None` if it is seen as a whole. Of tiles, they are those
    /// that [`merged`](Self::merged) gives.
    pub fn grid(&self) -> Option<[usize; 2]> {
        let grid = self.tiling.as_ref().map_or(self.grid, Tiling::grid);
        (self.pool == Pool::Patches).then_some(grid)
    }

    /// Rows that an image gives.
    pub fn places(&self) -> usize {
        self.tiling.as_ref().map_or(1, Tiling::count) * self.each()
    }

    /// Rows that the network gives at once.
    fn each(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// Whether images are looked at tile by tile.
    pub fn is_tiled(&self) -> bool {
        self.tiling.is_some()
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
                places: self.each(),
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
        let [height, width] = self.grid;
        let of = match (self.pool, &self.tiling) {
            (Pool::Image, _) => "the image as a whole".into(),
            (_, None) => format!("each of {width} × {height} places"),
            (_, Some(tiling)) => {
                format!("each of {width} × {height} places of {}", tiling.describe())
            }
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

    /// The rows of these images, image after image, tile after tile, places from the top and from the left.
    ///
    /// An image's rows have the same bits beside any others and on any number of threads.
    ///
    /// # Errors
    /// If the network cannot be run on one of them.
    ///
    /// # Panics
    /// If the images are not of the size that this was made for.
    pub fn extract(&self, images: &Features) -> Result<Features> {
        let Some(_) = &self.tiling else {
            return self.look(images);
        };
        let mut values = Vec::with_capacity(images.len() * self.places() * self.shape().size());
        self.extract_by_tiles(images, usize::MAX, |rows| {
            values.extend_from_slice(rows.values());
            Ok(())
        })?;
        Ok(Features::new(self.shape(), values))
    }

    /// Calls `f` with those rows, some tiles of one image after the others, of about so many values.
    ///
    /// # Errors
    /// As [`extract`](Self::extract), and those of `f`.
    ///
    /// # Panics
    /// As there.
    pub fn extract_by_tiles(
        &self,
        images: &Features,
        values: usize,
        mut f: impl FnMut(&Features) -> Result<()>,
    ) -> Result<()> {
        let Some(tiling) = &self.tiling else {
            return f(&self.look(images)?);
        };
        let whole = FeatureShape::Image(tiling.image());
        assert_eq!(images.shape(), &whole, "images of one size");
        let tile = FeatureShape::Image(self.image);
        let each = self.each() * self.shape().size().max(self.raw());
        let some = (values / each.max(tile.size())).max(1);
        for image in 0..images.len() {
            for first in (0..tiling.count()).step_by(some.min(tiling.count())) {
                let some = first..tiling.count().min(first + some);
                let mut pixels = vec![0.0; some.len() * tile.size()];
                for (tile, out) in some.zip(pixels.chunks_exact_mut(tile.size())) {
                    tiling.cut(images.sample(image), tile, out);
                }
                f(&self.look(&Features::new(tile.clone(), pixels))?)?;
            }
        }
        Ok(())
    }

    /// What is said of the rows of images, one number each, as maps of the images' places: `[N, grid]`.
    ///
    /// Where tiles overlap, they all count, each the less the nearer its border is.
    pub fn merged(&self, values: &[f32]) -> Vec<f32> {
        let Some(tiling) = &self.tiling else {
            return values.to_vec();
        };
        let [rows, columns] = tiling.grid();
        let mut maps = vec![0.0; values.len() / self.places() * rows * columns];
        let pairs = maps
            .chunks_exact_mut(rows * columns)
            .zip(values.chunks_exact(self.places()));
        for (map, image) in pairs {
            for (tile, values) in image.chunks_exact(self.each()).enumerate() {
                tiling.merge(tile, values, map);
            }
        }
        maps
    }

    /// The rows of an image that say something of these places of its map: `[top, left, height, width]`.
    pub fn rows_within(&self, region: [usize; 4]) -> Vec<usize> {
        let each = self.each();
        match &self.tiling {
            Some(tiling) => (0..tiling.count())
                .flat_map(|tile| {
                    let within = tiling.within(tile, region).into_iter();
                    within.map(move |place| tile * each + place)
                })
                .collect(),
            None => {
                let [top, left, height, width] = region;
                let rows = top..top + height;
                rows.flat_map(|y| (left..left + width).map(move |x| y * self.grid[1] + x))
                    .collect()
            }
        }
    }

    /// The rows of images, or tiles, of the network's size.
    fn look(&self, images: &Features) -> Result<Features> {
        assert_eq!(
            images.shape(),
            &FeatureShape::Image(self.image),
            "images of one size"
        );
        let each = self.each() * self.shape().size();
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
    pub fn fit(&mut self, rows: Features) -> Result<Features> {
        self.scaling = Scaling::fit(&rows, self.raw(), self.whitens())?;
        Ok(scaled(rows, self.raw(), &self.scaling, self.shape()))
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
