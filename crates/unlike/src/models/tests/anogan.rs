//! AnoGAN beside PyTorch, the numbers of `tests/golden/anogan/export.py`, and what it promises beyond:
//! searches that do not feel each other, the stop, restarts, seeds, and pyramids of every size.

use unlike_core::{FeatureShape, Features, Scorer};

use super::{assert_alone_as_among, bits, context, fresh, loaded, rows, samples, scorer};
use crate::{
    backend::{Tensor, values},
    method::{Batch, Method, NetworkScorer, Parts, Playing, Reduction, Settings, Trainee},
    models::{
        Kind,
        anogan::{Anogan, AnoganNetworks, Discrimination, Start},
        tests::golden::{Golden, assert_close, score_of},
    },
    nn::{AdamConfig, Descent, Init, Moving, Pass, Plateau, Trained},
    rng::{self, Purpose, normals},
    settings::{Count, Fraction, Share, Width, Widths},
};

const BATCH: usize = 6;
const STEPS: usize = 5;
const QUERIES: usize = 7;
const SEARCH_STEPS: usize = 20;
const BYTES: &[u8] = include_bytes!("../../../tests/golden/anogan/anogan.safetensors");
const VARIANTS: [&str; 4] = ["table", "table-spectral", "image", "image-spectral"];
const SEARCHES: [(&str, Discrimination); 2] = [
    ("feature-matching", Discrimination::FeatureMatching),
    ("cross-entropy", Discrimination::CrossEntropy),
];

fn networks(width: Option<usize>, [g, d]: [&[usize]; 2]) -> AnoganNetworks {
    AnoganNetworks {
        width: width.map(Width::of),
        generator: Widths::of(g),
        discriminator: Widths::of(d),
    }
}

fn small(variant: &str) -> (Golden, Playing<Anogan>) {
    let (kind, latent, networks, shape) = match variant.starts_with("image") {
        false => {
            let networks = networks(None, [&[6, 8], &[9, 8, 5]]);
            (Kind::Table, 3, networks, FeatureShape::row(7))
        }
        true => {
            let networks = networks(Some(3), [&[10], &[10]]);
            (Kind::Images, 4, networks, FeatureShape::image(28, 28, 1))
        }
    };
    let mut anogan = Anogan {
        latent: Width::of(latent),
        dropout: Share::of(0.0),
        spectral_norm: variant.ends_with("spectral"),
        reduction: Reduction::Mean,
        networks,
        ..Anogan::paper(kind)
    };
    anogan.search.start = Start::Encoder;
    anogan.search.descent = Descent::new(500, &[(0, 0.05)]);
    anogan.training.adam = AdamConfig::gan(1e-3);
    anogan.training.ema = Share::of(0.9);
    let golden = Golden::load(BYTES, variant);
    let playing = golden.playing(&anogan, &shape);
    (golden, playing)
}

#[test]
fn every_network_gives_what_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, playing) = small(variant);
        let (size, latent) = (playing.nets.shape().size(), playing.latent());
        let x = golden.rows("x", 0, [BATCH, size]);
        let z = golden.rows("z", 0, [BATCH, latent]);
        let [g, d, e] = playing.nets.all();
        golden.assert_output("generated", g.apply(z, Pass::Score), 1e-5);
        let [logit, features] = d.forward([x.clone()], Pass::Score);
        golden.assert_output("logit", logit, 1e-5);
        golden.assert_output("features", features, 1e-5);
        golden.assert_output("encoded", e.apply(x, Pass::Score), 1e-5);
    }
}

#[test]
fn gradients_are_those_that_pytorch_gives_and_reach_only_their_network() {
    for variant in VARIANTS {
        let (golden, playing) = small(variant);
        let (size, latent) = (playing.nets.shape().size(), playing.latent());
        let x = || golden.rows("x", 0, [BATCH, size]);
        let z = |which| golden.rows("z", which, [BATCH, latent]);
        // In this order, which moves D's singular vectors.
        let (d, _) = Anogan::discriminator_loss(&playing.nets, [x(), z(0)], [0; 2]);
        let g = Anogan::generator_loss(&playing.nets, z(1), 0);
        let e = Anogan::encoder_loss(&playing.nets, x());
        let losses = [&d, &g, &e].map(|loss| (&playing, loss));
        golden.assert_gradients::<_, 3>(&losses, 1e-4);
    }
}

#[test]
fn five_steps_have_the_losses_and_movements_that_pytorch_gives() {
    for variant in VARIANTS {
        let (golden, mut playing) = small(variant);
        let (size, latent) = (playing.nets.shape().size(), playing.latent());
        let losses = golden.get("losses");
        assert_eq!(losses.len(), 3 * STEPS);
        for (step, theirs) in losses.chunks(3).enumerate() {
            let batch = Batch {
                len: BATCH,
                x: golden.batch("x", step, [BATCH, size]).to_vec(),
                x_other: Vec::new(),
                z: golden.batch("z", 2 * step, [BATCH, latent]).to_vec(),
                z_other: golden.batch("z", 2 * step + 1, [BATCH, latent]).to_vec(),
            };
            let ours = playing.step(batch, &context(step as u64, 5)).unwrap();
            for (name, &theirs) in ["discriminator", "generator", "encoder"].iter().zip(theirs) {
                let what = format!("step {step}, {name}");
                golden.assert_number(&what, ours.get(name).unwrap(), theirs, 5e-5);
            }
        }
        golden.assert_trained(&playing, 5e-4);
    }
}

/// The fixture's averages as trained networks, and the settings.
fn averages(variant: &str) -> (Golden, Anogan, Trained) {
    let (golden, playing) = small(variant);
    let (anogan, shape) = (playing.method, playing.nets.shape().clone());
    let plans = anogan.plans(&shape).unwrap();
    let device = playing.nets.device();
    let nets = Trained::load(plans, &shape, &golden.under("average"), device).unwrap();
    (golden, anogan, nets)
}

#[test]
fn a_search_has_the_losses_points_and_scores_that_pytorch_gives() {
    for variant in VARIANTS {
        for (name, discrimination) in SEARCHES {
            let (golden, mut anogan, nets) = averages(variant);
            anogan.search.discrimination = discrimination;
            let (size, latent) = (nets.shape().size(), anogan.latent.get());
            let what = |step: usize| format!("{variant}, {name}, step {step}");
            let get = |what: &str| golden.get(&format!("{name}.{what}"));
            let x = || golden.rows("query", 0, [QUERIES, size]);
            let start = golden.get("start");
            let f = nets.all::<3>()[1].tap("f", [x()], Pass::Score);
            let searcher = anogan.searcher(&nets);
            let loss = |[x, f]: [Tensor<2>; 2], z| searcher.loss(x, f, z);
            let mut moving = Moving::new([x(), f], rows(start, latent));
            let movement = |z: &[f32]| -> Vec<f32> {
                z.iter().zip(start).map(|(z, start)| z - start).collect()
            };
            for step in 0..=SEARCH_STEPS {
                if [5, 20].contains(&step) {
                    let ours = movement(&values(moving.z.clone()));
                    let theirs = movement(get(&format!("z_{step}")));
                    assert_close(&what(step), &ours, &theirs, 1e-3);
                }
                let losses = moving.step(&anogan.search.descent.rates, &loss);
                if [1, 5, 20].contains(&step) {
                    assert_close(&what(step), &losses, get(&format!("loss_{step}")), 1e-4);
                }
            }

            let wanted = ["residual", "discrimination", "cross_entropy"];
            let parts_at = |anogan: &Anogan| {
                let mut parts = Parts::new(&wanted, false);
                anogan.parts_at(&nets, x(), rows(get("z_20"), latent), &mut parts);
                parts.into_parts()
            };
            let found = parts_at(&anogan);
            assert_eq!(found.len(), wanted.len());
            for (part, ours) in found {
                let what = format!("{variant}, {name}, {part}");
                assert_close(&what, &ours, get(&format!("part.{part}")), 1e-4);
            }
            // The paper's score is over sums.
            let mut sums = anogan.clone();
            sums.reduction = Reduction::Sum;
            let parts = parts_at(&sums)
                .into_iter()
                .map(|(name, v)| (name.to_owned(), v))
                .collect();
            let ours = score_of(&sums, "paper", &unlike_core::ScoreParts::new(parts));
            assert_close(
                &format!("{variant}, {name}, paper"),
                &ours,
                get("paper_score"),
                1e-4,
            );
        }
    }
}

fn image(side: usize, channels: usize) -> FeatureShape {
    FeatureShape::image(side, side, channels)
}

/// Settings of small networks for a shape, with searches of `steps` steps from there and the
/// recommended stop.
fn settings(shape: &FeatureShape, steps: usize, start: Start) -> Anogan {
    let kind = match shape {
        FeatureShape::Image(_) => Kind::Images,
        _ => Kind::Table,
    };
    let mut anogan = Anogan {
        latent: Width::of(6),
        spectral_norm: false,
        ..Anogan::recommended(kind)
    };
    anogan.training.init = Init::Xavier {};
    anogan.search.descent.steps = steps;
    anogan.search.start = start;
    if kind == Kind::Images {
        anogan.networks = networks(Some(8), [&[300], &[300]]);
    }
    anogan
}

/// The same after `updates` updates, so that batch norm has seen something.
fn trained(shape: &FeatureShape, steps: usize, start: Start, updates: u64) -> Playing<Anogan> {
    let mut playing = fresh(&settings(shape, steps, start), shape).unwrap();
    update(&mut playing, 0..updates);
    playing
}

fn update(playing: &mut Playing<Anogan>, steps: std::ops::Range<u64>) {
    for step in steps {
        let len = 8;
        let z = |purpose| normals(&mut rng::rng(purpose, Purpose::Latent, step), len * 6);
        let batch = Batch {
            len,
            x: queries(playing.nets.shape(), len, step).values().to_vec(),
            x_other: Vec::new(),
            z: z(2),
            z_other: z(3),
        };
        playing.step(batch, &context(step, 1000)).unwrap();
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

/// A scorer of the same networks with other settings.
fn with(playing: &Playing<Anogan>, change: impl FnOnce(&mut Anogan)) -> NetworkScorer<Anogan> {
    let mut anogan = playing.method.clone();
    change(&mut anogan);
    NetworkScorer::new(anogan, playing.nets.trained())
}

/// z* of these queries, and L(z*).
fn searched(
    playing: &Playing<Anogan>,
    x: &Features,
    change: impl FnOnce(&mut Anogan),
) -> [Vec<f32>; 2] {
    let mut anogan = playing.method.clone();
    change(&mut anogan);
    let nets = playing.nets.trained();
    let searcher = anogan.searcher(&nets);
    let x = || rows(x.values(), x.shape().size());
    let z = searcher.nearest(x());
    let f = nets.all::<3>()[1].tap("f", [x()], Pass::Score);
    [values(z.clone()), values(searcher.loss(x(), f, z))]
}

#[test]
fn a_query_scores_alone_as_it_does_among_others() {
    let row = FeatureShape::row(9);
    for (shape, steps, start) in [
        (row.clone(), 500, Start::Random),
        (row.clone(), 60, Start::Nearest(50)),
        (row, 60, Start::Encoder),
        (image(28, 1), 60, Start::Random),
        (image(16, 3), 60, Start::Random),
        (image(16, 3), 10, Start::Nearest(50)),
        (image(16, 3), 10, Start::Encoder),
    ] {
        let playing = trained(&shape, steps, start, 3);
        let what = format!("{shape:?}, {start:?}");
        assert_alone_as_among(&what, &scorer(&playing), &queries(&shape, 64, 9), 0.0);
    }
}

#[test]
fn the_stop_ends_searches_early_and_loses_little() {
    let shape = FeatureShape::row(9);
    let playing = trained(&shape, 500, Start::Random, 3);
    let x = queries(&shape, 48, 9);
    let search =
        |plateau| searched(&playing, &x, |a| a.search.descent.plateau = plateau)[1].clone();
    let recommended = playing.method.search.descent.plateau;
    assert!(recommended.is_some());
    let (full, stopped) = (search(None), search(recommended));
    let better = full.iter().zip(&stopped).filter(|(f, s)| f < s).count();
    assert!(better > 0, "no search ended early");
    assert!(
        full.iter()
            .zip(&stopped)
            .all(|(full, stopped)| full <= stopped),
        "a longer search finds no less"
    );
    let [all, early] = [&full, &stopped].map(|losses| losses.iter().sum::<f32>());
    assert!(early < 1.1 * all, "{early} early, {all} at the end");
    let never = Plateau {
        patience: Count::of(1000),
        tolerance: Share::of(0.0),
    };
    assert_eq!(full, search(Some(never)), "a stop that never comes");
}

#[test]
fn a_search_ends_at_the_best_point_and_restarts_only_improve_it() {
    let shape = FeatureShape::row(9);
    let playing = trained(&shape, 40, Start::Random, 3);
    let x = queries(&shape, 20, 9);
    let loss = |restarts, rate| {
        let [_, loss] = searched(&playing, &x, |anogan| {
            anogan.search.restarts = Count::of(restarts);
            anogan.search.descent = Descent {
                plateau: anogan.search.descent.plateau,
                ..Descent::new(40, &[(0, rate)])
            };
        });
        assert!(loss.iter().all(|l| l.is_finite()));
        loss
    };
    let (one, four) = (loss(1, 0.01), loss(4, 0.01));
    assert!(one.iter().zip(&four).all(|(one, four)| four <= one));
    assert!(one != four, "more starting points find better ones");
    // Steps that overshoot everything leave the starting point the best.
    let wild = loss(1, 1e4);
    assert!(wild.iter().zip(&one).all(|(wild, one)| *wild < 10.0 * one));
}

#[test]
fn searches_start_where_the_seed_of_training_and_the_content_say() {
    for (shape, start) in [
        (FeatureShape::row(9), Start::Random),
        (FeatureShape::row(9), Start::Nearest(40)),
        (image(16, 1), Start::Random),
    ] {
        // The same networks; only the seed of the training, which decides the starts, is another.
        let playing = trained(&shape, 0, start, 2);
        let arrays = scorer(&playing).arrays();
        let mut anogan = settings(&shape, 0, start);
        anogan.search.lambda = Fraction::of(0.0);
        let x = queries(&shape, 6, 9);
        // A scorer as training has it, and one as a file gives it back.
        let trained_with = |seed| {
            let device = playing.nets.device();
            let mut other = Playing::new(&anogan, &shape, seed, device).unwrap();
            other.nets = playing.nets.clone();
            bits(&other.scorer().parts(&x).unwrap())
        };
        let loaded_with = |seed| {
            let config = crate::ModelConfig::method(anogan.clone());
            let device = playing.nets.device();
            let scorer = config.restore(&shape, &arrays, seed, device).unwrap();
            bits(&scorer.parts(&x).unwrap())
        };
        for seed in [0, 1, 77] {
            assert_eq!(
                trained_with(seed),
                loaded_with(seed),
                "{start:?}, seed {seed}"
            );
        }
        for (a, b) in [(0, 1), (1, 77), (0, 77)] {
            assert_ne!(trained_with(a), trained_with(b), "{start:?}");
            assert_ne!(loaded_with(a), loaded_with(b), "{start:?}");
        }
        // And of queries of other content: the same query twice starts alike, another does not.
        if start == Start::Random {
            let (one, two) = (x.sample(0).to_vec(), x.sample(1).to_vec());
            let pair = Features::new(shape.clone(), [&one[..], &one, &two].concat());
            let [z, _] = searched(&playing, &pair, |_| {});
            let z: Vec<&[f32]> = z.chunks(6).collect();
            assert_eq!(z[0], z[1]);
            assert_ne!(z[0], z[2]);
        }
    }
}

#[test]
fn two_trainings_with_different_seeds_search_from_different_points() {
    let shape = FeatureShape::row(9);
    let device = &crate::backend::Device::flex();
    let anogan = settings(&shape, 0, Start::Random);
    let seeds = [0, 1].map(|seed| Playing::new(&anogan, &shape, seed, device).unwrap());
    assert_eq!(seeds.each_ref().map(|p| p.method.search.seed), [0, 1]);
}

#[test]
fn searches_without_steps_end_where_they_start() {
    for shape in [FeatureShape::row(9), image(16, 3)] {
        let all = queries(&shape, 12, 9);
        let x = || rows(all.values(), shape.size());

        let playing = trained(&shape, 0, Start::Encoder, 3);
        let nets = playing.nets.trained();
        let [_, _, e] = nets.all();
        let ex = values(e.apply(x(), Pass::Score) * 3.0); // [12, 6]
        assert_eq!(searched(&playing, &all, |_| {})[0], ex);
        assert!(ex.iter().all(|z| z.abs() <= 3.0), "{ex:?}");

        let playing = trained(&shape, 0, Start::Nearest(40), 3);
        let seed = playing.method.search.seed;
        let points = normals(&mut rng::rng(seed, Purpose::Latent, 0), 40 * 6);
        let nets = playing.nets.trained();
        let samples = values(nets.all::<3>()[0].apply(rows(&points, 6), Pass::Score)); // [40, size]
        let nearest = all.values().chunks(shape.size()).flat_map(|query| {
            let residual = |sample: &[f32]| {
                let pairs = query.iter().zip(sample);
                pairs.map(|(a, b)| f64::from(a - b).abs()).sum::<f64>()
            };
            let residuals: Vec<f64> = samples.chunks(shape.size()).map(residual).collect();
            let order = |a: &usize, b: &usize| residuals[*a].total_cmp(&residuals[*b]);
            let best = (0..40).min_by(order).unwrap();
            points[best * 6..][..6].to_vec()
        });
        let nearest: Vec<f32> = nearest.collect();
        for restarts in [1, 3] {
            // Without D the loss is the residual, so that a second start improves nothing.
            let [z, _] = searched(&playing, &all, |anogan| {
                anogan.search.lambda = Fraction::of(0.0);
                anogan.search.restarts = Count::of(restarts);
            });
            assert_eq!(z, nearest);
        }
    }
}

#[test]
fn better_starts_come_nearer_in_as_many_steps() {
    let shape = FeatureShape::row(9);
    let all = queries(&shape, 200, 9);
    let residual = |start| {
        let parts = scorer(&trained(&shape, 20, start, 400))
            .parts(&all)
            .unwrap();
        let residuals = parts.get("residual").unwrap();
        residuals.iter().sum::<f32>() / residuals.len() as f32
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
    for shape in [FeatureShape::row(9), image(16, 3)] {
        let arrays = |start, updates| trained(&shape, 1, start, updates).save();
        let alone = arrays(Start::Random, 3);
        let (first, beside) = (arrays(Start::Encoder, 0), arrays(Start::Encoder, 3));
        let others = |name: &str| !name.contains("encoder");
        for (name, array) in alone.iter().filter(|(name, _)| others(name)) {
            assert_eq!(beside.any_shape(name).unwrap(), array, "{shape:?}, {name}");
        }
        let mut learned = 0;
        for (name, array) in beside.iter().filter(|(name, _)| !others(name)) {
            if name.starts_with("networks") {
                assert!(alone.any_shape(name).is_err());
                assert_ne!(first.any_shape(name).unwrap(), array, "{shape:?}, {name}");
                learned += 1;
            }
        }
        assert!(learned > 4, "{learned} arrays");
    }
}

#[test]
fn a_model_with_an_encoder_goes_on_and_scores_after_saving() {
    for shape in [FeatureShape::row(9), image(16, 3)] {
        let mut playing = trained(&shape, 5, Start::Encoder, 2);
        let mut resumed = trained(&shape, 5, Start::Encoder, 0);
        resumed.restore(&playing.save()).unwrap();
        update(&mut resumed, 2..4);
        update(&mut playing, 2..4);
        assert_eq!(resumed.save(), playing.save(), "{shape:?}");

        let method = &playing.method;
        let again = loaded(method, &shape, &scorer(&playing).arrays()).unwrap();
        let all = queries(&shape, 5, 9);
        let [a, b] = [&again, &scorer(&playing)].map(|s| bits(&s.parts(&all).unwrap()));
        assert_eq!(a, b, "{shape:?}");
        let without = scorer(&trained(&shape, 5, Start::Random, 2)).arrays();
        let error = loaded(method, &shape, &without).err().unwrap().to_string();
        assert!(error.contains("`encoder."), "{error}");
    }
}

#[test]
fn scoring_changes_no_network_and_epochs_measure_few_samples() {
    let shape = FeatureShape::row(9);
    let playing = trained(&shape, 150, Start::Random, 3);
    let found = scorer(&playing);
    let before = found.arrays();
    found.parts(&queries(&shape, 300, 9)).unwrap();
    assert_eq!(found.arrays(), before);

    let (measuring, most) = playing.measure();
    assert_eq!((measuring.arrays(), most), (before, 256));
    let few = queries(&shape, 5, 9);
    let (short, whole) = (measuring.parts(&few).unwrap(), found.parts(&few).unwrap());
    assert_ne!(bits(&short), bits(&whole), "as thorough as scoring");
    let hundred = with(&playing, |anogan| anogan.search.descent.steps = 100);
    assert_eq!(bits(&short), bits(&hundred.parts(&few).unwrap()));
}

#[test]
fn contributions_are_the_distance_to_the_reconstruction() {
    for shape in [FeatureShape::row(9), image(16, 3)] {
        let found = scorer(&trained(&shape, 5, Start::Random, 3));
        let all = queries(&shape, 4, 9);
        let nearest = found.reconstructions(&all).unwrap().unwrap();
        let contributions = found.contributions(&all).unwrap();
        let parts = found.parts(&all).unwrap();
        for (i, &residual) in parts.get("residual").unwrap().iter().enumerate() {
            let part = i * shape.size()..(i + 1) * shape.size();
            let distances = nearest[part.clone()].iter().zip(all.sample(i));
            let distances: Vec<f32> = distances.map(|(a, b)| (a - b).abs()).collect();
            assert_eq!(contributions[part], distances);
            let mean = distances.iter().sum::<f32>() / distances.len() as f32;
            assert!((mean - residual).abs() < 1e-5);
        }
        let generated = found.generated(3, 7).unwrap();
        assert_eq!(generated.len(), 3 * shape.size());
        assert_eq!(generated, found.generated(3, 7).unwrap());
        assert_ne!(generated, found.generated(3, 8).unwrap());
    }
}

#[test]
fn pyramids_fit_every_size_and_28_pixels_give_the_published_networks() {
    let build = |shape: &FeatureShape, width, dense: usize| {
        let anogan = Anogan {
            networks: networks(Some(width), [&[dense], &[dense]]),
            ..Anogan::paper(Kind::Images)
        };
        fresh(&anogan, shape)
    };
    for (side, channels) in [(28, 1), (32, 3), (64, 1), (128, 3), (256, 1)] {
        let shape = image(side, channels);
        let playing = build(&shape, 1, 4).unwrap();
        let generated = scorer(&playing).generated(2, 0).unwrap();
        assert_eq!(generated.len(), 2 * shape.size(), "{side}");
        let [_, d, _] = playing.nets.all::<3>();
        let x = rows(&samples(&shape, 2, 0), shape.size());
        let [logit, f] = d.forward([x], Pass::Score);
        assert_eq!((logit.dims(), f.dims()), ([2, 1], [2, 4]), "{side}");
    }

    let arrays = scorer(&build(&image(28, 1), 64, 1024).unwrap()).arrays();
    let shapes: Vec<(&str, &[usize])> = arrays
        .iter()
        .filter(|(name, _)| name.ends_with("weight"))
        .map(|(name, array)| (name, array.shape.as_slice()))
        .collect();
    let expected: [(&str, &[usize]); 8] = [
        ("discriminator.dense.0.weight", &[7 * 7 * 64, 1024]),
        ("discriminator.dense.1.weight", &[1024, 1]),
        ("discriminator.down.0.weight", &[4, 4, 1, 64]),
        ("discriminator.down.1.weight", &[4, 4, 64, 64]),
        ("generator.dense.0.weight", &[200, 1024]),
        ("generator.dense.1.weight", &[1024, 7 * 7 * 128]),
        ("generator.up.0.weight", &[4, 4, 128, 64]),
        ("generator.up.1.weight", &[4, 4, 64, 1]),
    ];
    assert_eq!(shapes, expected);

    let wide = FeatureShape::image(28, 32, 1);
    for shape in [image(30, 1), image(7, 1), wide] {
        let error = build(&shape, 1, 4).err().unwrap();
        assert!(
            error.hint().unwrap().contains("`image-size = "),
            "{shape:?}"
        );
    }
}

#[test]
fn candidates_must_suffice_and_have_room() {
    let shape = FeatureShape::row(9);
    for (candidates, restarts) in [(0, 1), (1, 2), (usize::MAX, 1), ((1 << 28) / 9 + 1, 1)] {
        let mut anogan = settings(&shape, 1, Start::Nearest(candidates));
        anogan.search.restarts = Count::of(restarts);
        let error = fresh(&anogan, &shape).err().unwrap().to_string();
        assert!(error.starts_with("`search.start.nearest`"), "{error}");
    }
    let mut anogan = settings(&shape, 1, Start::Nearest(2));
    anogan.search.restarts = Count::of(2);
    assert!(fresh(&anogan, &shape).is_ok());
    for start in [Start::Random, Start::Encoder] {
        let mut anogan = settings(&shape, 1, start);
        anogan.search.restarts = Count::of(1_000_000_000);
        let error = fresh(&anogan, &shape).err().unwrap().to_string();
        assert!(error.starts_with("`search.restarts`"), "{error}");
    }
}
