//! Maps in units of what normals do at the same place, and what they say of an image.
//!
//! A detector's error is larger at edges and in busy regions of *every* image. What counts is whether it
//! is larger than there it usually is: `z = (map − mean) / (sd + share of the mean sd)`, place by place,
//! mean and sd over held-out normals. An image is as anomalous as its most anomalous places.

use unlike_core::{Arrays, Error, Result, metrics::pixel::top};

use crate::sight::Region;

/// Share of the mean spread that is added to each place's: a border that never varies would otherwise
/// make anything infinite. From .01 to 1 it makes little difference (`docs/adr/0016`).
const FLOOR: f64 = 0.1;

/// Images' worth of the mean variance that is mixed into each place's: of few normals, some places vary
/// little by chance.
const PRIOR: f64 = 4.0;

/// What normals do, place by place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Normals {
    mean: Vec<f32>,
    /// Positive.
    unit: Vec<f32>,
}

impl Normals {
    /// From the maps of held-out normals, one after the other, and the region of each that shows its
    /// image; means and squared distances from them are summed up map by map (Welford, Technometrics 4(3),
    /// 1962).
    pub(crate) fn of(maps: &[f32], [rows, columns]: [usize; 2], regions: &[Region]) -> Self {
        let places = rows * columns;
        let (mut mean, mut squares) = (vec![0.0; places], vec![0.0; places]);
        let mut seen = vec![0.0_f64; places];
        for (map, region) in maps.chunks_exact(places).zip(regions) {
            for at in region.places(columns) {
                let v = f64::from(map[at]);
                seen[at] += 1.0;
                let distance = v - mean[at];
                mean[at] += distance / seen[at];
                squares[at] += distance * (v - mean[at]);
            }
        }
        let all = seen.iter().sum::<f64>().max(1.0);
        let mean_variance = squares.iter().sum::<f64>() / all;
        let usual = mean.iter().zip(&seen).map(|(m, n)| m * n).sum::<f64>() / all;
        // What none of them shows is expected to be as usual.
        for (mean, _) in mean.iter_mut().zip(&seen).filter(|(_, n)| **n == 0.0) {
            *mean = usual;
        }
        let mixed =
            |(square, n): (&f64, &f64)| ((square + mean_variance * PRIOR) / (n + PRIOR)).sqrt();
        let sd: Vec<f64> = squares.iter().zip(&seen).map(mixed).collect();
        let floor = FLOOR * sd.iter().sum::<f64>() / places as f64;
        let unit = |sd: &f64| {
            let unit = (sd + floor) as f32;
            // Nothing varies anywhere: departures count as they are.
            if unit > 0.0 && unit.is_finite() {
                unit
            } else {
                1.0
            }
        };
        Self {
            mean: mean.iter().map(|&mean| mean as f32).collect(),
            unit: sd.iter().map(unit).collect(),
        }
    }

    /// Maps, one after the other, in units of what normals do at each place.
    pub(crate) fn standardise(&self, maps: &mut [f32]) {
        for map in maps.chunks_exact_mut(self.mean.len()) {
            for ((v, mean), unit) in map.iter_mut().zip(&self.mean).zip(&self.unit) {
                *v = ((*v - mean) / unit).clamp(f32::MIN, f32::MAX);
            }
        }
    }

    pub(crate) fn save(&self, name: &str, arrays: &mut Arrays) {
        for (key, values) in [("mean", &self.mean), ("unit", &self.unit)] {
            arrays.insert(format!("{name}.{key}"), &[values.len()], values.clone());
        }
    }

    /// # Errors
    /// If an array is missing, of another size, or cannot come from held-out normals.
    pub(crate) fn load(name: &str, arrays: &Arrays, places: usize) -> Result<Self> {
        let get = |key: &str| Ok(arrays.get(&format!("{name}.{key}"), &[places])?.to_vec());
        let (mean, unit): (Vec<f32>, Vec<f32>) = (get("mean")?, get("unit")?);
        let sound =
            mean.iter().all(|v| v.is_finite()) && unit.iter().all(|v| v.is_finite() && *v > 0.0);
        match sound {
            true => Ok(Self { mean, unit }),
            false => Err(Error::Mismatch {
                origin: Some(format!("`{name}`")),
                found: "a mean or spread that is not a number".into(),
                expected: "finite means and positive spreads".into(),
                hint: None,
            }),
        }
    }
}

/// What each map says of its image, by the places that show it.
pub(crate) fn tops(maps: &[f32], [rows, columns]: [usize; 2], regions: &[Region]) -> Vec<f32> {
    let maps = maps.chunks_exact(rows * columns).zip(regions);
    let shown = |(map, region): (&[f32], &Region)| {
        let values: Vec<f32> = region.places(columns).map(|at| map[at]).collect();
        top(&values)
    };
    maps.map(shown).collect()
}

/// The mean of each pixel and its up to eight neighbours.
pub(crate) fn smoothed(map: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let around = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    let mut rows = Vec::with_capacity(map.len());
    for row in map.chunks_exact(width) {
        for x in 0..width {
            let near = &row[around(x, width)];
            rows.push(near.iter().sum::<f32>() / near.len() as f32);
        }
    }
    let mut all = vec![0.0; map.len()];
    for (y, out) in all.chunks_exact_mut(width).enumerate() {
        let near = around(y, height);
        let share = 1.0 / near.len() as f32;
        for row in rows[near.start * width..near.end * width].chunks_exact(width) {
            for (out, v) in out.iter_mut().zip(row) {
                *out += v * share;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(height: usize, width: usize) -> Region {
        Region {
            top: 0,
            left: 0,
            height,
            width,
        }
    }

    #[test]
    fn what_surrounds_an_image_counts_nowhere() {
        // Of 2 × 3 places, the first two images show the left two columns, the third all.
        let left = Region {
            width: 2,
            ..whole(2, 3)
        };
        let maps = [
            [1.0, 2.0, 90.0, 1.0, 2.0, 90.0],
            [3.0, 2.0, -70.0, 3.0, 2.0, 50.0],
            [2.0, 2.0, 5.0, 2.0, 2.0, 5.0],
        ];
        let normals = Normals::of(maps.as_flattened(), [2, 3], &[left, left, whole(2, 3)]);
        assert_eq!(normals.mean, [2.0, 2.0, 5.0, 2.0, 2.0, 5.0]);
        assert_eq!(tops(&maps[0], [2, 3], &[left]), [1.5]);
        // A place that none of them shows is expected to be as usual.
        let unseen = Normals::of(&maps[0], [2, 3], &[left]);
        assert_eq!(unseen.mean, [1.0, 2.0, 1.5, 1.0, 2.0, 1.5]);
        assert!(
            unseen
                .unit
                .iter()
                .all(|unit| unit.is_finite() && *unit > 0.0)
        );
    }

    #[test]
    fn a_place_that_always_errs_says_nothing_and_one_that_never_does_says_much() {
        let mut maps = Vec::new();
        for image in 0..40 {
            let noise = if image % 2 == 0 { 0.1 } else { -0.1 };
            maps.extend((0..200).map(|p| if p < 100 { 5.0 + noise * 10.0 } else { noise }));
        }
        let normals = Normals::of(&maps, [10, 20], &[whole(10, 20); 40]);
        let score = |place: usize, error: f32| {
            let mut map: Vec<f32> = (0..200).map(|p| if p < 100 { 5.0 } else { 0.0 }).collect();
            map[place] += error;
            normals.standardise(&mut map);
            top(&map)
        };
        assert!(score(150, 1.0) > 3.0 * score(50, 1.0));
        assert!(score(150, 0.0).abs() < 1e-6);
    }

    #[test]
    fn maps_that_never_vary_are_counted_in_their_own_units() {
        let mut map = [1.0, 1.0, 3.0, 1.0, 1.0, 1.0];
        Normals::of(&[1.0; 18], [2, 3], &[whole(2, 3); 3]).standardise(&mut map);
        assert_eq!(map, [0.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn smoothing_keeps_what_is_even_and_spreads_what_is_not() {
        assert!(
            smoothed(&[2.0; 12], [3, 4])
                .iter()
                .all(|v| (v - 2.0).abs() < 1e-6)
        );
        let spread = smoothed(&[0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0], [3, 3]);
        assert!((spread[0] - 2.25).abs() < 1e-6 && spread[2] == 0.0);
    }

    #[test]
    fn what_a_file_cannot_hold_is_refused() {
        let mut arrays = Arrays::new();
        Normals {
            mean: vec![0.0; 4],
            unit: vec![1.0; 4],
        }
        .save("map", &mut arrays);
        assert!(Normals::load("map", &arrays, 4).is_ok());
        assert!(Normals::load("map", &arrays, 5).is_err());
        Normals {
            mean: vec![0.0; 4],
            unit: vec![0.0; 4],
        }
        .save("map", &mut arrays);
        assert!(Normals::load("map", &arrays, 4).is_err());
    }
}
