//! Maps of features, and what is made of them.

/// What one stage of a network says of one image: `[height, width, channels]`, channels innermost.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Places.
    pub height: usize,
    /// Places.
    pub width: usize,
    /// Features of a place.
    pub channels: usize,
    /// As many as the three multiply up to.
    pub values: Vec<f32>,
}

impl Map {
    /// The features of one place.
    pub(crate) fn place(&self, y: usize, x: usize) -> &[f32] {
        &self.values[(y * self.width + x) * self.channels..][..self.channels]
    }

    /// Mean, standard deviation and maximum of each channel over all places: `[3, channels]` into `out`.
    pub(crate) fn pool(&self, out: &mut [f32]) {
        let channels = self.channels;
        let places = (self.height * self.width) as f64;
        let (mut sums, mut squares) = (vec![0.0_f64; channels], vec![0.0_f64; channels]);
        let (mean, rest) = out.split_at_mut(channels);
        let (sd, max) = rest.split_at_mut(channels);
        max.fill(f32::NEG_INFINITY);
        for place in self.values.chunks_exact(channels) {
            for ((sum, max), &v) in sums.iter_mut().zip(&mut *max).zip(place) {
                *sum += f64::from(v);
                *max = max.max(v);
            }
        }
        for (mean, sum) in mean.iter_mut().zip(&sums) {
            *mean = (sum / places) as f32;
        }
        for place in self.values.chunks_exact(channels) {
            for ((square, sum), &v) in squares.iter_mut().zip(&sums).zip(place) {
                *square += (f64::from(v) - sum / places).powi(2);
            }
        }
        for (sd, square) in sd.iter_mut().zip(&squares) {
            *sd = (square / places).sqrt() as f32;
        }
    }

    /// The mean of each place and its up to eight neighbours.
    pub(crate) fn averaged(&self) -> Self {
        let &Self {
            height,
            width,
            channels,
            ..
        } = self;
        let mut values = vec![0.0; self.values.len()];
        let around = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
        for (at, out) in values.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (at / width, at % width);
            for y in around(y, height) {
                for x in around(x, width) {
                    for (out, v) in out.iter_mut().zip(self.place(y, x)) {
                        *out += v;
                    }
                }
            }
            let share = 1.0 / (around(y, height).len() * around(x, width).len()) as f32;
            out.iter_mut().for_each(|out| *out *= share);
        }
        Self { values, ..*self }
    }

    /// Writes the features at the place of a finer or equal grid, by bilinear interpolation between the
    /// centres of the places.
    pub(crate) fn sample(&self, [y, x]: [usize; 2], [height, width]: [usize; 2], out: &mut [f32]) {
        let (y0, y1, fy) = between(y, height, self.height);
        let (x0, x1, fx) = between(x, width, self.width);
        let corners = [(y0, x0), (y0, x1), (y1, x0), (y1, x1)].map(|(y, x)| self.place(y, x));
        let weights = [
            (1.0 - fy) * (1.0 - fx),
            (1.0 - fy) * fx,
            fy * (1.0 - fx),
            fy * fx,
        ];
        for (c, out) in out.iter_mut().enumerate() {
            *out = corners.iter().zip(weights).map(|(v, w)| v[c] * w).sum();
        }
    }
}

/// The two neighbours of a place of one axis in a grid of other length, and how far it is towards the
/// second.
fn between(at: usize, of: usize, length: usize) -> (usize, usize, f32) {
    let centre = (at as f64 + 0.5) * length as f64 / of as f64 - 0.5;
    let centre = centre.clamp(0.0, (length - 1) as f64);
    let first = centre.floor() as usize;
    (
        first,
        (first + 1).min(length - 1),
        (centre - first as f64) as f32,
    )
}

/// `map` `[rows, columns]` brought to the size of an image by bilinear interpolation, and smoothed by a
/// Gaussian of half a place: interpolation alone is highest in the middle of places only, which misses
/// what lies between them (PaDiM and PatchCore smooth alike, by 4 pixels).
pub fn resized(map: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    if from == to {
        return map.to_vec();
    }
    let values = interpolated(map, from, to);
    let [down, across] = [0, 1].map(|axis| gaussian(0.5 * to[axis] as f64 / from[axis] as f64));
    let rows: Vec<f32> = values
        .chunks_exact(to[1])
        .flat_map(|row| smoothed(row, 1, to[1], &across))
        .collect();
    let mut all = vec![0.0; rows.len()];
    for column in 0..to[1] {
        let smooth = smoothed(&rows[column..], to[1], to[0], &down);
        for (y, value) in smooth.into_iter().enumerate() {
            all[y * to[1] + column] = value;
        }
    }
    all
}

/// The weights of neighbours at distance 0, 1, …, up to three standard deviations.
fn gaussian(sd: f64) -> Vec<f32> {
    let reach = (3.0 * sd).ceil() as usize;
    let weight = |at: usize| (-0.5 * (at as f64 / sd).powi(2)).exp() as f32;
    (0..=reach).map(weight).collect()
}

/// Every `step`-th value, `count` of them, as the weighted mean of itself and the neighbours that there
/// are.
fn smoothed(values: &[f32], step: usize, count: usize, weights: &[f32]) -> Vec<f32> {
    let mean = |at: usize| {
        let near = at.saturating_sub(weights.len() - 1)..(at + weights.len()).min(count);
        let (mut sum, mut total) = (0.0, 0.0);
        for other in near {
            let weight = weights[at.abs_diff(other)];
            sum += weight * values[other * step];
            total += weight;
        }
        sum / total
    };
    (0..count).map(mean).collect()
}

fn interpolated(map: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let map = Map {
        height: from[0],
        width: from[1],
        channels: 1,
        values: map.to_vec(),
    };
    let mut values = vec![0.0; to[0] * to[1]];
    for (at, value) in values.iter_mut().enumerate() {
        map.sample([at / to[1], at % to[1]], to, std::slice::from_mut(value));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(height: usize, width: usize, values: &[f32]) -> Map {
        Map {
            height,
            width,
            channels: values.len() / (height * width),
            values: values.to_vec(),
        }
    }

    #[test]
    fn pooling_gives_mean_spread_and_maximum_of_each_channel() {
        let mut out = [0.0; 6];
        map(1, 2, &[1.0, 5.0, 3.0, -5.0]).pool(&mut out);
        assert_eq!(out, [2.0, 0.0, 1.0, 5.0, 3.0, 5.0]);
    }

    #[test]
    fn averages_count_the_neighbours_that_exist() {
        let averaged = map(2, 2, &[1.0, 2.0, 3.0, 6.0]).averaged();
        assert_eq!(averaged.values, [3.0; 4]);
        let averaged = map(1, 3, &[3.0, 0.0, 6.0]).averaged();
        assert_eq!(averaged.values, [1.5, 3.0, 3.0]);
    }

    #[test]
    fn interpolation_goes_between_centres_and_stays_at_the_edges() {
        let row = interpolated(&[0.0, 4.0], [1, 2], [1, 4]);
        assert_eq!(row, [0.0, 1.0, 3.0, 4.0]);
        let same = resized(&[1.0, 2.0, 3.0, 4.0], [2, 2], [2, 2]);
        assert_eq!(same, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn what_lies_between_two_places_is_highest_between_them() {
        // Two places of five, of 8 pixels each, are equally high.
        let row = resized(&[0.0, 1.0, 1.0, 0.0, 0.0], [1, 5], [1, 40]);
        let highest = (0..40).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        assert!((15..=16).contains(&highest), "{highest}: {row:?}");
        // What is even stays so, up to the edges, in both directions.
        let even = resized(&[2.0; 6], [3, 2], [24, 10]);
        assert!(even.iter().all(|v| (v - 2.0).abs() < 1e-5));
        let turned = resized(&[0.0, 1.0, 1.0, 0.0, 0.0], [5, 1], [40, 1]);
        assert_eq!(turned, row);
    }
}
