//! Whether anomaly maps point at the right pixels: pixel AUROC, pixel average precision, AUPRO.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    samples::Label,
};

/// The false-positive rate up to which AUPRO is integrated, as in the literature.
pub const AUPRO_LIMIT: f64 = 0.3;

/// How far beside an anomaly the highest value of a map may lie to count as a hit, in pixels along each
/// axis: what scaling an image down moves an edge by.
pub const HIT_SLACK: usize = 2;

/// What a set of anomaly maps says against its masks.
///
/// Without intervals: the pixels of an image are not independent samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelMetrics {
    /// AUROC over all pixels of all images, ties counting half. Large regions dominate it.
    pub pixel_auroc: f64,
    /// Average precision over all pixels of all images, step-wise, as
    /// [`average_precision`](super::average_precision). A constant map has the share of anomalous
    /// pixels, so small regions make small numbers.
    pub pixel_average_precision: f64,
    /// Area under the per-region overlap against the false-positive rate, up to
    /// [`AUPRO_LIMIT`] and divided by it, in [0, 1]; a constant map has 0.15.
    ///
    /// The per-region overlap of a threshold is the share of a region's pixels at or above it,
    /// averaged over all connected anomalous regions, so that each counts the same whatever its
    /// size (Bergmann et al., *The MVTec Anomaly Detection Dataset*, IJCV 2021).
    pub aupro: f64,
    /// Share of the images with an anomaly in which the highest value of the map lies on it, or within
    /// [`HIT_SLACK`] pixels of it.
    pub hits: f64,
    /// What a map at random has in [`hits`](Self::hits): the mean share of pixels that would count.
    pub chance_hits: f64,
    /// AUROC of whole images by what their maps say of them ([`top`]): those with an anomaly against those
    /// without; none if there is none without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_auroc: Option<f64>,
    /// The same with the anomaly left out: every pixel of the mask, and those nearer to it than a 28th of
    /// the longer side. What is far above 0.5 is not the anomaly but whatever else tells these images
    /// apart, such as another camera, day or cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_auroc_without_anomaly: Option<f64>,
    /// Connected anomalous regions in all masks, neighbours also by corner.
    pub n_regions: usize,
    /// Pixels outside the masks.
    pub n_normal_pixels: usize,
    /// Pixels inside the masks.
    pub n_anomalous_pixels: usize,
}

/// Takes in one map and mask after the other and keeps 4 bytes per normal and 8 bytes per anomalous
/// pixel, so that maps need not stay in memory together.
#[derive(Clone, Debug, Default)]
pub struct PixelRanking {
    normal: Vec<f32>,
    /// Value, and the number of pixels of its region.
    anomalous: Vec<(f32, u32)>,
    regions: usize,
    /// Images with an anomaly; those that the map hits, and what it would hit by chance.
    images: usize,
    hits: usize,
    chance_hits: f64,
    /// What the maps say of images without an anomaly, of those with one, and of the latter without it.
    tops: [Vec<f64>; 3],
}

/// Parts of an image's longer side that are left out around an anomaly: what one place of a feature map of
/// usual size sees.
const LEFT_OUT: usize = 28;

/// The largest share of places that what a map says of its image is the mean of, and the fewest of them.
const TOP_SHARE: usize = 100;
const TOP_LEAST: usize = 5;

/// What a map says of its image: the mean of the largest hundredth of its values, of five at least; 0 for
/// none.
pub fn top(map: &[f32]) -> f32 {
    let count = map.len().div_ceil(TOP_SHARE).max(TOP_LEAST).min(map.len());
    let mut values = map.to_vec();
    let descending = |a: &f32, b: &f32| b.total_cmp(a);
    if count < values.len() {
        values.select_nth_unstable_by(count - 1, descending);
        values.truncate(count);
    }
    // In order, so that the sum does not depend on how they were found.
    values.sort_unstable_by(descending);
    (values.iter().map(|&v| f64::from(v)).sum::<f64>() / count.max(1) as f64) as f32
}

impl PixelRanking {
    /// Without any image yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one image: its map and its mask, `[height, width]` each, `true` where it is anomalous.
    /// An image without anomaly has a mask of `false`.
    ///
    /// # Errors
    /// If map or mask is not of this size, or a value of the map is not finite.
    pub fn add(&mut self, map: &[f32], mask: &[bool], [height, width]: [usize; 2]) -> Result<()> {
        let pixels = height
            .checked_mul(width)
            .filter(|&p| u32::try_from(p).is_ok());
        if pixels != Some(map.len()) || pixels != Some(mask.len()) {
            return Err(Error::Mismatch {
                origin: None,
                found: format!("a map of {} and a mask of {} pixels", map.len(), mask.len()),
                expected: format!("{height} × {width} pixels each"),
                hint: None,
            });
        }
        if let Some(at) = map.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                what: "an anomaly map".into(),
                location: format!(
                    ": {} in row {}, column {}",
                    map[at],
                    at / width + 1,
                    at % width + 1
                ),
                hint: None,
            });
        }
        if mask.contains(&true) {
            let near = near(mask, [height, width], HIT_SLACK);
            let highest = map
                .iter()
                .enumerate()
                .rev()
                .max_by(|a, b| a.1.total_cmp(b.1));
            self.images += 1;
            self.hits += usize::from(highest.is_some_and(|(at, _)| near[at]));
            let count = near.iter().filter(|&&near| near).count();
            self.chance_hits += count as f64 / near.len() as f64;
            let far = self::near(mask, [height, width], height.max(width).div_ceil(LEFT_OUT));
            let rest: Vec<f32> = map
                .iter()
                .zip(&far)
                .filter(|(_, near)| !**near)
                .map(|(v, _)| *v)
                .collect();
            self.tops[1].push(top(map).into());
            // An image that is all anomaly has no rest.
            if !rest.is_empty() {
                self.tops[2].push(top(&rest).into());
            }
        } else {
            self.tops[0].push(top(map).into());
        }
        let (region, sizes) = connected_regions(mask, [height, width]);
        self.regions += sizes.len();
        for (&value, &region) in map.iter().zip(&region) {
            match region.checked_sub(1) {
                None => self.normal.push(value),
                Some(region) => self.anomalous.push((value, sizes[region as usize])),
            }
        }
        Ok(())
    }

    /// Ranks all pixels.
    ///
    /// # Errors
    /// If no pixel is anomalous, or none is normal.
    pub fn metrics(mut self) -> Result<PixelMetrics> {
        let missing = match (self.normal.len(), self.anomalous.len()) {
            (_, 0) => Some("anomalous"),
            (0, _) => Some("normal"),
            _ => None,
        };
        if let Some(class) = missing {
            return Err(Error::NotEnough {
                what: format!("{class} pixels to measure on"),
                found: format!("none among {}", self.normal.len() + self.anomalous.len()),
                expected: "at least 1 normal and 1 anomalous pixel".into(),
                hint: Some("check which value of the masks stands for anomalous".into()),
            });
        }
        self.normal.sort_unstable_by(|a, b| b.total_cmp(a));
        // By size too, so that sums of tied pixels do not depend on the order of the images.
        self.anomalous
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Ok(PixelMetrics {
            pixel_auroc: self.auroc(),
            pixel_average_precision: self.average_precision(),
            aupro: self.aupro(),
            hits: self.hits as f64 / self.images.max(1) as f64,
            chance_hits: self.chance_hits / self.images.max(1) as f64,
            map_auroc: self.map_auroc(1),
            map_auroc_without_anomaly: self.map_auroc(2),
            n_regions: self.regions,
            n_normal_pixels: self.normal.len(),
            n_anomalous_pixels: self.anomalous.len(),
        })
    }

    /// AUROC of these images against those without an anomaly.
    fn map_auroc(&self, of: usize) -> Option<f64> {
        let scores = [&self.tops[0][..], &self.tops[of]].concat();
        let labels = [
            vec![Label::Normal; self.tops[0].len()],
            vec![Label::Anomalous; self.tops[of].len()],
        ];
        super::auroc(&scores, &labels.concat()).ok()
    }

    /// Of sorted pixels, as [`auroc`](super::auroc).
    fn auroc(&self) -> f64 {
        let (n0, n1) = (self.normal.len() as u128, self.anomalous.len() as u128);
        let (mut above, mut twice) = (0u128, 0u128);
        self.descend(|normal, anomalous| {
            above += normal as u128;
            // Those strictly above count nothing, those of the same value half.
            twice += anomalous.len() as u128 * (2 * (n0 - above) + normal as u128);
            true
        });
        twice as f64 / (2 * n0 * n1) as f64
    }

    /// Of sorted pixels, as [`average_precision`](super::average_precision).
    fn average_precision(&self) -> f64 {
        let (mut flagged, mut found, mut area) = (0usize, 0usize, 0.0);
        self.descend(|normal, anomalous| {
            flagged += normal + anomalous.len();
            found += anomalous.len();
            area += anomalous.len() as f64 * found as f64 / flagged as f64;
            found < self.anomalous.len()
        });
        area / self.anomalous.len() as f64
    }

    /// Of sorted pixels: the trapezoidal area under the mean overlap, cut at the limit by linear
    /// interpolation.
    fn aupro(&self) -> f64 {
        let (n0, regions) = (self.normal.len() as f64, self.regions as f64);
        let (mut alarms, mut overlap, mut area) = (0usize, 0.0, 0.0);
        let mut before = (0.0, 0.0);
        self.descend(|normal, anomalous| {
            alarms += normal;
            overlap += anomalous
                .iter()
                .map(|&(_, size)| 1.0 / f64::from(size))
                .sum::<f64>();
            let (mut x, mut y) = (alarms as f64 / n0, overlap / regions);
            let inside = x < AUPRO_LIMIT;
            if !inside {
                y = before.1 + (y - before.1) * (AUPRO_LIMIT - before.0) / (x - before.0);
                x = AUPRO_LIMIT;
            }
            area += (x - before.0) * (y + before.1) / 2.0;
            before = (x, y);
            inside
        });
        area / AUPRO_LIMIT
    }

    /// Calls with the number of normal and the list of anomalous pixels of each value, from the
    /// highest down, until it is told to stop.
    fn descend(&self, mut each: impl FnMut(usize, &[(f32, u32)]) -> bool) {
        let (mut normal, mut anomalous) = (self.normal.as_slice(), self.anomalous.as_slice());
        loop {
            let value = match (normal.first(), anomalous.first()) {
                (None, None) => return,
                (Some(&n), None) => n,
                (None, Some(&(a, _))) => a,
                (Some(&n), Some(&(a, _))) => n.max(a),
            };
            let tied_normal = normal.partition_point(|&v| v >= value);
            let tied_anomalous = anomalous.partition_point(|&(v, _)| v >= value);
            if !each(tied_normal, &anomalous[..tied_anomalous]) {
                return;
            }
            normal = &normal[tied_normal..];
            anomalous = &anomalous[tied_anomalous..];
        }
    }
}

/// The metrics of maps `[N, height, width]` against masks of the same shape.
///
/// # Errors
/// As [`PixelRanking::add`] and [`PixelRanking::metrics`].
pub fn pixel_metrics(
    maps: &[f32],
    masks: &[bool],
    [height, width]: [usize; 2],
) -> Result<PixelMetrics> {
    let each = height.saturating_mul(width).max(1);
    let mut ranking = PixelRanking::new();
    let mut masks = masks.chunks(each);
    for map in maps.chunks(each) {
        ranking.add(map, masks.next().unwrap_or_default(), [height, width])?;
    }
    match masks.map(<[bool]>::len).sum::<usize>() {
        0 => ranking.metrics(),
        more => Err(Error::Mismatch {
            origin: None,
            found: format!("{more} pixels of masks without a map"),
            expected: "one mask per map".into(),
            hint: None,
        }),
    }
}

/// Whether each pixel is of the mask or at most so many pixels from it along each axis.
fn near(mask: &[bool], [height, width]: [usize; 2], slack: usize) -> Vec<bool> {
    let mut near = vec![false; mask.len()];
    for at in (0..mask.len()).filter(|&at| mask[at]) {
        let (row, column) = (at / width, at % width);
        for r in row.saturating_sub(slack)..(row + slack + 1).min(height) {
            let first = r * width + column.saturating_sub(slack);
            let last = r * width + (column + slack).min(width - 1);
            near[first..=last].fill(true);
        }
    }
    near
}

/// Numbers the connected regions of a mask from 1 (0 outside), neighbours also by corner, and
/// counts their pixels.
///
/// # Panics
/// If the mask is not of this size.
pub fn connected_regions(mask: &[bool], [height, width]: [usize; 2]) -> (Vec<u32>, Vec<u32>) {
    let mut region = vec![0u32; mask.len()];
    let mut sizes = Vec::new();
    let mut open = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || region[start] != 0 {
            continue;
        }
        sizes.push(0);
        let number = sizes.len() as u32;
        region[start] = number;
        open.push(start);
        while let Some(at) = open.pop() {
            sizes[number as usize - 1] += 1;
            let (row, column) = (at / width, at % width);
            for r in row.saturating_sub(1)..(row + 2).min(height) {
                for c in column.saturating_sub(1)..(column + 2).min(width) {
                    let next = r * width + c;
                    if mask[next] && region[next] == 0 {
                        region[next] = number;
                        open.push(next);
                    }
                }
            }
        }
    }
    (region, sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_the_mean_of_a_hundredth_and_of_five_at_least() {
        let map: Vec<f32> = (0..1000).map(|v| (v * 7 % 1000) as f32).collect();
        assert_eq!(top(&map), 994.5);
        assert_eq!(top(&[1.0, 9.0, 2.0]), 4.0);
        assert_eq!(top(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), 3.0);
    }

    fn mask(rows: &[&str]) -> Vec<bool> {
        rows.concat().chars().map(|c| c == '#').collect()
    }

    #[test]
    fn a_hit_lies_on_the_anomaly_or_two_pixels_beside_it() {
        let one = mask(&["#......", ".......", ".......", "......."]);
        let hits = |at: usize| {
            let mut map = vec![0.0; 28];
            map[at] = 1.0;
            let metrics = pixel_metrics(&map, &one, [4, 7]).unwrap();
            assert!((metrics.chance_hits - 9.0 / 28.0).abs() < 1e-12);
            metrics.hits
        };
        for (at, expected) in [
            (0, 1.0),
            (2, 1.0),
            (3, 0.0),
            (16, 1.0),
            (21, 0.0),
            (27, 0.0),
        ] {
            assert_eq!(hits(at), expected, "{at}");
        }
        // Of equal values the first counts, and an image without an anomaly does not.
        let masks = [one.clone(), vec![false; 28]].concat();
        assert_eq!(pixel_metrics(&[0.0; 56], &masks, [4, 7]).unwrap().hits, 1.0);
    }

    #[test]
    fn regions_touch_by_side_and_by_corner() {
        let (region, sizes) =
            connected_regions(&mask(&["##..#", "...#.", "#....", "#..##"]), [4, 5]);
        assert_eq!(sizes, [2, 2, 2, 2]);
        assert_eq!(region[4], region[8]);
        assert_eq!(region[10], region[15]);
        let ring = mask(&["###", "#.#", "###"]);
        assert_eq!(connected_regions(&ring, [3, 3]).1, [8]);
        // The end of a row does not touch the start of the next.
        assert_eq!(connected_regions(&mask(&["..#", "#.."]), [2, 3]).1, [1, 1]);
    }

    #[test]
    fn images_are_told_apart_with_and_without_their_anomalies() {
        let size = [56, 56];
        let image = |base: f32, blob: f32| {
            let at = |i: usize| if i / 56 < 6 && i % 56 < 6 { blob } else { base };
            (0..56 * 56).map(at).collect::<Vec<f32>>()
        };
        let mask: Vec<bool> = (0..56 * 56).map(|i| i / 56 < 6 && i % 56 < 6).collect();
        let measured = |anomalous: [f32; 2]| {
            let mut ranking = PixelRanking::new();
            for i in 0..4 {
                let base = 1.0 + i as f32 / 10.0;
                ranking
                    .add(&image(base, base), &[false; 56 * 56], size)
                    .unwrap();
                let [base, blob] = anomalous.map(|v| v + i as f32 / 10.0);
                ranking.add(&image(base, blob), &mask, size).unwrap();
            }
            let metrics = ranking.metrics().unwrap();
            [
                metrics.map_auroc.unwrap(),
                metrics.map_auroc_without_anomaly.unwrap(),
            ]
        };
        // The anomaly alone tells them apart.
        assert_eq!(measured([1.0, 9.0]), [1.0, 0.5]);
        // Everything does.
        assert_eq!(measured([5.0, 9.0]), [1.0, 1.0]);
        // Without an image that is normal there is nothing to tell apart.
        let mut ranking = PixelRanking::new();
        ranking.add(&image(1.0, 9.0), &mask, size).unwrap();
        assert_eq!(ranking.metrics().unwrap().map_auroc, None);
    }
}
