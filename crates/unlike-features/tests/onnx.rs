//! Networks of files: against PyTorch, and what is said of those that cannot be used.

use std::path::{Path, PathBuf};

use rayon::ThreadPoolBuilder;
use serde_json::Value;
use unlike_core::{Error, FeatureShape, Features, Result};
use unlike_features::{Extraction, FeatureConfig, FeatureOptions, Onnx, Pool};

fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(name)
}

fn network(name: &str) -> Onnx {
    Onnx::new(golden(name).to_str().unwrap())
}

/// As `golden/small.py` makes it, moved on a little for each image.
fn images([height, width, channels]: [usize; 3], count: usize) -> Features {
    let mut values = Vec::new();
    for image in 0..count {
        for y in 0..height {
            for x in 0..width {
                for c in 0..channels {
                    let [y, x, c, t] = [y, x, c, image].map(|v| v as f64);
                    let wave = (0.31 * x + 0.07 * y * (c + 1.0) + 0.9 * t).sin();
                    values.push((wave * (0.013 * x * y + c).cos()) as f32);
                }
            }
        }
    }
    Features::new(FeatureShape::image(height, width, channels), values)
}

fn extraction(network: Onnx, size: [usize; 3]) -> Result<Extraction> {
    let [height, width, channels] = size;
    let shape = FeatureShape::image(height, width, channels);
    let extraction = Extraction::new(&FeatureConfig::Onnx(network), &shape)?;
    Ok(extraction.expect("a network"))
}

#[test]
fn taps_are_those_of_pytorch() {
    let golden: Value = serde_json::from_str(include_str!("golden/onnx.json")).unwrap();
    let size: [usize; 3] = serde_json::from_value(golden["size"].clone()).unwrap();
    for name in ["fine", "coarse"] {
        let mut network = network("small.onnx");
        network.taps = vec![name.to_owned()];
        // Of the image as one row: the mean, spread and maximum of each channel, which see every value.
        network.pool = Pool::Image;
        let row = extraction(network, size)
            .unwrap()
            .extract(&images(size, 1))
            .unwrap();
        let shape: [usize; 3] = serde_json::from_value(golden[name]["shape"].clone()).unwrap();
        let values: Vec<f64> = serde_json::from_value(golden[name]["values"].clone()).unwrap();
        let places = (shape[0] * shape[1]) as f64;
        assert_eq!(row.values().len(), 3 * shape[2]);
        for channel in 0..shape[2] {
            let of_channel = || values.iter().skip(channel).step_by(shape[2]);
            let mean = of_channel().sum::<f64>() / places;
            let sd = (of_channel().map(|v| (v - mean).powi(2)).sum::<f64>() / places).sqrt();
            let max = of_channel().copied().fold(f64::MIN, f64::max);
            for (statistic, expected) in [mean, sd, max].into_iter().enumerate() {
                let found = f64::from(row.values()[statistic * shape[2] + channel]);
                assert!(
                    (found - expected).abs() < 2e-5,
                    "{name} {channel} {statistic}: {found} {expected}"
                );
            }
        }
    }
    // Place by place: one that has no neighbours but itself would be another.
    let mut fine = network("small.onnx");
    fine.taps = vec!["fine".to_owned()];
    let extraction = extraction(fine, size).unwrap();
    let rows = extraction.extract(&images(size, 1)).unwrap();
    let shape: [usize; 3] = serde_json::from_value(golden["fine"]["shape"].clone()).unwrap();
    assert_eq!(extraction.grid(), Some([shape[0], shape[1]]));
    let values: Vec<f64> = serde_json::from_value(golden["fine"]["values"].clone()).unwrap();
    let at = |y: usize, x: usize, c: usize| values[(y * shape[1] + x) * shape[2] + c];
    for c in 0..shape[2] {
        let around = (2..5).flat_map(|y| (3..6).map(move |x| (y, x)));
        let mean = around.map(|(y, x)| at(y, x, c)).sum::<f64>() / 9.0;
        let found = f64::from(rows.sample(3 * shape[1] + 4)[c]);
        assert!((found - mean).abs() < 2e-5, "{c}: {found} {mean}");
    }
}

#[test]
fn outputs_that_are_maps_are_found_and_the_finest_gives_the_places() {
    let extraction = extraction(network("small.onnx"), [33, 46, 3]).unwrap();
    assert_eq!(extraction.grid(), Some([9, 12]));
    assert_eq!(extraction.names().len(), 6 + 8);
    assert_eq!(extraction.names()[6], "coarse:0");
    let words = extraction.describe();
    assert_eq!(
        words,
        "14 features of each of 12 × 9 places (small.onnx, fine and coarse)"
    );
    // Grey is the same in all three colours.
    let grey = images([20, 24, 1], 2);
    let colour = grey.values().iter().flat_map(|v| [*v; 3]).collect();
    let colour = Features::new(FeatureShape::image(20, 24, 3), colour);
    let of = |images: &Features, channels| {
        let extraction = self::extraction(network("small.onnx"), [20, 24, channels]).unwrap();
        extraction.extract(images).unwrap()
    };
    assert_eq!(of(&grey, 1), of(&colour, 3));
}

#[test]
fn an_image_has_the_same_bits_alone_and_on_any_number_of_threads() {
    let size = [33, 46, 3];
    let extraction = extraction(network("small.onnx"), size).unwrap();
    let all = images(size, 7);
    let on = |threads| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| extraction.extract(&all).unwrap())
    };
    let one = on(1);
    assert!(one == on(2) && one == on(3));
    let each = extraction.places();
    for image in 0..7 {
        let alone = Features::new(all.shape().clone(), all.sample(image).to_vec());
        let alone = extraction.extract(&alone).unwrap();
        let size = one.shape().size();
        assert_eq!(
            alone.values(),
            &one.values()[image * each * size..][..each * size]
        );
    }
}

#[test]
fn what_is_no_network_of_places_is_refused_with_what_to_do() {
    let refused = |network: Onnx, size: [usize; 3]| {
        let error = extraction(network, size).unwrap_err();
        let hint = error
            .hint()
            .map(|hint| hint.to_string())
            .unwrap_or_default();
        format!("{error} ({hint})")
    };
    let small = || network("small.onnx");
    let any = [24, 24, 3];
    let mut unknown = small();
    unknown.taps = vec!["layer9".into()];
    let mut vector = small();
    vector.taps = vec!["class".into()];
    let mut mean = small();
    mean.mean = Some(vec![0.5]);
    let mut sd = small();
    sd.sd = Some(vec![0.2, 0.0, 0.2]);
    for (network, size, words) in [
        (
            network("vector.onnx"),
            any,
            ["`class` of [1, 3]", "docs/onnx.md"],
        ),
        (vector, any, ["`class` of [1, 5]", "docs/onnx.md"]),
        (unknown, any, ["`layer9`", "fine, coarse, class"]),
        (mean, any, ["`features.mean`", "three numbers"]),
        (sd, any, ["`features.sd`", "above 0"]),
        (
            network("fixed.onnx"),
            any,
            ["`image-size` is 24 × 24", "40 × 40"],
        ),
        (network("onnx.json"), any, ["onnx.json", "cannot be read"]),
        (network("none.onnx"), any, ["none.onnx", "read"]),
    ] {
        let text = refused(network, size);
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let fixed = network("fixed.onnx").open().unwrap();
    assert_eq!(
        FeatureConfig::Onnx(fixed.clone()).fixed_size(),
        Some([40, 40])
    );
    assert_eq!(
        extraction(fixed, [40, 40, 1]).unwrap().grid(),
        Some([10, 10])
    );
}

#[test]
fn networks_that_say_nothing_or_no_numbers_are_refused_at_fitting() {
    for (name, words) in [
        ("constant.onnx", "the same of every training image"),
        ("infinite.onnx", "not finite"),
    ] {
        let mut extraction = extraction(network(name), [12, 12, 3]).unwrap();
        let rows = extraction.extract(&images([12, 12, 3], 4)).unwrap();
        let error = extraction.fit(rows).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[test]
fn another_file_than_that_of_the_training_is_refused() {
    let known = network("small.onnx").open().unwrap();
    let mut other = network("fixed.onnx");
    other.sha256.clone_from(&known.sha256);
    let error = other.open().unwrap_err().to_string();
    assert!(
        error.contains("SHA-256") && error.contains("fixed.onnx"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(golden("small.onnx")).unwrap();
    let path = folder.path().join("damaged.onnx");
    let attempt = |bytes: &[u8]| -> Result<()> {
        std::fs::write(&path, bytes).unwrap();
        let network = Onnx::new(path.to_str().unwrap());
        let extraction = extraction(network, [16, 16, 3])?;
        extraction.extract(&images([16, 16, 3], 1)).map(drop)
    };
    attempt(&whole).unwrap();
    let mut refused = 0;
    for cut in (0..whole.len()).step_by(97) {
        refused += usize::from(attempt(&whole[..cut]).is_err());
    }
    assert!(refused * 10 > whole.len() / 97 * 9, "{refused}");
    // A flipped byte may be one of a weight; whatever it is, nothing panics.
    for at in (0..whole.len()).step_by(41) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        if let Err(error) = attempt(&bytes) {
            assert!(!matches!(error, Error::Io { .. }), "{error}");
        }
    }
}

#[test]
fn options_read_the_network_that_they_name() {
    let options = FeatureOptions {
        features: Some(golden("fixed.onnx").to_str().unwrap().to_owned()),
        ..FeatureOptions::default()
    };
    let Some(FeatureConfig::Onnx(network)) = options.config().unwrap() else {
        panic!("a network of a file");
    };
    assert_eq!((network.size, network.embed), (Some([40, 40]), true));
    assert_eq!(network.sha256.map(|digest| digest.len()), Some(64));
}
