//! Features without a network: the cosine transform of windows that overlap by half.
//!
//! A window becomes its low frequencies, channel by channel (Ahmed, Natarajan and Rao, "Discrete cosine
//! transform", IEEE Transactions on Computers C-23(1), 1974; orthonormal, of the second type). Whitened by
//! their principal components and compared with normals at the same place, they find defects without
//! anything that was learned elsewhere, from ten images on.

use std::f64::consts::PI;

use unlike_core::{ImageShape, Result};

use crate::{
    config::Pool,
    map::Map,
    network::{Network, Tap},
};

/// Pixels of a window's side, and of those of small images.
const SIDES: [usize; 2] = [16, 8];
/// Images of at most so many pixels on a side are small.
const SMALL: usize = 48;
/// Frequencies of a window that are kept for each channel.
const KEPT: usize = 24;

/// The transform for images of one size.
#[derive(Debug)]
pub(crate) struct Dct {
    image: ImageShape,
    /// Pixels of a window's side.
    side: usize,
    taps: [Tap; 1],
    /// `[rows, side]`: the waves of the lowest frequencies.
    waves: Vec<f32>,
    /// Vertical and horizontal frequency of each that is kept.
    kept: Vec<[usize; 2]>,
}

impl Dct {
    pub(crate) fn new(image: ImageShape) -> Self {
        let small = image.height.max(image.width) <= SMALL;
        let side = SIDES[usize::from(small)];
        let kept = lowest(side);
        let rows = 1 + kept.iter().flatten().max().copied().unwrap_or(0);
        let wave = |at: usize| {
            let (frequency, pixel) = ((at / side) as f64, (at % side) as f64);
            let norm = match frequency {
                0.0 => 1.0_f64,
                _ => 2.0,
            };
            let angle = PI * (pixel + 0.5) * frequency / side as f64;
            ((norm / side as f64).sqrt() * angle.cos()) as f32
        };
        let places = |length: usize| length.div_ceil(side / 2);
        Self {
            image,
            side,
            taps: [Tap {
                name: "dct".into(),
                grid: [places(image.height), places(image.width)],
                channels: kept.len() * image.channels,
            }],
            waves: (0..rows * side).map(wave).collect(),
            kept,
        }
    }

    /// Pixels of one axis that each window covers, place by place: `[places, side]`. The middle of a window
    /// is that of its place, and beyond the image's edge it sees the image mirrored.
    fn pixels(&self, places: usize, length: usize) -> Vec<usize> {
        let mut pixels = Vec::with_capacity(places * self.side);
        for place in 0..places {
            let first =
                ((2 * place + 1) * length / (2 * places)) as isize - (self.side / 2) as isize;
            pixels.extend((first..first + self.side as isize).map(|at| mirrored(at, length)));
        }
        pixels
    }

    /// The kept frequencies of one channel of one window.
    fn transform(&self, window: &[f32], rows: &mut [f32], out: &mut [f32]) {
        let side = self.side;
        // Along each line of pixels, then down: [side, side] → [side, frequencies] → kept.
        let frequencies = self.waves.len() / side;
        for (line, row) in window
            .chunks_exact(side)
            .zip(rows.chunks_exact_mut(frequencies))
        {
            for (wave, value) in self.waves.chunks_exact(side).zip(row) {
                *value = line.iter().zip(wave).map(|(v, w)| v * w).sum();
            }
        }
        for (&[down, across], out) in self.kept.iter().zip(out) {
            let wave = &self.waves[down * side..][..side];
            let column = rows[across..].iter().step_by(frequencies);
            *out = column.zip(wave).map(|(v, w)| v * w).sum();
        }
    }
}

impl Network for Dct {
    fn name(&self) -> &str {
        "dct"
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn maps(&self, image: &[f32]) -> Result<Vec<Map>> {
        let ImageShape {
            height,
            width,
            channels,
        } = self.image;
        let Tap {
            grid,
            channels: all,
            ..
        } = self.taps[0];
        let side = self.side;
        let (ys, xs) = (self.pixels(grid[0], height), self.pixels(grid[1], width));
        let mut window = vec![0.0; side * side];
        let mut rows = vec![0.0; side * (self.waves.len() / side)];
        let mut values = vec![0.0; grid[0] * grid[1] * all];
        for (at, place) in values.chunks_exact_mut(all).enumerate() {
            let ys = &ys[at / grid[1] * side..][..side];
            let xs = &xs[at % grid[1] * side..][..side];
            for (channel, out) in place.chunks_exact_mut(self.kept.len()).enumerate() {
                let pixels = ys
                    .iter()
                    .flat_map(|y| xs.iter().map(move |x| y * width + x));
                for (to, pixel) in window.iter_mut().zip(pixels) {
                    *to = image[pixel * channels + channel];
                }
                self.transform(&window, &mut rows, out);
            }
        }
        Ok(vec![Map {
            height: grid[0],
            width: grid[1],
            channels: all,
            values,
        }])
    }

    fn averages(&self) -> bool {
        false
    }

    fn whitens(&self, pool: Pool) -> bool {
        pool == Pool::Patches
    }
}

/// The frequencies of a square window that are kept: those of the smallest sum, of equal ones those that
/// are as high down as across, so that a turned image has the turned ones.
fn lowest(side: usize) -> Vec<[usize; 2]> {
    let all = (0..side).flat_map(|down| (0..side).map(move |across| [down, across]));
    let mut all: Vec<[usize; 2]> = all.collect();
    all.sort_by_key(|&[down, across]| (down + across, down.abs_diff(across), down));
    all.truncate(KEPT);
    all
}

/// Where a place beyond the edges is seen in a mirror at the edge; the edge itself is there twice.
fn mirrored(at: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let at = at.rem_euclid(period);
    at.min(period - 1 - at) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(image: &[f32], shape: [usize; 3]) -> Map {
        Dct::new(shape.into()).maps(image).unwrap().remove(0)
    }

    #[test]
    fn kept_frequencies_are_the_low_ones_and_the_same_turned() {
        for side in SIDES {
            let kept = lowest(side);
            assert_eq!(kept.len(), KEPT);
            assert_eq!(kept[0], [0, 0]);
            for &[down, across] in &kept {
                assert!(kept.contains(&[across, down]), "{down} {across}");
            }
        }
    }

    #[test]
    fn mirrors_stand_at_both_edges() {
        let seen: Vec<usize> = (-4..8).map(|at| mirrored(at, 4)).collect();
        assert_eq!(seen, [3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]);
        assert_eq!(mirrored(-7, 1), 0);
    }

    #[test]
    fn a_wave_is_its_own_frequency_and_an_even_window_the_first() {
        // A wave of frequency 2 down and 3 across that begins at pixel 12, where the third window does.
        let (side, length) = (16, 64);
        let angle = |at: usize, f: f64| (PI * ((at % side) as f64 + 0.5) * f / side as f64).cos();
        let image: Vec<f32> = (0..length * length)
            .map(|at| {
                let (y, x) = (at / length + side - 12, at % length + side - 12);
                (angle(y, 2.0) * angle(x, 3.0)) as f32
            })
            .collect();
        let dct = Dct::new([length, length, 1].into());
        let map = dct.maps(&image).unwrap().remove(0);
        assert_eq!([map.height, map.width, map.channels], [8, 8, 24]);
        let place = map.place(2, 2);
        let wanted = dct.kept.iter().position(|kept| *kept == [2, 3]).unwrap();
        for (at, v) in place.iter().enumerate() {
            // Half of the side: the squared length of either wave.
            let expected = if at == wanted { 8.0 } else { 0.0 };
            assert!((v - expected).abs() < 1e-4, "{at}: {v}");
        }
        let even = self::map(&[0.5; 20 * 31 * 3], [20, 31, 3]);
        assert_eq!([even.height, even.width, even.channels], [5, 8, 72]);
        for place in even.values.chunks_exact(24) {
            assert!((place[0] - 4.0).abs() < 1e-5);
            assert!(place[1..].iter().all(|v| v.abs() < 1e-5));
        }
    }

    #[test]
    fn an_image_turned_has_its_map_turned() {
        let [height, width] = [33, 50];
        let image: Vec<f32> = (0..height * width)
            .map(|at| (at as f32 * 0.37).sin())
            .collect();
        let turned: Vec<f32> = (0..height * width)
            .map(|at| image[at % height * width + at / height])
            .collect();
        let (map, turned) = (
            map(&image, [height, width, 1]),
            map(&turned, [width, height, 1]),
        );
        assert_eq!([map.height, map.width], [turned.width, turned.height]);
        let kept = lowest(16);
        for y in 0..map.height {
            for x in 0..map.width {
                for (at, &[down, across]) in kept.iter().enumerate() {
                    let other = kept.iter().position(|k| *k == [across, down]).unwrap();
                    let (a, b) = (map.place(y, x)[at], turned.place(x, y)[other]);
                    assert!((a - b).abs() < 1e-4, "{y} {x} {at}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn images_of_any_size_have_a_place_for_every_half_window() {
        for ([height, width], grid) in [
            ([1, 1], [1, 1]),
            ([3, 40], [1, 10]),
            ([48, 48], [12, 12]),
            ([49, 48], [7, 6]),
            ([128, 100], [16, 13]),
        ] {
            let map = map(&vec![0.25; height * width], [height, width, 1]);
            assert_eq!([map.height, map.width], grid, "{height} {width}");
        }
    }
}
