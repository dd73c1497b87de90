//! Maps as people see them beside their images: what of a map lies over which part of the original,
//! and where it exceeds a threshold.

use std::collections::HashMap;

use unlike_core::{Frame, metrics::pixel::connected_regions};

/// A map, brought to the proportions of what it covers of the original, `[height, width]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
    /// Left, top, width and height of what it covers, in pixels of the original.
    pub(crate) covered: [f64; 4],
}

/// A point in pixels of the original.
type Point = [f32; 2];

impl Field {
    /// The part of a map of `width` that lies over the original, at most `side` cells high and wide:
    /// the map's own values where it is no larger.
    pub(crate) fn new(map: &[f32], width: usize, frame: Frame, side: usize) -> Self {
        let [left, top, placed_width, placed_height] = frame.placed;
        let longest = placed_width.max(placed_height);
        let cells = |length: usize| match longest > side {
            true => (length * side / longest).max(1),
            false => length,
        };
        let (across, down) = (cells(placed_width), cells(placed_height));
        let value = |at: usize| {
            let share = |at: usize, of: usize| (at as f64 + 0.5) / of as f64;
            let x = left as f64 + share(at % across, across) * placed_width as f64;
            let y = top as f64 + share(at / across, down) * placed_height as f64;
            between(map, width, [x, y])
        };
        Self {
            width: across,
            height: down,
            values: (0..across * down).map(value).collect(),
            covered: frame.seen,
        }
    }

    /// Lines around what is at least `threshold`, as closed polygons; holes have their own.
    ///
    /// Marching squares (Lorensen and Cline, SIGGRAPH 1987, in two dimensions): a line crosses between
    /// the centres of two neighbours, one inside and one outside, where the value between them would be
    /// the threshold. Beyond the edges all is outside, and lines follow the edge. Where two cells touch
    /// by a corner, the lines keep them apart.
    pub(crate) fn outlines(&self, threshold: f64, original: [usize; 2]) -> Vec<Vec<Point>> {
        let (width, height) = (self.width as i64, self.height as i64);
        let value = |x: i64, y: i64| {
            let inside = (0..width).contains(&x) && (0..height).contains(&y);
            inside.then(|| f64::from(self.values[(y * width + x) as usize]))
        };
        let is_in = |x, y| value(x, y).is_some_and(|v| v >= threshold);
        // Where a line crosses between two neighbours, in cells from the first one's centre.
        let crossing = |from: (i64, i64), to: (i64, i64)| {
            let share = match (value(from.0, from.1), value(to.0, to.1)) {
                (Some(a), Some(b)) if a != b => ((threshold - a) / (b - a)).clamp(0.0, 1.0),
                _ => 0.5,
            };
            let at = |a: i64, b: i64| a as f64 + 0.5 + share * (b - a) as f64;
            [at(from.0, to.0), at(from.1, to.1)]
        };
        // Each crossing leads to the next one, with what is inside to the right. A crossing is known by
        // the cell above or to the left of it, and by whether it lies to that cell's right.
        type Crossing = (i64, i64, bool);
        let mut next: HashMap<Crossing, Crossing> = HashMap::new();
        let mut starts = Vec::new();
        for y in -1..height {
            for x in -1..width {
                let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)];
                let inside = corners.map(|(x, y)| is_in(x, y));
                // The four sides of the square, clockwise from the upper one.
                let sides: [Crossing; 4] = [
                    (x, y, true),
                    (x + 1, y, false),
                    (x, y + 1, true),
                    (x, y, false),
                ];
                for side in 0..4 {
                    // Clockwise, a line goes in where what is inside ends, and out where it began.
                    if !inside[side] || inside[(side + 1) % 4] {
                        continue;
                    }
                    let begins = |back: &usize| {
                        let at = (side + 4 - back) % 4;
                        inside[(at + 1) % 4] && !inside[at]
                    };
                    // Back to where this run of corners inside began.
                    if let Some(back) = (1..4).find(begins) {
                        next.insert(sides[side], sides[(side + 4 - back) % 4]);
                        starts.push(sides[side]);
                    }
                }
            }
        }
        let [left, top, covered_width, covered_height] = self.covered;
        let scale = [covered_width / width as f64, covered_height / height as f64];
        // A tenth of a pixel, and a thousandth of a small image's side.
        let digits = if original[0].max(original[1]) > 100 {
            10.0
        } else {
            100.0
        };
        let point = |&(x, y, right): &Crossing| -> Point {
            let to = if right { (x + 1, y) } else { (x, y + 1) };
            let [cx, cy] = crossing((x, y), to);
            [left + cx * scale[0], top + cy * scale[1]]
                .map(|v| ((v * digits).round() / digits) as f32)
        };
        let mut polygons = Vec::new();
        for start in starts {
            let (mut polygon, mut at) = (Vec::new(), start);
            while let Some(following) = next.remove(&at) {
                polygon.push(point(&at));
                at = following;
            }
            if !polygon.is_empty() {
                polygons.push(straightened(polygon));
            }
        }
        polygons
    }
}

/// Without the points that lie on the line between their neighbours.
fn straightened(polygon: Vec<Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(polygon.len());
    for (i, &point) in polygon.iter().enumerate() {
        let before = kept.last().copied().unwrap_or(polygon[polygon.len() - 1]);
        let after = polygon[(i + 1) % polygon.len()];
        let [dx, dy] = [after[0] - before[0], after[1] - before[1]];
        let [px, py] = [point[0] - before[0], point[1] - before[1]];
        let area = (dx * py - dy * px).abs();
        let length = dx.hypot(dy);
        if area > 0.02 * length || length == 0.0 {
            kept.push(point);
        }
    }
    kept
}

/// The value of a map of `width` at `[x, y]`, between the centres of its cells.
pub(crate) fn between(map: &[f32], width: usize, [x, y]: [f64; 2]) -> f32 {
    let height = map.len() / width.max(1);
    let around = |at: f64, length: usize| {
        let at = (at - 0.5).clamp(0.0, length.saturating_sub(1) as f64);
        let first = at.floor() as usize;
        (first, (first + 1).min(length - 1), (at - at.floor()) as f32)
    };
    let (left, right, share_x) = around(x, width);
    let (upper, lower, share_y) = around(y, height);
    let row = |y: usize| {
        let (a, b) = (map[y * width + left], map[y * width + right]);
        // What is equal stays so to the last bit.
        if a == b {
            a
        } else {
            a * (1.0 - share_x) + b * share_x
        }
    };
    let (a, b) = (row(upper), row(lower));
    if a == b {
        a
    } else {
        a * (1.0 - share_y) + b * share_y
    }
}

/// `[x, y, width, height]` of each connected region of a map of `width` that is at least `threshold`,
/// neighbours also by corner, in whole pixels of the original that hold it; that with the highest
/// value first. What lies beside the original does not count.
pub(crate) fn boxes(map: &[f32], width: usize, frame: Frame, threshold: f64) -> Vec<[u32; 4]> {
    let [left, top, across, down] = frame.placed;
    let row = |y: usize| &map[y * width + left..][..across];
    let values: Vec<f32> = (top..top + down).flat_map(row).copied().collect();
    let mask: Vec<bool> = values.iter().map(|&v| f64::from(v) >= threshold).collect();
    let (region, sizes) = connected_regions(&mask, [down, across]);
    let none = (usize::MAX, usize::MAX, 0, 0, f32::NEG_INFINITY);
    let mut found = vec![none; sizes.len()];
    for (at, &region) in region.iter().enumerate() {
        if let Some(region) = region.checked_sub(1) {
            let (x, y) = (at % across, at / across);
            let (x0, y0, x1, y1, peak) = &mut found[region as usize];
            (*x0, *y0) = ((*x0).min(x), (*y0).min(y));
            (*x1, *y1) = ((*x1).max(x + 1), (*y1).max(y + 1));
            *peak = peak.max(values[at]);
        }
    }
    // Regions are numbered by place, and a stable sort keeps that order among equals.
    found.sort_by(|a, b| b.4.total_cmp(&a.4));
    let edge = |x: usize, y: usize| frame.to_original([(left + x) as f64, (top + y) as f64]);
    let whole = |(x0, y0, x1, y1, _): (usize, usize, usize, usize, f32)| {
        let (first, last) = (edge(x0, y0), edge(x1, y1));
        // A hair's breadth of rounding takes no pixel in.
        let low = |axis: usize| (first[axis] + 1e-6).floor().max(0.0) as u32;
        let high = |axis: usize| {
            ((last[axis] - 1e-6).ceil().max(0.0) as u32).min(frame.original[axis] as u32)
        };
        let (x, y) = (low(0), low(1));
        [x, y, high(0).saturating_sub(x), high(1).saturating_sub(y)]
    };
    found.into_iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(rows: &[&str]) -> Field {
        let values = rows.iter().flat_map(|row| row.bytes());
        Field {
            width: rows[0].len(),
            height: rows.len(),
            values: values.map(|c| f32::from(c - b'0')).collect(),
            covered: [0.0, 0.0, rows[0].len() as f64, rows.len() as f64],
        }
    }

    /// Twice the area, positive where the inside is to the right of the line.
    fn area(polygon: &[Point]) -> f32 {
        let pairs = polygon.iter().zip(polygon.iter().cycle().skip(1));
        pairs.map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
    }

    #[test]
    fn lines_run_where_the_threshold_lies_between_two_values() {
        let of = |threshold| field(&["000", "040", "000"]).outlines(threshold, [3, 3]);
        let [diamond] = &of(1.0)[..] else {
            panic!("one polygon");
        };
        let mut points = diamond.clone();
        points.sort_by(|a, b| a.partial_cmp(b).unwrap());
        // Three quarters of the way from 4 down to 0.
        assert_eq!(points, [[0.75, 1.5], [1.5, 0.75], [1.5, 2.25], [2.25, 1.5]]);
        assert_eq!(of(4.5), Vec::<Vec<Point>>::new());
        // All is inside: the line is the edge, with its corners cut.
        let [frame] = &of(0.0)[..] else {
            panic!("one polygon");
        };
        let reach = |axis: usize| frame.iter().map(move |p| p[axis]).fold(f32::NAN, f32::max);
        assert_eq!([reach(0), reach(1)], [3.0, 3.0]);
    }

    #[test]
    fn holes_have_lines_of_their_own_and_corners_do_not_join() {
        let ring = field(&["11111", "10001", "10001", "11111"]).outlines(0.5, [5, 4]);
        assert_eq!(ring.len(), 2);
        let signs: Vec<bool> = ring.iter().map(|polygon| area(polygon) > 0.0).collect();
        assert!(signs[0] != signs[1], "{ring:?}");
        assert_eq!(field(&["10", "01"]).outlines(0.5, [2, 2]).len(), 2);
        assert_eq!(field(&["01", "10"]).outlines(0.5, [2, 2]).len(), 2);
        assert_eq!(field(&["101", "000", "101"]).outlines(0.5, [3, 3]).len(), 4);
    }

    #[test]
    fn lines_and_boxes_lie_in_the_original_wherever_the_model_sees_it() {
        // 40 × 20 pixels, seen as 8 × 4 in the middle of 8 × 8.
        let frame = Frame {
            original: [40, 20],
            seen: [0.0, 0.0, 40.0, 20.0],
            placed: [0, 2, 8, 4],
        };
        let mut map = vec![0.0; 64];
        map[2 * 8 + 1] = 3.0;
        map[3 * 8 + 2] = 5.0;
        map[5 * 8 + 7] = 9.0;
        // Beside the original.
        map[0] = 99.0;
        map[7 * 8..].fill(99.0);
        assert_eq!(boxes(&map, 8, frame, 3.0), [[35, 15, 5, 5], [5, 0, 10, 10]]);
        assert_eq!(boxes(&map, 8, frame, 100.0), Vec::<[u32; 4]>::new());
        let field = Field::new(&map, 8, frame, 100);
        assert_eq!((field.width, field.height), (8, 4));
        assert_eq!(field.values[8 + 2], 5.0);
        assert_eq!(field.outlines(3.0, [40, 20]).len(), 3);
        let points = field.outlines(3.0, [40, 20]).concat();
        assert!(
            points
                .iter()
                .all(|p| (0.0..=40.0).contains(&p[0]) && (0.0..=20.0).contains(&p[1]))
        );
        let small = Field::new(&map, 8, frame, 4);
        assert_eq!((small.width, small.height), (4, 2));
        // Cut to its middle, 20 × 20 pixels seen as 8 × 8.
        let cut = Frame {
            original: [40, 20],
            seen: [10.0, 0.0, 20.0, 20.0],
            placed: [0, 0, 8, 8],
        };
        // 2.5 pixels a cell: whole pixels that hold it.
        assert_eq!(boxes(&map, 8, cut, 99.0), [[10, 0, 3, 3], [10, 17, 20, 3]]);
    }
}
