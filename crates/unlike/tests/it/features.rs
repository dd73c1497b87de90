//! Deep features of images: every model with every way to look keeps the laws.

use std::{ops::Range, sync::Arc};

use unlike::{
    Detector, Explanations, InputSpec, Model, ModelConfig, Result, RunOptions, Samples,
    TrainConfig,
    core::{Frame, ImageShape, ImageSource, Images, conformance},
    features::{FeatureConfig, Onnx, Pool, Taps, Tiles},
    fit,
    train::{Silent, with_threads},
};

use crate::training::shorten;

const SIDE: usize = 40;

/// Stripes of varying phase and brightness.
fn pixels(side: usize, image: usize) -> Vec<u8> {
    let pixel = |at: usize| {
        let (x, y) = (at % side, at / side);
        let stripes = ((x + y / 3 + image * 5) as f64 * 0.7).sin();
        let noise = ((at * 7919 + image * 104_729) % 31) as f64;
        (120.0 + 60.0 * stripes + noise + (image % 7) as f64) as u8
    };
    (0..side * side).map(pixel).collect()
}

fn samples(images: impl Iterator<Item = Vec<u8>>) -> Samples {
    let images: Vec<Vec<u8>> = images.collect();
    let ids = (0..images.len()).map(|i| i.to_string()).collect();
    let side = images[0].len().isqrt();
    Samples::Images(Images::from_bytes("stripes", [side, side, 1], images.concat(), ids).unwrap())
}

fn normals(range: std::ops::Range<usize>) -> Samples {
    samples(range.map(|image| pixels(SIDE, image)))
}

/// With a bright square around rows 24 to 33 and columns 6 to 15.
fn spoilt(side: usize, range: std::ops::Range<usize>) -> Samples {
    samples(range.map(|image| {
        let mut pixels = pixels(side, image);
        for y in 24..34 {
            pixels[y * side + 6..y * side + 16].fill(255);
        }
        pixels
    }))
}

/// Images that lie in a frame which is no part of them, wider from one to the next.
#[derive(Debug)]
struct Framed {
    frame: u8,
    images: Range<usize>,
}

impl Framed {
    fn samples(frame: u8, images: Range<usize>) -> Samples {
        let ids = images.clone().map(|i| i.to_string()).collect();
        let source = Arc::new(Self { frame, images });
        let images = Images::from_source("framed", [SIDE, SIDE, 1], source, ids);
        Samples::Images(images.unwrap())
    }

    fn margin(&self, image: usize) -> usize {
        8 * ((self.images.start + image) % 3) / 2
    }
}

impl ImageSource for Framed {
    fn write(&self, image: usize, out: &mut [f32]) -> Result<()> {
        let margin = self.margin(image);
        let pixels = pixels(SIDE, self.images.start + image);
        for (at, (out, pixel)) in out.iter_mut().zip(pixels).enumerate() {
            let inside = (margin..SIDE - margin).contains(&(at / SIDE));
            let value = if inside { pixel } else { self.frame };
            *out = f32::from(value) / 127.5 - 1.0;
        }
        Ok(())
    }

    fn frame(&self, image: usize) -> Option<Frame> {
        let margin = self.margin(image);
        Some(Frame {
            placed: [0, margin, SIDE, SIDE - 2 * margin],
            ..Frame::whole(SIDE, SIDE - 2 * margin)
        })
    }
}

#[test]
fn what_surrounds_an_image_is_in_no_map_and_the_laws_hold() {
    let train = Framed::samples(90, 0..30);
    for (name, features) in [
        ("padim", FeatureConfig::lite0(Pool::Patches)),
        ("padim", FeatureConfig::dct(Pool::Patches)),
        ("padim", onnx(Pool::Patches)),
        ("padim", tiled(FeatureConfig::lite0(Pool::Patches), 24)),
        ("pca", FeatureConfig::lite0(Pool::Patches)),
        ("pca", FeatureConfig::Pixels),
    ] {
        let config = TrainConfig::recommended_with(name, &train, Some(&features)).unwrap();
        let model = fit(&config, &train, &RunOptions::default(), &mut Silent).unwrap();
        let new = Framed::samples(250, 30..42);
        let violations = conformance::check(&model, &new);
        assert!(
            violations.is_empty(),
            "{name}, {features:?}: {violations:#?}"
        );
        let Explanations::Maps { values, .. } = model.explain(&new).unwrap() else {
            panic!("maps of images");
        };
        let mut shown = 0;
        for (image, map) in values.chunks_exact(SIDE * SIDE).enumerate() {
            let margin = 8 * ((30 + image) % 3) / 2;
            for (y, row) in map.chunks_exact(SIDE).enumerate() {
                match (margin..SIDE - margin).contains(&y) {
                    true => shown += row.iter().filter(|v| **v > 0.0).count(),
                    false => assert!(row.iter().all(|v| *v == 0.0), "{name}, {image}, {y}"),
                }
            }
        }
        assert!(shown > 100, "{name}: {shown}");
    }
}

/// A small network of a file.
fn onnx(pool: Pool) -> FeatureConfig {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../unlike-features/tests/golden"
    );
    let mut network = Onnx::new(format!("{folder}/small.onnx"));
    network.pool = pool;
    FeatureConfig::Onnx(network)
}

fn tiled(features: FeatureConfig, side: usize) -> FeatureConfig {
    features.with_tiles(Some(Tiles::of(side)))
}

/// Every way to look at images but their pixels.
fn ways() -> Vec<FeatureConfig> {
    let of = |pool| {
        [
            FeatureConfig::lite0(pool),
            FeatureConfig::dct(pool),
            onnx(pool),
        ]
    };
    let one = [Pool::Image, Pool::Patches].into_iter().flat_map(of);
    let tiles = Some(Tiles {
        side: 24,
        overlap: 8,
    });
    let tiled = [FeatureConfig::dct, onnx].map(|of| of(Pool::Patches).with_tiles(tiles));
    one.chain([FeatureConfig::dct(Pool::Both)])
        .chain(tiled)
        .collect()
}

fn config(name: &str, features: &FeatureConfig) -> TrainConfig {
    config_for(name, features, &normals(0..30))
}

fn config_for(name: &str, features: &FeatureConfig, samples: &Samples) -> TrainConfig {
    let mut config = TrainConfig::recommended_with(name, samples, Some(features)).unwrap();
    config.epochs = 2;
    shorten(&mut config.model);
    config
}

fn trained(name: &str, features: &FeatureConfig) -> Model {
    let config = config(name, features);
    fit(
        &config,
        &normals(0..30),
        &RunOptions::default(),
        &mut Silent,
    )
    .unwrap()
}

#[test]
fn every_model_with_every_way_to_look_keeps_the_laws_and_survives_saving() {
    let folder = tempfile::tempdir().unwrap();
    let some = normals(30..40);
    // What a network says is told apart by none of them: some stand for all with the others.
    let some_models = ["pca", "padim", "knn", "ganomaly"];
    for name in ModelConfig::names() {
        for way in ways() {
            let lite0 = matches!(way, FeatureConfig::Lite0(_));
            if !lite0 && !some_models.contains(&name) {
                continue;
            }
            let model = trained(name, &way);
            let violations = conformance::check(&model, &some);
            assert!(violations.is_empty(), "{name}, {way:?}: {violations:#?}");
            let path = folder.path().join(name);
            model.save(&path).unwrap();
            let loaded = Model::load(&path).unwrap();
            let violations = conformance::check_same(&model, &loaded, &some);
            assert!(violations.is_empty(), "{name}, {way:?}: {violations:#?}");
            assert_eq!(model.calibration(), loaded.calibration(), "{name}, {way:?}");
            assert_eq!(
                model.explain(&some).unwrap(),
                loaded.explain(&some).unwrap()
            );
        }
    }
}

#[test]
fn threads_change_no_bit_of_a_model_of_features() {
    let folder = tempfile::tempdir().unwrap();
    for (name, way) in [
        ("padim", FeatureConfig::lite0(Pool::Patches)),
        ("ganomaly", FeatureConfig::lite0(Pool::Patches)),
        ("pca", FeatureConfig::lite0(Pool::Image)),
        ("padim", FeatureConfig::dct(Pool::Patches)),
        ("pca", onnx(Pool::Patches)),
        ("ganomaly", FeatureConfig::dct(Pool::Both)),
        ("knn", tiled(onnx(Pool::Patches), 24)),
    ] {
        let on = |threads| {
            let path = folder.path().join(format!("{name}-{threads}"));
            with_threads(threads, || trained(name, &way).save(&path).unwrap()).unwrap();
            std::fs::read(path).unwrap()
        };
        let one = on(1);
        assert!(one == on(2) && one == on(3), "{name}");
    }
}

#[test]
fn patches_point_at_what_is_unlike() {
    let large = |range: std::ops::Range<usize>| samples(range.map(|image| pixels(96, image)));
    let (normal, anomalous) = (large(40..60), spoilt(96, 40..60));
    let (lite0, dct) = (FeatureConfig::lite0, FeatureConfig::dct);
    for (name, way) in [
        ("padim", lite0(Pool::Patches)),
        ("pca", lite0(Pool::Patches)),
        ("knn", lite0(Pool::Patches)),
        ("ganomaly", lite0(Pool::Patches)),
        ("padim", dct(Pool::Patches)),
        ("knn", dct(Pool::Patches)),
        ("padim", tiled(dct(Pool::Patches), 48)),
        ("knn", tiled(lite0(Pool::Patches), 48)),
    ] {
        let config = config_for(name, &way, &large(0..40));
        let model = fit(&config, &large(0..40), &RunOptions::default(), &mut Silent).unwrap();
        let violations = conformance::check_direction(&model, &normal, &anomalous);
        assert!(violations.is_empty(), "{name}: {violations:#?}");
        let Explanations::Maps {
            height,
            width,
            values,
        } = model.explain(&anomalous).unwrap()
        else {
            panic!("maps of images");
        };
        assert_eq!((height, width, values.len()), (96, 96, 20 * 96 * 96));
        let inside = values.chunks_exact(96 * 96).filter(|map| {
            let highest = (0..map.len())
                .max_by(|&a, &b| map[a].total_cmp(&map[b]))
                .unwrap();
            let (y, x) = (highest / 96, highest % 96);
            // A place of the finest stage is eight pixels wide, and sees its neighbours.
            (12..46).contains(&y) && x < 28
        });
        let inside = inside.count();
        assert!(inside >= 16, "{name}: {inside} of 20");
    }
}

#[test]
fn an_image_as_one_row_is_explained_by_columns() {
    let model = trained("pca", &FeatureConfig::lite0(Pool::Image));
    let Explanations::Columns { names, values } = model.explain(&spoilt(SIDE, 0..3)).unwrap()
    else {
        panic!("columns of one row");
    };
    assert_eq!((names.len(), values.len()), (3 * 152, 3 * 3 * 152));
    assert_eq!(
        (&*names[0], &*names[455]),
        ("stage3:0:mean", "stage5:111:max")
    );
    assert!(matches!(
        model.input(),
        InputSpec::Image(ImageShape { height: SIDE, .. })
    ));
}

#[test]
fn a_model_of_rows_sees_features_unasked_and_refuses_pixels() {
    let samples = normals(0..20);
    let usual = TrainConfig::recommended_with("simplenet", &samples, None).unwrap();
    assert_eq!(usual.features, Some(FeatureConfig::lite0(Pool::Patches)));
    let pixels = Some(&FeatureConfig::Pixels);
    let asked = TrainConfig::recommended_with("simplenet", &samples, pixels).unwrap();
    assert_eq!(asked.features.as_ref(), pixels);
    let error = fit(&asked, &samples, &RunOptions::default(), &mut Silent).unwrap_err();
    assert!(
        error.to_string().contains("`features` is pixels"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_seen_is_refused() {
    let refused = |config: &TrainConfig, samples: &Samples| {
        let error = fit(config, samples, &RunOptions::default(), &mut Silent);
        error.unwrap_err().to_string()
    };
    let mut unknown = config("pca", &FeatureConfig::lite0(Pool::Patches));
    let taps = vec!["stage9".to_owned()];
    unknown.features = Some(FeatureConfig::Lite0(Taps {
        pool: Pool::Patches,
        taps,
        tiles: None,
    }));
    let text = refused(&unknown, &normals(0..30));
    assert!(text.contains("stage9") && text.contains("stage5"), "{text}");

    let black = samples((0..30).map(|_| vec![0; SIDE * SIDE]));
    // Networks tell the places of a black image apart: those at its edges see what is around it.
    let apart = [FeatureConfig::lite0(Pool::Patches), onnx(Pool::Patches)];
    let alike = |way: &FeatureConfig| !apart.contains(&way.clone().with_tiles(None));
    for way in ways().into_iter().filter(alike) {
        let text = refused(&config("pca", &way), &black);
        assert!(text.contains("every training image"), "{way:?}: {text}");
    }

    let mut changed = config("pca", &FeatureConfig::lite0(Pool::Patches));
    changed.augmentation = Some(unlike::train::Augmentation {
        flip_horizontal: true,
        ..Default::default()
    });
    let text = refused(&changed, &normals(0..30));
    assert!(text.contains("augmentation"), "{text}");

    let table = unlike::Table::from_rows("rows", &["a"], &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    for way in ways() {
        let text = refused(&config("pca", &way), &Samples::Table(table.clone()));
        assert!(text.contains("features"), "{way:?}: {text}");
    }
}

#[test]
fn a_model_holds_its_network_or_says_which_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (there, beside) = (folder.path().join("there"), folder.path().join("models"));
    std::fs::create_dir(&beside).unwrap();
    let FeatureConfig::Onnx(network) = onnx(Pool::Patches) else {
        panic!("a network of a file");
    };
    let some = normals(30..40);
    let golden = std::path::Path::new(&network.file).to_owned();
    std::fs::create_dir(&there).unwrap();
    let file = there.join("net.onnx");
    let trained = |embed: bool| {
        std::fs::copy(&golden, &file).unwrap();
        let mut network = Onnx::new(file.to_str().unwrap());
        network.embed = embed;
        let model = trained("pca", &FeatureConfig::Onnx(network));
        let path = beside.join(format!("embedded-{embed}"));
        model.save(&path).unwrap();
        std::fs::remove_file(&file).unwrap();
        (model, path)
    };

    let (model, path) = trained(true);
    let Some(FeatureConfig::Onnx(saved)) = &model.config().features else {
        panic!("a network of a file");
    };
    assert_eq!(saved.sha256.as_ref().map(String::len), Some(64));
    assert_eq!(saved.taps, ["fine", "coarse"]);
    let told = TrainConfig::recommended_with("pca", &some, Some(&onnx(Pool::Patches))).unwrap();
    let Some(FeatureConfig::Onnx(told)) = told.features else {
        panic!("a network of a file");
    };
    assert_eq!(
        (told.taps, told.sha256),
        (saved.taps.clone(), saved.sha256.clone())
    );
    assert_eq!(saved.mean.as_deref(), Some(&[0.485, 0.456, 0.406][..]));
    let loaded = Model::load(&path).unwrap();
    assert!(conformance::check_same(&model, &loaded, &some).is_empty());
    let bytes = loaded.to_bytes().unwrap();
    assert_eq!(bytes, std::fs::read(&path).unwrap());
    let again = Model::from_bytes(&bytes, "bytes", "cpu").unwrap();
    assert!(conformance::check_same(&model, &again, &some).is_empty());

    let (model, path) = trained(false);
    assert!(std::fs::metadata(&path).unwrap().len() + 8_000 < bytes.len() as u64);
    let error = Model::load(&path).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("net.onnx") && text.contains("no such file"),
        "{text}"
    );
    assert!(error.hint().is_some());
    // Another network of that name, then the one that it is, beside the model.
    std::fs::copy(golden.with_file_name("fixed.onnx"), beside.join("net.onnx")).unwrap();
    let text = Model::load(&path).unwrap_err().to_string();
    assert!(text.contains("that of the training"), "{text}");
    std::fs::copy(&golden, beside.join("net.onnx")).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert!(conformance::check_same(&model, &loaded, &some).is_empty());
}

#[test]
fn both_is_the_sum_of_what_is_said_of_the_image_and_of_its_places() {
    let new = spoilt(SIDE, 30..36);
    for name in ["pca", "ganomaly"] {
        let both = trained(name, &FeatureConfig::lite0(Pool::Both));
        let places = trained(name, &FeatureConfig::lite0(Pool::Patches));
        let names: Vec<&str> = both.score_names().collect();
        let of_places: Vec<&str> = places.score_names().collect();
        assert_eq!(
            names,
            [&["both"], &of_places[..], &["image"]].concat(),
            "{name}"
        );
        assert_eq!(both.score_name(), "both");
        // Beside what sees the image, places are seen as if alone.
        let parts = both.score_parts(&new).unwrap();
        for (part, values) in places.score_parts(&new).unwrap().iter() {
            assert_eq!(parts.get(part), Some(values), "{name} {part}");
        }
        let alone = places.score(&new).unwrap();
        let image = parts.get("image").unwrap();
        // Two images tell what a unit of either adds to a third; the others follow.
        let scores = both.score(&new).unwrap();
        let less = |i: usize| {
            let image = f64::from(image[i]) - f64::from(image[0]);
            [alone[i] - alone[0], image, scores[i] - scores[0]]
        };
        let (b, c) = (less(1), less(2));
        let det = b[0] * c[1] - b[1] * c[0];
        let weight = [
            (b[2] * c[1] - b[1] * c[2]) / det,
            (b[0] * c[2] - b[2] * c[0]) / det,
        ];
        assert!(weight.iter().all(|w| *w > 0.0), "{name}: {weight:?}");
        for i in 3..6 {
            let [places, image, sum] = less(i);
            let expected = weight[0] * places + weight[1] * image;
            assert!(
                (sum - expected).abs() < 1e-3 * (1.0 + sum.abs()),
                "{name}: {sum} {expected}"
            );
        }
        // The image as a whole does not say where: maps are those of its places.
        let maps = |model: &Model| match model.explain(&new).unwrap() {
            Explanations::Maps { values, .. } => values,
            Explanations::Columns { .. } => panic!("maps of images"),
        };
        let shown = maps(&both);
        assert!(shown.iter().any(|v| *v > 0.0));
        let image = both.with_score("image").unwrap();
        assert_eq!(maps(&image), shown, "{name}");
    }
}

#[test]
fn an_image_in_one_tile_is_the_image() {
    let some = normals(30..36);
    for way in [
        FeatureConfig::lite0(Pool::Patches),
        FeatureConfig::dct(Pool::Patches),
    ] {
        let whole = trained("padim", &way);
        let one = trained("padim", &tiled(way.clone(), SIDE));
        assert_eq!(
            whole.score(&some).unwrap(),
            one.score(&some).unwrap(),
            "{way:?}"
        );
        assert_eq!(
            whole.explain(&some).unwrap(),
            one.explain(&some).unwrap(),
            "{way:?}"
        );
    }
}

#[test]
fn tiles_show_what_they_are_of_and_no_seams() {
    // Of images of one grey with a bright square, nothing shows where tiles end.
    let side = 120;
    let image = |image: usize, square: bool| {
        let mut pixels: Vec<u8> = (0..side * side)
            .map(|at| (100 + (at * 7919 + image * 104_729) % 23) as u8)
            .collect();
        if square {
            for y in 50..62 {
                pixels[y * side + 70..y * side + 82].fill(250);
            }
        }
        pixels
    };
    let train = samples((0..30).map(|i| image(i, false)));
    let way = tiled(FeatureConfig::dct(Pool::Patches), 48);
    let config = TrainConfig::recommended_with("pca", &train, Some(&way)).unwrap();
    let model = fit(&config, &train, &RunOptions::default(), &mut Silent).unwrap();
    let maps = |samples: &Samples| match model.explain(samples).unwrap() {
        Explanations::Maps { values, .. } => values,
        Explanations::Columns { .. } => panic!("maps of images"),
    };
    for map in maps(&samples((40..44).map(|i| image(i, true)))).chunks_exact(side * side) {
        let highest = (0..map.len())
            .max_by(|&a, &b| map[a].total_cmp(&map[b]))
            .unwrap();
        let (y, x) = (highest / side, highest % side);
        assert!((46..66).contains(&y) && (66..86).contains(&x), "{y} {x}");
        // From one pixel to the next no step that a place could not make.
        let step = map
            .windows(2)
            .enumerate()
            .filter(|(at, _)| at % side != side - 1);
        let step = step
            .map(|(_, pair)| (pair[0] - pair[1]).abs())
            .fold(0.0, f32::max);
        assert!(step < 0.5 * map[highest], "{step} {}", map[highest]);
    }
}

#[test]
fn tiles_are_for_places() {
    let samples = normals(0..12);
    for pool in [Pool::Image, Pool::Both] {
        let way = tiled(FeatureConfig::dct(pool), 24);
        let error = TrainConfig::recommended_with("pca", &samples, Some(&way)).unwrap_err();
        assert!(error.to_string().contains("`tile`"), "{error}");
    }
    let small = FeatureConfig::dct(Pool::Patches).with_tiles(Some(Tiles {
        side: 8,
        overlap: 0,
    }));
    let error = TrainConfig::recommended_with("pca", &samples, Some(&small)).unwrap_err();
    assert!(error.to_string().contains("`tile` is 8"), "{error}");
}
