//! What AnoGAN promises beyond the numbers of PyTorch: searches that do not feel each other, the
//! stop, restarts, and pyramids of every size.

use super::{
    search::{Progress, fingerprint},
    *,
};
use crate::backend::values;
use unlike_core::Features;

fn image(side: usize, channels: usize) -> FeatureShape {
    FeatureShape::Image {
        height: side,
        width: side,
        channels,
    }
}

/// Small networks for a shape, a few steps trained so that batch norm has seen something, with
/// searches of `steps` steps and the recommended stop, from random points.
fn trained(shape: &FeatureShape, steps: usize) -> Anogan {
    trained_to_start(shape, steps, Start::Random, 3)
}

/// The same, with searches that start there, after `updates` updates.
fn trained_to_start(shape: &FeatureShape, steps: usize, start: Start, updates: u64) -> Anogan {
    let kind = match shape {
        FeatureShape::Row { .. } => Kind::Table,
        FeatureShape::Image { .. } => Kind::Images,
    };
    let mut config = AnoganConfig::recommended(kind);
    config.latent = 6;
    config.spectral_norm = false;
    config.init = Init::Xavier;
    config.search.steps = steps;
    config.search.start = start;
    if kind == Kind::Images {
        config.networks = AnoganNetworks::Convolutional {
            width: 8,
            dense: 300,
        };
    }
    let device = Device::flex();
    let rng = &mut rng::rng(1, Purpose::Initialisation, 0);
    let mut anogan = config.build(shape, rng, &device).unwrap();
    update(&mut anogan, 0..updates);
    anogan
}

fn update(anogan: &mut Anogan, steps: std::ops::Range<u64>) {
    for step in steps {
        let len = 8;
        let batch = Batch {
            len,
            x: queries(&anogan.shape, len, step).values().to_vec(),
            x_other: Vec::new(),
            z: normals(&mut rng::rng(2, Purpose::Latent, step), len * 6),
            z_other: normals(&mut rng::rng(3, Purpose::Latent, step), len * 6),
        };
        let context = StepContext {
            step,
            seed: 0,
            learning_rate_scale: 1.0,
        };
        anogan.step(batch, &context).unwrap();
    }
}

fn queries(shape: &FeatureShape, count: usize, seed: u64) -> Features {
    let mut values = normals(&mut rng::rng(seed, Purpose::Order, 0), count * shape.size());
    // Some queries have less contrast than others, so that searches end at different steps.
    for (i, value) in values.iter_mut().enumerate() {
        let query = i / shape.size();
        *value = (*value * 0.1 * (1 + query % 7) as f32).tanh();
    }
    Features::new(shape.clone(), values)
}

fn bits(parts: &ScoreParts) -> Vec<Vec<u64>> {
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect();
    parts.iter().map(|(_, values)| bits(values)).collect()
}

#[test]
fn a_query_scores_alone_as_it_does_among_others() {
    for (shape, steps, start) in [
        (FeatureShape::Row { width: 9 }, 500, Start::Random),
        (FeatureShape::Row { width: 9 }, 60, Start::Nearest(50)),
        (FeatureShape::Row { width: 9 }, 60, Start::Encoder),
        (image(28, 1), 60, Start::Random),
        (image(16, 3), 60, Start::Random),
        (image(16, 3), 10, Start::Nearest(50)),
        (image(16, 3), 10, Start::Encoder),
    ] {
        let scorer = trained_to_start(&shape, steps, start, 3).scorer();
        let all = queries(&shape, 64, 9);
        let together = bits(&scorer.parts(&all).unwrap());
        let select = |positions: &[usize]| Features::new(shape.clone(), all.gather(positions));
        let batches: [&[usize]; 5] = [&[0], &[40], &[63, 5], &[7, 8, 9], &[50, 3, 3, 60, 21]];
        for positions in batches {
            let apart = bits(&scorer.parts(&select(positions)).unwrap());
            for (together, apart) in together.iter().zip(&apart) {
                let expected: Vec<u64> = positions.iter().map(|&p| together[p]).collect();
                assert_eq!(*apart, expected, "{shape:?}, {start:?}, {positions:?}");
            }
        }
    }
}

#[test]
fn the_stop_ends_searches_early_and_loses_little() {
    let shape = FeatureShape::Row { width: 9 };
    let anogan = trained(&shape, 500);
    let search = |plateau| {
        let search = SearchConfig {
            plateau,
            ..anogan.config.search.clone()
        };
        let scorer = anogan.scorer_with(search);
        let x = queries(&shape, 48, 9);
        let starts = vec![0.5; 48 * scorer.latent];
        scorer.descend(x.values(), starts).loss
    };
    let (full, stopped) = (search(None), search(anogan.config.search.plateau));
    let better = full.iter().zip(&stopped).filter(|(f, s)| f < s).count();
    assert!(better > 0, "no search ended early");
    for (full, stopped) in full.iter().zip(&stopped) {
        assert!(*full <= *stopped, "a longer search finds no less");
        assert!(
            *stopped < 1.2 * full,
            "stopped at {stopped}, {full} was near"
        );
    }
    let never = Plateau {
        patience: 1000,
        tolerance: 0.0,
    };
    assert_eq!(full, search(Some(never)), "a stop that never comes");
}

#[test]
fn the_loss_of_a_plateau_stops_after_its_patience() {
    let plateau = Plateau {
        patience: 3,
        tolerance: 0.1,
    };
    let run = |losses: &[f32]| {
        let mut progress = Progress::START;
        let goes_on = |&&loss: &&f32| progress.goes_on(loss, plateau);
        losses.iter().take_while(goes_on).count()
    };
    assert_eq!(run(&[1.0, 0.95, 0.92, 0.91, 0.5]), 3);
    assert_eq!(run(&[1.0, 0.95, 0.89, 0.88, 0.87, 0.86, 0.5]), 5);
    // A loss that is no number is no progress.
    assert_eq!(run(&[f32::NAN; 9]), 2);
}

#[test]
fn a_search_ends_at_the_best_point_and_restarts_only_improve_it() {
    let shape = FeatureShape::Row { width: 9 };
    let anogan = trained(&shape, 40);
    let queries = queries(&shape, 20, 9);
    let n = queries.len();
    let x = || tensor::<2>(queries.values().to_vec(), [n, 9], &Device::flex());
    let loss = |restarts, rate| {
        let scorer = anogan.scorer_with(SearchConfig {
            restarts,
            rates: vec![Rate {
                from: 0,
                learning_rate: rate,
            }],
            ..anogan.config.search.clone()
        });
        let f = scorer.features(x());
        values(scorer.loss(x(), f, scorer.search(queries.values())))
    };
    let (one, four) = (loss(1, 0.01), loss(4, 0.01));
    assert!(one.iter().zip(&four).all(|(one, four)| four <= one));
    assert!(one != four, "more starting points find better ones");
    // Steps that overshoot everything leave the starting point the best.
    let stays = |(wild, &loss): (f32, &f32)| wild.is_finite() && wild < 10.0 * loss;
    assert!(loss(1, 1e4).into_iter().zip(&one).all(stays));
}

#[test]
fn starting_points_come_from_the_seed_and_the_content() {
    let shape = FeatureShape::Row { width: 9 };
    let anogan = trained(&shape, 1);
    let all = queries(&shape, 3, 9);
    let parts = |seed| {
        let search = SearchConfig {
            seed,
            ..anogan.config.search.clone()
        };
        anogan.scorer_with(search).parts(&all).unwrap()
    };
    assert_eq!(bits(&parts(0)), bits(&parts(0)));
    assert_ne!(bits(&parts(0)), bits(&parts(1)));
    assert_ne!(fingerprint(&[1.0, 2.0]), fingerprint(&[2.0, 1.0]));
}

#[test]
fn searches_without_steps_end_where_they_start() {
    for shape in [FeatureShape::Row { width: 9 }, image(16, 3)] {
        let all = queries(&shape, 12, 9);
        let x = || tensor::<2>(all.values().to_vec(), [12, shape.size()], &Device::flex());
        let z = |anogan: &Anogan, restarts| {
            let scorer = anogan.scorer_with(SearchConfig {
                restarts,
                ..anogan.config.search.clone()
            });
            values(scorer.search(all.values()))
        };

        let anogan = trained_to_start(&shape, 0, Start::Encoder, 3);
        let encoder = scoring(&anogan.networks, &anogan.average).encoder.as_ref();
        let ex = values(encoder.unwrap().forward(x(), Pass::Score)); // [12, 6]
        assert_eq!(z(&anogan, 1), ex);
        assert!(ex.iter().all(|z| z.abs() <= REACH), "{ex:?}");

        let mut anogan = trained_to_start(&shape, 0, Start::Nearest(40), 3);
        // Without D the loss is the residual, so that a second start improves nothing.
        anogan.config.search.lambda = 0.0;
        let points = normals(&mut rng::rng(0, Purpose::Latent, 0), 40 * 6);
        let rows = tensor::<2>(points.clone(), [40, 6], &Device::flex());
        let generator = &scoring(&anogan.networks, &anogan.average).generator;
        let samples = values(generator.forward(rows, Pass::Score)); // [40, size]
        let nearest = all.values().chunks(shape.size()).flat_map(|query| {
            let residual = |sample: &[f32]| {
                let differences = query
                    .iter()
                    .zip(sample)
                    .map(|(a, b)| f64::from(a - b).abs());
                differences.sum::<f64>()
            };
            let residuals: Vec<f64> = samples.chunks(shape.size()).map(residual).collect();
            let order = |a: &usize, b: &usize| residuals[*a].total_cmp(&residuals[*b]);
            let best = (0..40).min_by(order).unwrap();
            points[best * 6..][..6].to_vec()
        });
        let nearest: Vec<f32> = nearest.collect();
        assert_eq!(z(&anogan, 1), nearest);
        assert_eq!(z(&anogan, 3), nearest);
    }
}

#[test]
fn better_starts_come_nearer_in_as_many_steps() {
    let shape = FeatureShape::Row { width: 9 };
    let all = queries(&shape, 200, 9);
    let residual = |start| {
        let scorer = trained_to_start(&shape, 20, start, 400).scorer();
        let parts = scorer.parts(&all).unwrap();
        let residuals = parts.get(RESIDUAL).unwrap();
        residuals.iter().sum::<f64>() / residuals.len() as f64
    };
    let random = residual(Start::Random);
    for start in [Start::Nearest(500), Start::Encoder] {
        let better = residual(start);
        assert!(
            better < 0.9 * random,
            "{start:?}: {better}, random: {random}"
        );
    }
}

#[test]
fn an_encoder_learns_and_changes_nothing_else() {
    for shape in [FeatureShape::Row { width: 9 }, image(16, 3)] {
        let arrays = |start, updates| {
            let anogan = trained_to_start(&shape, 1, start, updates);
            let mut arrays = Arrays::new();
            anogan.save(&mut arrays);
            arrays
        };
        let alone = arrays(Start::Random, 3);
        let (first, beside) = (arrays(Start::Encoder, 0), arrays(Start::Encoder, 3));
        for (name, array) in alone.iter() {
            assert_eq!(beside.any_shape(name).unwrap(), array, "{shape:?}, {name}");
        }
        let mut learned = 0;
        for (name, array) in beside.iter().filter(|(n, _)| n.contains("encoder")) {
            assert!(alone.any_shape(name).is_err());
            if name.starts_with("networks") {
                assert_ne!(first.any_shape(name).unwrap(), array, "{shape:?}, {name}");
                learned += 1;
            }
        }
        assert!(learned > 4, "{learned} arrays");
    }
}

#[test]
fn a_model_with_an_encoder_goes_on_and_scores_after_saving() {
    for shape in [FeatureShape::Row { width: 9 }, image(16, 3)] {
        let fresh = || trained_to_start(&shape, 5, Start::Encoder, 0);
        let saved = |anogan: &Anogan| {
            let mut arrays = Arrays::new();
            anogan.save(&mut arrays);
            arrays
        };
        let mut anogan = trained_to_start(&shape, 5, Start::Encoder, 2);
        let mut resumed = fresh();
        resumed.restore(&saved(&anogan)).unwrap();
        update(&mut resumed, 2..4);
        update(&mut anogan, 2..4);
        assert_eq!(saved(&resumed), saved(&anogan), "{shape:?}");

        let mut loaded = fresh();
        loaded.restore_scoring(&anogan.scorer().arrays()).unwrap();
        let all = queries(&shape, 5, 9);
        let parts = |anogan: &Anogan| bits(&anogan.scorer().parts(&all).unwrap());
        assert_eq!(parts(&loaded), parts(&anogan), "{shape:?}");
        let without = trained_to_start(&shape, 5, Start::Random, 2);
        assert!(fresh().restore_scoring(&without.scorer().arrays()).is_err());
    }
}

#[test]
fn scoring_changes_no_network_and_epochs_measure_few_samples() {
    let shape = FeatureShape::Row { width: 9 };
    let anogan = trained(&shape, MEASURED_STEPS + 50);
    let scorer = anogan.scorer();
    let before = scorer.arrays();
    let all = queries(&shape, MEASURED + 100, 9);
    scorer.parts(&all).unwrap();
    assert_eq!(scorer.arrays(), before);

    let (measuring, most) = anogan.measure();
    assert_eq!((measuring.arrays(), most), (before, MEASURED));
    let few = queries(&shape, 5, 9);
    let (short, whole) = (measuring.parts(&few).unwrap(), scorer.parts(&few).unwrap());
    assert_ne!(bits(&short), bits(&whole), "as thorough as scoring");
}

#[test]
fn contributions_are_the_distance_to_the_reconstruction() {
    for shape in [FeatureShape::Row { width: 9 }, image(16, 3)] {
        let scorer = trained(&shape, 5).scorer();
        let all = queries(&shape, 4, 9);
        let nearest = scorer.reconstructions(&all).unwrap().unwrap();
        let contributions = scorer.contributions(&all).unwrap();
        let residual = scorer.parts(&all).unwrap();
        for (i, &residual) in residual.get(RESIDUAL).unwrap().iter().enumerate() {
            let part = i * shape.size()..(i + 1) * shape.size();
            let distances = nearest[part.clone()].iter().zip(all.sample(i));
            let distances: Vec<f32> = distances.map(|(a, b)| (a - b).abs()).collect();
            assert_eq!(contributions[part], distances);
            let mean = distances.iter().sum::<f32>() / distances.len() as f32;
            assert!((f64::from(mean) - residual).abs() < 1e-5);
        }
        let generated = scorer.generated(3, 7).unwrap();
        assert_eq!(generated.len(), 3 * shape.size());
        assert_eq!(generated, scorer.generated(3, 7).unwrap());
        assert_ne!(generated, scorer.generated(3, 8).unwrap());
    }
}

#[test]
fn pyramids_fit_every_size_and_28_pixels_give_the_published_networks() {
    let build = |shape: &FeatureShape, width, dense| {
        let config = AnoganConfig {
            networks: AnoganNetworks::Convolutional { width, dense },
            ..AnoganConfig::paper(Kind::Images)
        };
        let rng = &mut rng::rng(0, Purpose::Initialisation, 0);
        config.build(shape, rng, &Device::flex())
    };
    for (side, channels) in [(28, 1), (32, 3), (64, 1), (128, 3), (256, 1)] {
        let shape = image(side, channels);
        let anogan = build(&shape, 1, 4).unwrap();
        let generated = anogan.scorer().generated(2, 0).unwrap();
        assert_eq!(generated.len(), 2 * shape.size(), "{side}");
        let x = tensor(generated, [2, shape.size()], &Device::flex());
        let (logit, f) = anogan.networks.discriminator.forward(x, Pass::Score);
        assert_eq!((logit.dims(), f.dims()), ([2, 1], [2, 4]), "{side}");
    }

    let arrays = build(&image(28, 1), 64, 1024).unwrap().scorer().arrays();
    let shapes: Vec<(&str, &[usize])> = arrays
        .iter()
        .filter(|(name, _)| name.ends_with("weight"))
        .map(|(name, array)| (name, array.shape.as_slice()))
        .collect();
    let expected: [(&str, &[usize]); 8] = [
        ("discriminator.dense.0.weight", &[7 * 7 * 64, 1024]),
        ("discriminator.down.0.weight", &[4, 4, 1, 64]),
        ("discriminator.down.1.weight", &[4, 4, 64, 64]),
        ("discriminator.logit.weight", &[1024, 1]),
        ("generator.dense.0.weight", &[200, 1024]),
        ("generator.dense.1.weight", &[1024, 7 * 7 * 128]),
        ("generator.up.0.weight", &[4, 4, 128, 64]),
        ("generator.up.1.weight", &[4, 4, 64, 1]),
    ];
    assert_eq!(shapes, expected);

    let wide = FeatureShape::Image {
        height: 28,
        width: 32,
        channels: 1,
    };
    for shape in [image(30, 1), image(7, 1), image(512, 1), wide] {
        let error = build(&shape, 1, 4).unwrap_err();
        assert!(error.hint().unwrap().contains("`image-size`"), "{shape:?}");
    }
}

#[test]
fn settings_outside_their_range_are_named() {
    type Change<'a> = dyn Fn(&mut AnoganConfig) + 'a;
    let table = FeatureShape::Row { width: 9 };
    let refused = |shape: &FeatureShape, change: &Change<'_>| {
        let mut config = AnoganConfig::recommended(Kind::Table);
        change(&mut config);
        let rng = &mut rng::rng(0, Purpose::Initialisation, 0);
        let built = config.build(shape, rng, &Device::flex());
        built.map(|_| ()).unwrap_err().to_string()
    };
    let rate = |from| Rate {
        from,
        learning_rate: 0.1,
    };
    let changes: [(&str, &Change<'_>); 11] = [
        ("`latent`", &|c| c.latent = 0),
        ("`search.lambda`", &|c| c.search.lambda = 1.5),
        ("`search.restarts`", &|c| c.search.restarts = 0),
        ("`search.start.nearest`", &|c| {
            c.search.start = Start::Nearest(1);
            c.search.restarts = 2;
        }),
        ("`search.start.nearest`", &|c| {
            c.search.start = Start::Nearest(usize::MAX);
        }),
        ("`search.rates`", &|c| c.search.rates.clear()),
        ("`search.rates`", &|c| c.search.rates = vec![rate(1)]),
        ("`search.rates`", &|c| {
            c.search.rates = vec![rate(0), rate(0)]
        }),
        ("`search.rates.learning_rate`", &|c| {
            c.search.rates[0].learning_rate = f32::NAN
        }),
        ("`search.plateau.patience`", &|c| {
            c.search.plateau = Some(Plateau {
                patience: 0,
                tolerance: 0.1,
            });
        }),
        ("`search.plateau.tolerance`", &|c| {
            c.search.plateau = Some(Plateau {
                patience: 1,
                tolerance: 1.0,
            });
        }),
    ];
    for (name, change) in changes {
        let message = refused(&table, change);
        assert!(message.starts_with(name), "{message}");
    }
    let message = refused(&image(28, 1), &|_| {});
    assert_eq!(
        message,
        "images; expected a table: these layers are `dense`"
    );
}
