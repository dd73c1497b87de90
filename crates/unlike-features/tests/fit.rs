//! What fitting gives is what the fitted step says of the same images.

use unlike_core::{FeatureShape, Features};
use unlike_features::{Extraction, FeatureConfig, Pool, Tiles};

fn images(count: usize) -> Features {
    let pixel = |at: usize| ((at * 7919 % 1013) as f32 * 0.01 + (at % 40) as f32 * 0.1).sin();
    let values = (0..count * 40 * 36 * 3).map(pixel).collect();
    Features::new(FeatureShape::image(36, 40, 3), values)
}

#[test]
fn fitted_rows_are_those_that_are_extracted_and_in_units_of_their_spread() {
    let images = images(6);
    for features in [FeatureConfig::lite0, FeatureConfig::dct] {
        for (pool, tiles) in [
            (Pool::Image, None),
            (Pool::Patches, None),
            (Pool::Patches, Some(Tiles::of(20))),
        ] {
            let config = features(pool).with_tiles(tiles);
            for numbered in [false, true] {
                let raw = Extraction::new(&config, images.shape()).unwrap().unwrap();
                let mut extraction = raw.with_places(numbered);
                let rows = extraction.extract(&images).unwrap();
                assert_eq!(rows.len(), 6 * extraction.places());
                let fitted = extraction.fit(rows).unwrap();
                assert_eq!(fitted, extraction.extract(&images).unwrap(), "{config:?}");
                let size = fitted.shape().size();
                let columns = extraction.names().len();
                let counts_places = numbered && pool == Pool::Patches;
                assert_eq!(size, columns + usize::from(counts_places), "{config:?}");
                for column in 0..columns {
                    let values = fitted.values().iter().skip(column).step_by(size);
                    let squares = values.map(|v| f64::from(*v).powi(2)).sum::<f64>();
                    let variance = squares / fitted.len() as f64;
                    // Columns that never vary stay at 0.
                    assert!(
                        variance < 1e-6 || (variance - 1.0).abs() < 1e-2,
                        "{column}: {variance}"
                    );
                }
                // Places are numbered within their tile.
                if let FeatureShape::Patch { width, places } = *fitted.shape() {
                    let last = fitted.values().iter().skip(width - 1).step_by(width);
                    let expected = (0..fitted.len()).map(|row| (row % places) as f32);
                    assert!(last.copied().eq(expected), "{config:?}");
                }
            }
        }
    }
}
