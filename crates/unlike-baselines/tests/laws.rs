//! The laws of `unlike_core::detector`, for every baseline.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unlike_baselines::{
    Aggregate, Ecod, EcodConfig, Iforest, IforestConfig, Knn, KnnConfig, Pca, PcaConfig,
};
use unlike_core::{Arrays, FeatureShape, Features, ImageShape, Result, Scorer};

type Fit = Box<dyn Fn(&Features, u64) -> Result<Box<dyn Scorer>>>;
type Load = Box<dyn Fn(&Arrays) -> Result<Box<dyn Scorer>>>;

/// A baseline with its settings.
struct Baseline {
    name: &'static str,
    fit: Fit,
    load: Load,
}

macro_rules! baseline {
    ($name:literal, $model:ident, $config:expr) => {{
        let (config, again) = ($config, $config);
        Baseline {
            name: $name,
            fit: Box::new(move |features, seed| Ok(Box::new(config.fit(features, seed)?))),
            load: Box::new(move |arrays| Ok(Box::new($model::from_arrays(&again, arrays)?))),
        }
    }};
}

fn baselines() -> Vec<Baseline> {
    vec![
        baseline!("pca", Pca, PcaConfig::default()),
        baseline!(
            "pca 3",
            Pca,
            PcaConfig {
                components: Some(3),
                ..Default::default()
            }
        ),
        baseline!("knn", Knn, KnnConfig::default()),
        baseline!(
            "knn mean",
            Knn,
            KnnConfig {
                k: 3,
                aggregate: Aggregate::Mean,
                references: 100
            }
        ),
        baseline!("iforest", Iforest, IforestConfig::default()),
        baseline!("ecod", Ecod, EcodConfig { references: 200 }),
    ]
}

fn row(width: usize) -> FeatureShape {
    FeatureShape::Row { width }
}

/// Samples near a plane of three dimensions, with repeated rows and a constant feature.
fn samples(shape: FeatureShape, count: usize, seed: u64) -> Features {
    let width = shape.size();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values: Vec<f32> = Vec::with_capacity(count * width);
    for at in 0..count {
        if at % 7 == 3 {
            values.extend_from_within((at - 1) * width..at * width);
            continue;
        }
        let latent: [f32; 3] = rng.random();
        values.extend((0..width).map(|i| match i {
            0 => 0.25,
            _ => latent[i % 3] * (1.0 + i as f32 * 0.1) + 0.02 * rng.random::<f32>(),
        }));
    }
    Features::new(shape, values)
}

/// Every number that a scorer gives, as bits.
fn bits(scorer: &dyn Scorer, features: &Features) -> (Vec<(String, Vec<u32>)>, Vec<u32>) {
    let parts = scorer.parts(features).unwrap();
    let parts = parts
        .iter()
        .map(|(name, scores)| {
            (
                name.to_owned(),
                scores.iter().map(|s| s.to_bits()).collect(),
            )
        })
        .collect();
    let contributions = scorer.contributions(features).unwrap();
    (parts, contributions.iter().map(|c| c.to_bits()).collect())
}

fn score(scorer: &dyn Scorer, features: &Features) -> Vec<f32> {
    scorer
        .parts(features)
        .unwrap()
        .iter()
        .next()
        .unwrap()
        .1
        .to_vec()
}

#[test]
fn a_score_depends_on_nothing_but_the_sample() {
    let image = FeatureShape::Image(ImageShape {
        height: 6,
        width: 5,
        channels: 3,
    });
    for shape in [row(13), image] {
        let training = samples(shape.clone(), 400, 1);
        let queries = samples(shape.clone(), 301, 2);
        let reversed: Vec<usize> = (0..queries.len()).rev().collect();
        let reversed = Features::new(shape.clone(), queries.gather(&reversed));
        for Baseline { name, fit, .. } in baselines() {
            let scorer = fit(&training, 5).unwrap();
            let (parts, contributions) = bits(&*scorer, &queries);
            assert_eq!(contributions.len(), queries.values().len(), "{name}");
            let (mut backwards, _) = bits(&*scorer, &reversed);
            backwards
                .iter_mut()
                .for_each(|(_, scores)| scores.reverse());
            assert_eq!(backwards, parts, "{name}");
            for size in [1, 2, 7, 64] {
                let mut alone = (vec![vec![]; parts.len()], vec![]);
                for values in queries.values().chunks(size * shape.size()) {
                    let batch = Features::new(shape.clone(), values.to_vec());
                    let (of_batch, contributions) = bits(&*scorer, &batch);
                    for (all, (_, scores)) in alone.0.iter_mut().zip(of_batch) {
                        all.extend(scores);
                    }
                    alone.1.extend(contributions);
                }
                for (alone, (part, together)) in alone.0.iter().zip(&parts) {
                    assert!(alone == together, "{name}, {part}, batches of {size}");
                }
                assert_eq!(alone.1, contributions, "{name}, batches of {size}");
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let training = samples(row(140), 2500, 1);
    let queries = samples(row(140), 300, 2);
    let on_threads = |count| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .build()
            .unwrap();
        pool.install(|| {
            let results = baselines().into_iter().map(|baseline| {
                let scorer = (baseline.fit)(&training, 9).unwrap();
                (scorer.arrays(), bits(&*scorer, &queries))
            });
            results.collect::<Vec<_>>()
        })
    };
    assert!(on_threads(1) == on_threads(4));
}

#[test]
fn the_seed_decides_what_is_drawn() {
    let training = samples(row(13), 400, 1);
    for Baseline { name, fit, .. } in baselines() {
        let arrays = |seed| fit(&training, seed).unwrap().arrays();
        // PCA uses all of this training set, and so does kNN with its default of 5,000.
        let draws = !matches!(name, "pca" | "pca 3" | "knn");
        assert_eq!(arrays(1) != arrays(2), draws, "{name}");
    }
}

#[test]
fn loading_changes_no_bit() {
    let image = FeatureShape::Image(ImageShape {
        height: 6,
        width: 5,
        channels: 3,
    });
    for shape in [row(13), image] {
        let training = samples(shape.clone(), 400, 1);
        let queries = samples(shape, 50, 2);
        for Baseline { name, fit, load } in baselines() {
            let fitted = fit(&training, 5).unwrap();
            let loaded = load(&fitted.arrays()).unwrap();
            assert_eq!(bits(&*loaded, &queries), bits(&*fitted, &queries), "{name}");
            assert_eq!(loaded.arrays(), fitted.arrays(), "{name}");
        }
    }
}

#[test]
fn an_anomaly_scores_above_every_normal() {
    let training = samples(row(13), 400, 1);
    let normals = samples(row(13), 200, 2);
    let values = (0..13)
        .map(|i| if i % 2 == 0 { 40.0 } else { -40.0 })
        .collect();
    let anomaly = Features::new(row(13), values);
    for Baseline { name, fit, .. } in baselines() {
        let scorer = fit(&training, 5).unwrap();
        let scores = score(&*scorer, &normals);
        assert!(scores.iter().all(|score| score.is_finite()), "{name}");
        let highest = scores.into_iter().fold(0.0, f32::max);
        let found = score(&*scorer, &anomaly)[0];
        assert!(found > highest, "{name}: {found}, normals up to {highest}");
    }
}

#[test]
fn the_feature_that_departs_contributes_most() {
    let training = samples(row(13), 400, 1);
    let normals = samples(row(13), 200, 2);
    for Baseline { name, fit, .. } in baselines() {
        let scorer = fit(&training, 5).unwrap();
        assert!(
            contributions_of(&*scorer, &normals)
                .iter()
                .all(|c| *c >= 0.0),
            "{name}"
        );
        for feature in [1, 5, 12] {
            let mut values = normals.sample(0).to_vec();
            values[feature] = 40.0;
            let anomaly = Features::new(row(13), values);
            let contributions = contributions_of(&*scorer, &anomaly);
            assert!(contributions.iter().all(|c| c.is_finite()), "{name}");
            let largest = contributions.iter().copied().fold(0.0, f64::max);
            assert_eq!(contributions[feature], largest, "{name}: {contributions:?}");
        }
    }
}

fn contributions_of(scorer: &dyn Scorer, features: &Features) -> Vec<f64> {
    scorer
        .contributions(features)
        .unwrap()
        .into_iter()
        .map(f64::from)
        .collect()
}

#[test]
fn few_or_equal_training_samples_are_enough() {
    let image = FeatureShape::Image(ImageShape {
        height: 3,
        width: 3,
        channels: 1,
    });
    let queries = samples(row(9), 20, 2);
    for (count, equal) in [(1, false), (2, false), (3, false), (3, true), (600, true)] {
        let mut training = samples(row(9), count, 1);
        if equal {
            training = Features::new(row(9), training.sample(0).repeat(count));
        }
        for Baseline { name, fit, load } in baselines() {
            let fitted = fit(&training, 0).unwrap();
            let scores = score(&*fitted, &queries);
            assert!(
                scores.iter().all(|s| s.is_finite()),
                "{name} from {count}: {scores:?}"
            );
            assert!(
                contributions_of(&*fitted, &queries)
                    .iter()
                    .all(|c| c.is_finite()),
                "{name}"
            );
            let loaded = load(&fitted.arrays()).unwrap();
            assert_eq!(
                bits(&*loaded, &queries),
                bits(&*fitted, &queries),
                "{name} from {count}"
            );
            let as_image = Features::new(image.clone(), queries.values().to_vec());
            assert!(fitted.parts(&as_image).is_err(), "{name}");
        }
    }
}

#[test]
fn bad_input_is_an_error_that_names_its_place() {
    let training = samples(row(13), 50, 1);
    let mut broken = training.values().to_vec();
    broken[13 * 4 + 2] = f32::INFINITY;
    let broken = Features::new(row(13), broken);
    let place = "a feature is not finite, sample 5 of 50, feature 3 of 13";
    for Baseline { name, fit, .. } in baselines() {
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(message(fit(&broken, 0).map(drop)), place, "{name}");
        let empty = Features::new(row(13), vec![]);
        assert_eq!(
            message(fit(&empty, 0).map(drop)),
            "training samples: none; expected at least 1",
            "{name}"
        );
        let scorer = fit(&training, 0).unwrap();
        assert_eq!(message(scorer.parts(&broken).map(drop)), place, "{name}");
        assert_eq!(
            message(scorer.contributions(&broken).map(drop)),
            place,
            "{name}"
        );
        let narrow = samples(row(12), 5, 1);
        let expected = "rows of 12 features; expected rows of 13 features, as in training";
        assert_eq!(message(scorer.parts(&narrow).map(drop)), expected, "{name}");
        assert_eq!(
            message(scorer.contributions(&narrow).map(drop)),
            expected,
            "{name}"
        );
        assert!(score(&*scorer, &empty).is_empty(), "{name}");
        assert!(scorer.contributions(&empty).unwrap().is_empty(), "{name}");
    }
}

/// Arrays in which one has changed: each either is refused, or scores without a panic.
#[test]
fn damaged_arrays_are_refused_or_harmless() {
    let training = samples(row(5), 40, 1);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for Baseline { name, fit, load } in baselines() {
        let arrays = fit(&training, 0).unwrap().arrays();
        let names: Vec<String> = arrays.iter().map(|(name, _)| name.to_owned()).collect();
        for damaged_name in &names {
            let mut missing = Arrays::new();
            for (other, array) in arrays.iter().filter(|(other, _)| other != damaged_name) {
                missing.insert(other, &array.shape, array.values.clone());
            }
            assert!(load(&missing).is_err(), "{name} without {damaged_name}");
            let array = arrays.any_shape(damaged_name).unwrap();
            let mut longer = array.values.clone();
            longer.push(0.0);
            let mut other_shape = missing.clone();
            other_shape.insert(damaged_name, &[longer.len()], longer);
            assert!(load(&other_shape).is_err(), "{name}, longer {damaged_name}");
            for _ in 0..40 {
                let mut values = array.values.clone();
                let at = rng.random_range(0..values.len());
                let choices = [
                    f32::NAN,
                    -1.0,
                    0.0,
                    1.0,
                    1e30,
                    rng.random_range(0..64) as f32,
                ];
                values[at] = choices[rng.random_range(0..choices.len())];
                let mut damaged = missing.clone();
                damaged.insert(damaged_name, &array.shape, values);
                if let Ok(scorer) = load(&damaged)
                    && let Ok(parts) = scorer.parts(&training)
                {
                    assert_eq!(parts.len(), 40, "{name} {damaged_name}");
                    scorer.contributions(&training).unwrap();
                }
            }
        }
    }
}

#[test]
fn configurations_have_defaults_and_refuse_unknown_settings() {
    assert_eq!(
        serde_json::from_str::<PcaConfig>("{}").unwrap(),
        PcaConfig::default()
    );
    assert_eq!(
        serde_json::from_str::<KnnConfig>("{}").unwrap(),
        KnnConfig::default()
    );
    assert_eq!(
        serde_json::from_str::<IforestConfig>("{}").unwrap(),
        IforestConfig::default()
    );
    assert_eq!(
        serde_json::from_str::<EcodConfig>("{}").unwrap(),
        EcodConfig::default()
    );
    let config: PcaConfig = serde_json::from_str(r#"{ "components": 10 }"#).unwrap();
    assert_eq!((config.components, config.variance_share), (Some(10), 0.95));
    let config: KnnConfig = serde_json::from_str(r#"{ "aggregate": "mean", "k": 3 }"#).unwrap();
    assert_eq!((config.aggregate, config.k), (Aggregate::Mean, 3));
    let unknown = r#"{ "neighbours": 3 }"#;
    assert!(serde_json::from_str::<PcaConfig>(unknown).is_err());
    assert!(serde_json::from_str::<KnnConfig>(unknown).is_err());
    assert!(serde_json::from_str::<IforestConfig>(unknown).is_err());
    assert!(serde_json::from_str::<EcodConfig>(unknown).is_err());
}
