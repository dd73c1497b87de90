//! Pixel AUROC and AUPRO on cases made by hand, and against their definitions.

use proptest::prelude::*;
use unlike_core::{
    Label,
    metrics::{
        auroc,
        pixel::{PixelRanking, pixel_metrics},
    },
};

fn mask(rows: &[&str]) -> Vec<bool> {
    rows.concat().chars().map(|c| c == '#').collect()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} and {b}");
}

#[test]
fn perfect_constant_and_inverted_maps() {
    let mask = mask(&["#...", "....", "..##"]);
    let map: Vec<f32> = mask.iter().map(|&m| f32::from(u8::from(m))).collect();
    let metrics = pixel_metrics(&map, &mask, [3, 4]).unwrap();
    assert_eq!((metrics.pixel_auroc, metrics.aupro), (1.0, 1.0));
    assert_eq!(metrics.pixel_average_precision, 1.0);
    assert_eq!(
        (
            metrics.n_regions,
            metrics.n_normal_pixels,
            metrics.n_anomalous_pixels
        ),
        (2, 9, 3)
    );
    let metrics = pixel_metrics(&[7.0; 12], &mask, [3, 4]).unwrap();
    assert_eq!(metrics.pixel_auroc, 0.5);
    close(metrics.aupro, 0.15);
    close(metrics.pixel_average_precision, 0.25);
    let inverted: Vec<f32> = map.iter().map(|v| -v).collect();
    let metrics = pixel_metrics(&inverted, &mask, [3, 4]).unwrap();
    assert_eq!((metrics.pixel_auroc, metrics.aupro), (0.0, 0.0));
}

#[test]
fn each_region_counts_the_same_whatever_its_size() {
    let mask = mask(&["####......", "####.....#"]);
    // The large region is found, the single pixel scores below everything.
    let map: Vec<f32> = mask.iter().map(|&m| f32::from(u8::from(m))).collect();
    let mut found_large = map.clone();
    found_large[19] = -1.0;
    let metrics = pixel_metrics(&found_large, &mask, [2, 10]).unwrap();
    close(metrics.aupro, 0.5);
    close(metrics.pixel_auroc, 8.0 / 9.0);
    close(metrics.pixel_average_precision, (8.0 + 9.0 / 20.0) / 9.0);
    // The other way round AUROC collapses, AUPRO does not.
    let found_small: Vec<f32> = (0..20)
        .map(|i| if i == 19 { 1.0 } else { -map[i] })
        .collect();
    let metrics = pixel_metrics(&found_small, &mask, [2, 10]).unwrap();
    close(metrics.aupro, 0.5);
    close(metrics.pixel_auroc, 1.0 / 9.0);
}

#[test]
fn the_area_ends_at_the_limit() {
    // A region of two among eleven normal pixels; the curve runs through (0, 0), (0, 0.5),
    // (3/11, 0.5), (3/11, 1) and then along 1.
    let whole = mask(&["##..........."]);
    let map = [
        10.0, 6.5, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.0,
    ];
    let expected = (3.0 / 11.0 * 0.5 + (0.3 - 3.0 / 11.0)) / 0.3;
    close(
        pixel_metrics(&map, &whole, [1, 13]).unwrap().aupro,
        expected,
    );
    // The region ties with 6 of 10 normal pixels: a straight line to (0.6, 1), cut at the limit.
    let mut tied = [1.0; 12];
    tied[8..].fill(0.0);
    close(
        pixel_metrics(&tied, &whole[..12], [1, 12]).unwrap().aupro,
        0.25,
    );
}

#[test]
fn bad_input_is_an_error() {
    let mut ranking = PixelRanking::new();
    assert!(ranking.add(&[0.0; 4], &[false; 3], [2, 2]).is_err());
    assert!(ranking.add(&[0.0; 4], &[false; 4], [2, 3]).is_err());
    let error = ranking
        .add(&[0.0, f32::NAN], &[false; 2], [1, 2])
        .unwrap_err()
        .to_string();
    assert!(error.contains("NaN in row 1, column 2"), "{error}");
    let error = pixel_metrics(&[0.0; 2], &[false; 2], [1, 2])
        .unwrap_err()
        .to_string();
    assert!(error.contains("anomalous pixels"), "{error}");
    assert!(pixel_metrics(&[0.0; 2], &[true; 2], [1, 2]).is_err());
    assert!(pixel_metrics(&[0.0; 2], &[true, false, true, false], [1, 2]).is_err());
    assert!(pixel_metrics(&[0.0; 4], &[true, false], [1, 2]).is_err());
    assert!(pixel_metrics(&[], &[], [0, 0]).is_err());
}

/// Every threshold against every region, pixel by pixel.
fn naive(maps: &[f32], masks: &[bool], [h, w]: [usize; 2]) -> (f64, f64) {
    let regions: Vec<Vec<usize>> = (0..maps.len() / (h * w))
        .flat_map(|n| {
            // Spreads the smallest position through each region until nothing changes.
            let at = |i: usize| n * h * w + i;
            let mut least: Vec<usize> = (0..h * w).collect();
            loop {
                let old = least.clone();
                for i in 0..h * w {
                    for j in 0..h * w {
                        let near = (i / w).abs_diff(j / w) < 2 && (i % w).abs_diff(j % w) < 2;
                        if near && masks[at(i)] && masks[at(j)] {
                            least[i] = least[i].min(least[j]);
                        }
                    }
                }
                if old == least {
                    break;
                }
            }
            let of = |root: usize| -> Vec<usize> {
                (0..h * w)
                    .filter(|&i| masks[at(i)] && least[i] == root)
                    .map(at)
                    .collect()
            };
            (0..h * w)
                .map(of)
                .filter(|r| !r.is_empty())
                .collect::<Vec<_>>()
        })
        .collect();
    let mut thresholds = maps.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let normal: Vec<f32> = maps
        .iter()
        .zip(masks)
        .filter(|(_, m)| !**m)
        .map(|(v, _)| *v)
        .collect();
    let mut curve = vec![(0.0, 0.0)];
    for t in thresholds {
        let x = normal.iter().filter(|&&v| v >= t).count() as f64 / normal.len() as f64;
        let overlap =
            |r: &Vec<usize>| r.iter().filter(|&&i| maps[i] >= t).count() as f64 / r.len() as f64;
        curve.push((
            x,
            regions.iter().map(overlap).sum::<f64>() / regions.len() as f64,
        ));
    }
    // Integrates in small steps of x, each inside one segment of the curve.
    let at = |x: f64| {
        let k = curve
            .windows(2)
            .position(|s| s[0].0 <= x && x < s[1].0)
            .unwrap();
        let (a, b) = (curve[k], curve[k + 1]);
        a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0)
    };
    let steps = 3 * 1000;
    let area: f64 = (0..steps)
        .map(|i| at(0.3 * (f64::from(i) + 0.5) / f64::from(steps)))
        .sum();
    let labels: Vec<Label> = masks
        .iter()
        .map(|&m| if m { Label::Anomalous } else { Label::Normal })
        .collect();
    let scores: Vec<f64> = maps.iter().map(|&v| f64::from(v)).collect();
    (auroc(&scores, &labels).unwrap(), area / f64::from(steps))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pixel_metrics_are_their_definition(
        pixels in prop::collection::vec((0u8..6, prop::bool::weighted(0.3)), 2 * 4 * 5)
    ) {
        let maps: Vec<f32> = pixels.iter().map(|p| f32::from(p.0) / 4.0).collect();
        let masks: Vec<bool> = pixels.iter().map(|p| p.1).collect();
        prop_assume!(masks.contains(&true) && masks.contains(&false));
        let metrics = pixel_metrics(&maps, &masks, [4, 5]).unwrap();
        let (auroc, aupro) = naive(&maps, &masks, [4, 5]);
        prop_assert!((metrics.pixel_auroc - auroc).abs() < 1e-12);
        prop_assert!((metrics.aupro - aupro).abs() < 1e-3, "{} {}", metrics.aupro, aupro);
    }
}
