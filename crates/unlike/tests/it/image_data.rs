//! Images through training, saving and explaining, with the baselines.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike::{
    Detector, Error, Explanations, Model, RunOptions, Samples, TrainConfig,
    core::{ImageSource, Images, conformance},
    fit,
    models::Kind,
    train::{EpochReport, Flow, Observer, Plan, Silent, StepReport, with_threads},
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
fn a_map_is_in_units_of_what_normals_do_at_the_same_place() {
    let model = trained("pca").with_score("map").unwrap();
    let mut bytes = images(1, 3);
    let pixel = 2 * SIDE;
    bytes[3 * pixel..3 * (pixel + 1)].fill(128);
    let samples = samples(bytes);
    let maps = model.explain(&samples).unwrap();
    let Explanations::Maps {
        height,
        width,
        mut values,
    } = maps
    else {
        panic!("maps of images");
    };
    assert_eq!((height, width, values.len()), (SIDE, SIDE, SIDE * SIDE));
    assert!(values.iter().all(|v| v.is_finite() && *v >= 0.0));
    // A pixel is the mean of its neighbours: the highest is one of those of the changed one.
    let highest = (0..values.len())
        .max_by(|&a, &b| values[a].total_cmp(&values[b]))
        .unwrap();
    assert!(
        highest.abs_diff(pixel) % SIDE <= 1 && (highest / SIDE).abs_diff(2) <= 1,
        "{highest}"
    );
    // The score is the mean of the highest places, of which there are five at least.
    values.sort_by(|a, b| b.total_cmp(a));
    let expected = values[..5].iter().map(|&v| f64::from(v)).sum::<f64>() / 5.0;
    let score = model.score(&samples).unwrap()[0];
    assert!(
        (score - expected).abs() < 1e-5 * expected,
        "{score} {expected}"
    );
}

/// Counts how often an image is made.
#[derive(Debug, Default)]
struct Counting {
    made: AtomicUsize,
    knows_digests: bool,
}

impl ImageSource for Counting {
    fn write(&self, image: usize, out: &mut [f32]) -> unlike::Result<()> {
        self.made.fetch_add(1, Ordering::SeqCst);
        let wave = |i: usize| (0.1 * i as f32 + 0.7 * image as f32).sin();
        out.iter_mut().enumerate().for_each(|(i, v)| *v = wave(i));
        Ok(())
    }

    fn digest(&self, image: usize) -> Option<[u8; 32]> {
        self.knows_digests.then_some([image as u8; 32])
    }
}

/// Looks at what was made when training begins, and then has seen enough.
struct Beginning {
    source: Arc<Counting>,
    made: Option<usize>,
}

impl Observer for Beginning {
    fn started(&mut self, _: &Plan, _: &[EpochReport]) {
        self.made = Some(self.source.made.load(Ordering::SeqCst));
    }

    fn step(&mut self, _: &StepReport<'_>) -> Flow {
        Flow::Interrupt
    }
}

#[test]
fn no_image_is_made_twice_before_training_begins() {
    for (knows_digests, expected) in [(false, 200), (true, 0)] {
        let source = Arc::new(Counting {
            knows_digests,
            ..Counting::default()
        });
        let ids = (0..200).map(|i| i.to_string()).collect();
        let images = Images::from_source("waves", [16, 16, 1], source.clone(), ids).unwrap();
        let config = crate::images::config("ganomaly", 200, 1);
        let mut beginning = Beginning { source, made: None };
        let options = RunOptions::default();
        let ended = fit(&config, &Samples::Images(images), &options, &mut beginning);
        assert!(matches!(ended, Err(Error::Interrupted)));
        assert_eq!(beginning.made, Some(expected), "{knows_digests}");
    }
}
