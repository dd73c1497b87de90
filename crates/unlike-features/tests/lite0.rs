//! The bundled network against PyTorch.

use serde_json::Value;
use unlike_features::Lite0;

/// As `golden/export.py` makes it.
fn image([height, width, channels]: [usize; 3]) -> Vec<f32> {
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let [y, x, c] = [y, x, c].map(|v| v as f64);
                let value = (0.31 * x + 0.07 * y * (c + 1.0)).sin() * (0.013 * x * y + c).cos();
                values.push(value as f32);
            }
        }
    }
    values
}

#[test]
fn every_stage_is_that_of_pytorch() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("golden/lite0.json")).unwrap();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let size: [usize; 3] = serde_json::from_value(case["size"].clone()).unwrap();
        let maps = Lite0::bundled().stages(&image(size), size, 4);
        let stages = case["stages"].as_array().unwrap();
        assert_eq!(maps.len(), stages.len());
        for (map, expected) in maps.iter().zip(stages) {
            let shape: [usize; 3] = serde_json::from_value(expected["shape"].clone()).unwrap();
            assert_eq!([map.height, map.width, map.channels], shape);
            let largest = expected["largest"].as_f64().unwrap();
            let close = |found: f64, expected: f64, tolerance: f64| {
                let far = (found - expected).abs();
                assert!(
                    far <= tolerance * largest,
                    "{size:?}: {found} and {expected}"
                );
            };
            let values: Vec<f64> = map.values.iter().map(|&v| f64::from(v)).collect();
            let ends =
                |key: &str| -> Vec<f64> { serde_json::from_value(expected[key].clone()).unwrap() };
            for (&found, expected) in values.iter().zip(ends("first")) {
                close(found, expected, 1e-5);
            }
            for (&found, expected) in values[values.len() - 8..].iter().zip(ends("last")) {
                close(found, expected, 1e-5);
            }
            let found = values
                .iter()
                .enumerate()
                .map(|(i, v)| v * (i as f64).cos())
                .sum();
            // As many roundings as there are values, of either sign.
            let tolerance = 2e-6 * (values.len() as f64).sqrt();
            close(found, expected["sum"].as_f64().unwrap(), tolerance);
        }
    }
}
