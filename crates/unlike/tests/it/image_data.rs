//! Images through training, saving and explaining, with the baselines.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike::{
    Detector, Explanations, Model, RunOptions, Samples, TrainConfig,
    core::{Images, conformance},
    fit,
    models::Kind,
    train::{Silent, with_threads},
};

const SIDE: usize = 6;
const BASELINES: [&str; 4] = ["pca", "knn", "iforest", "ecod"];

/// Slopes of random steepness with some noise, in colour; black at the left border.
fn images(count: usize, seed: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bytes = Vec::new();
    for _ in 0..count {
        let steepness: f64 = rng.random_range(20.0..40.0);
        for place in 0..SIDE * SIDE * 3 {
            let x = place / 3 % SIDE;
            let noise = rng.random_range(0.0..20.0);
            bytes.push(if x == 0 {
                0
            } else {
                (steepness * x as f64 + noise) as u8
            });
        }
    }
    bytes
}

fn samples(bytes: Vec<u8>) -> Samples {
    let count = bytes.len() / (SIDE * SIDE * 3);
    let ids = (0..count).map(|i| format!("{i}.png")).collect();
    Samples::Images(Images::from_bytes("slopes", [SIDE, SIDE, 3], bytes, ids).unwrap())
}

fn trained(name: &str) -> Model {
    let config = TrainConfig::recommended_for(name, Kind::Images, 200).unwrap();
    let normals = samples(images(200, 1));
    fit(&config, &normals, &RunOptions::default(), &mut Silent).unwrap()
}

#[test]
fn baselines_keep_the_laws_on_images_and_survive_saving() {
    let folder = tempfile::tempdir().unwrap();
    let some = samples(images(40, 2));
    for name in BASELINES {
        let model = trained(name);
        let violations = conformance::check(&model, &some);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
        let path = folder.path().join(name);
        model.save(&path).unwrap();
        let violations = conformance::check_same(&model, &Model::load(&path).unwrap(), &some);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn threads_change_no_bit_of_a_model_of_images() {
    let folder = tempfile::tempdir().unwrap();
    for name in BASELINES {
        let on = |threads| {
            let path = folder.path().join(format!("{name}-{threads}"));
            with_threads(threads, || trained(name).save(&path).unwrap()).unwrap();
            std::fs::read(path).unwrap()
        };
        let one = on(1);
        assert!(one == on(2) && one == on(3), "{name}");
    }
}

#[test]
fn a_map_has_one_unit_for_pixels_that_vary_and_pixels_that_never_do() {
    let model = trained("pca");
    let mut bytes = images(1, 3);
    let pixel = 2 * SIDE;
    bytes[3 * pixel..3 * (pixel + 1)].fill(128);
    let samples = samples(bytes);
    let maps = model.explain(&samples).unwrap();
    let Explanations::Maps {
        height,
        width,
        values,
    } = maps
    else {
        panic!("maps of images");
    };
    assert_eq!((height, width, values.len()), (SIDE, SIDE, SIDE * SIDE));
    let highest = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
    assert_eq!(highest, Some(pixel));
    // At black borders, which normals have too, the unit must not be next to nothing.
    let Samples::Images(images) = &samples else {
        unreachable!("these are images");
    };
    let rebuilt = model.reconstructions(&samples).unwrap().unwrap();
    let (x, x_hat) = (images.pixels().unwrap(), rebuilt.pixels().unwrap());
    let squared: Vec<f32> = x.iter().zip(&x_hat).map(|(a, b)| (a - b).powi(2)).collect();
    let squared: Vec<f32> = squared
        .chunks(3)
        .map(|c| c.iter().sum::<f32>() / 3.0)
        .collect();
    let unit = values[pixel] / squared[pixel];
    let mut compared = 0;
    for (value, squared) in values.iter().zip(squared).filter(|(_, s)| *s > 1e-4) {
        assert!(
            (value / squared / unit - 1.0).abs() < 0.01,
            "{value} {squared}"
        );
        compared += 1;
    }
    assert!(compared > 3, "{compared}");
}
