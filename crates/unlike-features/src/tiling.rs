//! Images larger than a network sees at once: looked at tile by tile, and what is said of tiles merged.

use serde::{Deserialize, Serialize};
use unlike_core::{ImageShape, Result, check_setting};

/// How an image is cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tiles {
    /// Pixels of a tile's side, from 16 up.
    pub side: usize,
    /// Pixels that neighbours share, at least; from 0 to half of the side.
    pub overlap: usize,
}

/// Pixels of the smallest tile.
const SMALLEST: usize = 16;

impl Tiles {
    /// Of this side, which share a quarter of it.
    pub fn of(side: usize) -> Self {
        Self {
            side,
            overlap: side / 4,
        }
    }

    fn check(self) -> Result<()> {
        let Self { side, overlap } = self;
        check_setting("tile", side, side >= SMALLEST, "at least 16 pixels")?;
        let expected = format!("from 0 to {}, half of the tile", side / 2);
        check_setting("overlap", overlap, overlap <= side / 2, &expected)
    }
}

/// Tiles of images of one size: spread evenly, so that the first and the last end where the image does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tiling {
    image: ImageShape,
    tile: ImageShape,
    /// From the top, and from the left.
    axes: [Axis; 2],
    /// `[height, width]` of the places of a tile, and of the image.
    from: [usize; 2],
    to: [usize; 2],
}

/// Tiles along one axis.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    /// Pixels before each tile.
    offsets: Vec<usize>,
    /// What each tile says of the image's places.
    shares: Vec<Vec<Share>>,
}

/// What a tile says of one of the image's places along one axis.
#[derive(Clone, Debug, PartialEq)]
struct Share {
    /// The place of the image.
    to: usize,
    /// The two places of the tile that it lies between, and how far it is towards the second.
    from: [usize; 2],
    towards: f32,
    /// Those of all tiles add up to 1; each fades to the border of its tile.
    weight: f32,
}

impl Tiling {
    /// The size of the tiles of an image: no larger than the image.
    ///
    /// # Errors
    /// If the tiles are too small, or overlap too much.
    pub(crate) fn tile(tiles: Tiles, image: ImageShape) -> Result<ImageShape> {
        tiles.check()?;
        Ok(ImageShape {
            height: image.height.min(tiles.side),
            width: image.width.min(tiles.side),
            channels: image.channels,
        })
    }

    /// For images of this size, of whose tiles a network says so many places: `[height, width]`.
    ///
    /// # Errors
    /// As [`tile`](Self::tile).
    pub(crate) fn new(tiles: Tiles, image: ImageShape, from: [usize; 2]) -> Result<Self> {
        let tile = Self::tile(tiles, image)?;
        let pixels = [image.height, image.width];
        let side = [tile.height, tile.width];
        let to = [0, 1].map(|axis| (pixels[axis] * from[axis]).div_ceil(side[axis]));
        let axis = |axis: usize| {
            Axis::new(
                pixels[axis],
                side[axis],
                tiles.overlap,
                from[axis],
                to[axis],
            )
        };
        Ok(Self {
            image,
            tile,
            axes: [axis(0), axis(1)],
            from,
            to,
        })
    }

    /// How many tiles an image has.
    pub(crate) fn count(&self) -> usize {
        self.axes[0].offsets.len() * self.axes[1].offsets.len()
    }

    /// `[height, width]` of the places of an image.
    pub(crate) fn grid(&self) -> [usize; 2] {
        self.to
    }

    /// The images that these tiles are of.
    pub(crate) fn image(&self) -> ImageShape {
        self.image
    }

    /// In words: `12 × 9 tiles`.
    pub(crate) fn describe(&self) -> String {
        let [down, across] = [0, 1].map(|axis| self.axes[axis].offsets.len());
        format!("{across} × {down} tiles")
    }

    fn position(&self, tile: usize) -> [usize; 2] {
        let across = self.axes[1].offsets.len();
        [tile / across, tile % across]
    }

    /// One tile of an image, `[height, width, channels]` each.
    pub(crate) fn cut(&self, image: &[f32], tile: usize, out: &mut [f32]) {
        let [down, across] = self.position(tile);
        let (top, left) = (self.axes[0].offsets[down], self.axes[1].offsets[across]);
        let channels = self.image.channels;
        let row = self.tile.width * channels;
        for (y, out) in out.chunks_exact_mut(row).enumerate() {
            let from = ((top + y) * self.image.width + left) * channels;
            out.copy_from_slice(&image[from..from + row]);
        }
    }

    /// Adds what one tile says of its places to what is said of the image's.
    pub(crate) fn merge(&self, tile: usize, map: &[f32], sum: &mut [f32]) {
        let [down, across] = self.position(tile);
        for y in &self.axes[0].shares[down] {
            for x in &self.axes[1].shares[across] {
                let at = |y: usize, x: usize| map[y * self.from[1] + x];
                let row = |at_y: usize| {
                    let (first, second) = (at(at_y, x.from[0]), at(at_y, x.from[1]));
                    first * (1.0 - x.towards) + second * x.towards
                };
                let value = row(y.from[0]) * (1.0 - y.towards) + row(y.from[1]) * y.towards;
                sum[y.to * self.to[1] + x.to] += value * y.weight * x.weight;
            }
        }
    }

    /// Places of a tile whose middle lies within these places of the image: `[top, left, height, width]`.
    pub(crate) fn within(&self, tile: usize, region: [usize; 4]) -> Vec<usize> {
        let position = self.position(tile);
        let pixels = [self.image.height, self.image.width];
        let side = [self.tile.height, self.tile.width];
        let inside = |axis: usize, at: usize| {
            let offset = self.axes[axis].offsets[position[axis]] as f64;
            let middle = offset + (at as f64 + 0.5) * side[axis] as f64 / self.from[axis] as f64;
            let place = (middle * self.to[axis] as f64 / pixels[axis] as f64) as usize;
            (region[axis]..region[axis] + region[axis + 2]).contains(&place)
        };
        let rows = (0..self.from[0]).filter(|&y| inside(0, y));
        rows.flat_map(|y| {
            (0..self.from[1])
                .filter(|&x| inside(1, x))
                .map(move |x| y * self.from[1] + x)
        })
        .collect()
    }
}

impl Axis {
    fn new(pixels: usize, side: usize, overlap: usize, from: usize, to: usize) -> Self {
        let rest = pixels - side;
        // An overlap of more than the tile that is left would leave no way to go.
        let step = side.saturating_sub(overlap).max(1);
        let steps = rest.div_ceil(step);
        let offset = |at: usize| match steps {
            0 => 0,
            _ => (2 * at * rest + steps) / (2 * steps),
        };
        let offsets: Vec<usize> = (0..=steps).map(offset).collect();
        // What is left of the way to the nearer border, in units of what tiles share.
        let fade = |inside: f64| {
            let border = inside.min(side as f64 - inside).max(1e-3);
            (border / overlap.max(1) as f64).min(1.0)
        };
        let middle = |place: usize| (place as f64 + 0.5) * pixels as f64 / to as f64;
        let mut all = vec![0.0; to];
        let within = |&offset: &usize| {
            let first = (offset as f64 * to as f64 / pixels as f64) as usize;
            let mut shares = Vec::new();
            let first = first.saturating_sub(1);
            for (place, all) in all.iter_mut().enumerate().skip(first) {
                let inside = middle(place) - offset as f64;
                if inside >= side as f64 {
                    break;
                }
                if inside < 0.0 {
                    continue;
                }
                *all += fade(inside);
                let at = (inside * from as f64 / side as f64 - 0.5).clamp(0.0, (from - 1) as f64);
                let first = at.floor() as usize;
                shares.push((
                    fade(inside),
                    Share {
                        to: place,
                        from: [first, (first + 1).min(from - 1)],
                        towards: (at - first as f64) as f32,
                        weight: 0.0,
                    },
                ));
            }
            shares
        };
        let faded: Vec<Vec<(f64, Share)>> = offsets.iter().map(within).collect();
        let weighted = |(fade, share): (f64, Share)| Share {
            weight: (fade / all[share.to]) as f32,
            ..share
        };
        let shares = faded
            .into_iter()
            .map(|shares| shares.into_iter().map(weighted).collect());
        let shares = shares.collect();
        Self { offsets, shares }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiling(
        side: usize,
        overlap: usize,
        [height, width]: [usize; 2],
        from: [usize; 2],
    ) -> Tiling {
        Tiling::new(Tiles { side, overlap }, [height, width, 1].into(), from).unwrap()
    }

    /// The map of an image that says of each place where it lies, merged from those of its tiles.
    fn merged(tiling: &Tiling) -> Vec<f32> {
        let [rows, columns] = tiling.from;
        let mut sum = vec![0.0; tiling.to[0] * tiling.to[1]];
        for tile in 0..tiling.count() {
            let [down, across] = tiling.position(tile);
            let at = |axis: usize, place: usize, side: usize| {
                let offset = tiling.axes[axis].offsets[[down, across][axis]] as f32;
                offset + (place as f32 + 0.5) * side as f32 / tiling.from[axis] as f32
            };
            let map: Vec<f32> = (0..rows * columns)
                .map(|p| {
                    let y = at(0, p / columns, tiling.tile.height);
                    y * 1000.0 + at(1, p % columns, tiling.tile.width)
                })
                .collect();
            tiling.merge(tile, &map, &mut sum);
        }
        sum
    }

    #[test]
    fn tiles_begin_and_end_with_the_image_and_share_what_is_asked_for() {
        for (side, overlap, length) in [(32, 8, 100), (32, 0, 96), (32, 16, 33), (64, 16, 40)] {
            let tiling = tiling(side, overlap, [length, length], [4, 4]);
            let offsets = &tiling.axes[0].offsets;
            let side = side.min(length);
            assert_eq!(offsets[0], 0);
            assert_eq!(offsets[offsets.len() - 1] + side, length);
            for pair in offsets.windows(2) {
                assert!(
                    pair[0] < pair[1] && pair[0] + side >= pair[1] + overlap,
                    "{offsets:?}"
                );
            }
        }
    }

    #[test]
    fn what_tiles_agree_on_is_merged_without_seams() {
        // Places of 8 pixels that fall together, and some that do not; another number along each axis.
        for (overlap, size) in [
            (8, [128, 104]),
            (12, [101, 90]),
            (0, [96, 64]),
            (16, [300, 33]),
        ] {
            let tiling = tiling(32, overlap, size, [4, 4]);
            let [rows, columns] = tiling.grid();
            for (at, v) in merged(&tiling).into_iter().enumerate() {
                let middle = |place: usize, of: usize, pixels: usize| {
                    let middle = (place as f32 + 0.5) * pixels as f32 / of as f32;
                    // Beyond the middle of the outermost place of a tile nothing more is known.
                    middle.clamp(4.0, pixels as f32 - 4.0)
                };
                let y = middle(at / columns, rows, size[0]);
                let x = middle(at % columns, columns, size[1]);
                // Without overlap, what lies between the places of two tiles is said by one.
                let slack = if overlap == 0 { 4004.0 } else { 1501.0 };
                assert!(
                    (v - (y * 1000.0 + x)).abs() < slack,
                    "{overlap} {size:?} {at}: {v} {y} {x}"
                );
            }
        }
        // Where places fall together and every one is inside of a tile, exactly.
        let tiling = tiling(32, 16, [64, 64], [4, 4]);
        assert_eq!(tiling.axes[0].offsets, [0, 16, 32]);
        for (at, v) in merged(&tiling).into_iter().enumerate() {
            let (y, x) = ((at / 8) as f32, (at % 8) as f32);
            assert!(
                (v - ((y + 0.5) * 8000.0 + (x + 0.5) * 8.0)).abs() < 0.02,
                "{at}: {v}"
            );
        }
    }

    #[test]
    fn a_tile_that_goes_over_into_the_next_leaves_no_step() {
        // One tile says 0, its neighbour 1: from one to the other, it only rises, and by little.
        let tiling = tiling(64, 32, [64, 96], [8, 8]);
        assert_eq!(tiling.count(), 2);
        let mut sum = vec![0.0; 8 * 12];
        tiling.merge(1, &[1.0; 64], &mut sum);
        let row = &sum[..12];
        assert_eq!((row[0], row[11]), (0.0, 1.0));
        for pair in row.windows(2) {
            assert!((0.0..0.3).contains(&(pair[1] - pair[0])), "{row:?}");
        }
    }

    #[test]
    fn an_image_that_is_no_larger_than_a_tile_is_seen_at_once() {
        let tiling = tiling(64, 16, [40, 50], [5, 7]);
        assert_eq!((tiling.count(), tiling.grid()), (1, [5, 7]));
        let map: Vec<f32> = (0..35).map(|v| v as f32 * 0.1).collect();
        let mut sum = vec![0.0; 35];
        tiling.merge(0, &map, &mut sum);
        assert_eq!(sum, map);
        let image: Vec<f32> = (0..2000).map(|v| v as f32).collect();
        let mut out = vec![0.0; 2000];
        tiling.cut(&image, 0, &mut out);
        assert_eq!(out, image);
    }

    #[test]
    fn rows_of_a_region_are_those_of_its_places() {
        let tiling = tiling(32, 16, [64, 64], [4, 4]);
        let whole: usize = (0..9)
            .map(|tile| tiling.within(tile, [0, 0, 8, 8]).len())
            .sum();
        assert_eq!(whole, 9 * 16);
        // The second row of places: in the tiles at the top alone, their second.
        let rows: Vec<Vec<usize>> = (0..9)
            .map(|tile| tiling.within(tile, [1, 0, 1, 8]))
            .collect();
        assert_eq!(rows[0], [4, 5, 6, 7]);
        assert!(rows[3..].iter().all(Vec::is_empty));
    }

    #[test]
    fn tiles_outside_their_range_are_refused() {
        let image = ImageShape::from([64, 64, 3]);
        for (side, overlap, word) in [(15, 0, "`tile`"), (32, 17, "`overlap`")] {
            let error = Tiling::new(Tiles { side, overlap }, image, [1, 1])
                .unwrap_err()
                .to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
