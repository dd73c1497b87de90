//! What people see of images: sheets, maps, overlays, pixel metrics, reports.

use std::{fs, path::Path};

use serde_json::{Value, json};
use unlike::Model;
use unlike_core::{Detector, Explanations};

use crate::support::{Place, noise};

/// Pixels a side.
const SIDE: usize = 16;

/// A slope, whose steepness and direction differ from image to image; `hole` is a dark square at
/// this row and column.
fn slope(i: usize, hole: Option<[usize; 2]>) -> Vec<u8> {
    let [down, right] = [0, 1].map(|k| 6.0 * noise(1000 * k + i));
    let pixel = |at: usize| {
        let (row, column) = (at / SIDE, at % SIDE);
        let grain = 4.0 * noise(7919 * i + at);
        let inside = |[top, left]: [usize; 2]| {
            (top..top + 4).contains(&row) && (left..left + 4).contains(&column)
        };
        match hole {
            Some(hole) if inside(hole) => 10,
            _ => (50.0 + down * row as f64 + right * column as f64 + grain) as u8,
        }
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

fn save(path: &Path, bytes: &[u8]) {
    let mut text = format!("P5\n{SIDE} {SIDE}\n255\n").into_bytes();
    text.extend(bytes);
    fs::write(path, text).unwrap();
}

fn save_mask(path: &Path, [top, left]: [usize; 2]) {
    let inside = |at: usize| {
        (top..top + 4).contains(&(at / SIDE)) && (left..left + 4).contains(&(at % SIDE))
    };
    let bytes: Vec<u8> = (0..SIDE * SIDE)
        .map(|at| if inside(at) { 255 } else { 0 })
        .collect();
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&bytes).unwrap();
}

/// Width and height of a PNG file.
fn size(bytes: &[u8]) -> [usize; 2] {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    [side(16), side(20)]
}

/// Surfaces: `train` holds normal ones, `test` normal ones and others with a hole and a mask, and
/// one in a folder of its own without a mask. A model of `train` is in `run`.
fn surfaces() -> Place {
    let place = Place::new();
    for folder in ["train", "test/good", "test/hole", "test/odd"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    for i in 0..120 {
        save(&place.path(&format!("train/{i:03}.pgm")), &slope(i, None));
    }
    for i in 0..20 {
        save(
            &place.path(&format!("test/good/{i}.pgm")),
            &slope(500 + i, None),
        );
        let hole = [i % 12, (5 * i) % 12];
        let class = if i == 0 { "odd" } else { "hole" };
        let path = place.path(&format!("test/{class}/nr {i}.pgm"));
        save(&path, &slope(700 + i, Some(hole)));
        if i > 0 {
            save_mask(&path.with_extension("png"), hole);
        }
    }
    place
        .run("train train --model pca --features pixels --out run")
        .ends_with(0);
    place
}

#[test]
fn maps_are_measured_and_shown() {
    let place = surfaces();
    let line = "eval run test --normal-label good --seed 1";
    let ran = place.run(&format!("{line} --json --out e")).ends_with(0);
    assert!(
        ran.stderr.contains("1 anomalous image without a mask"),
        "{}",
        ran.stderr
    );
    let json = ran.json();
    let pixels = &json["evaluation"]["pixels"];
    assert_eq!(pixels["n_regions"], 19);
    assert_eq!(pixels["n_anomalous_pixels"], 19 * 16);
    assert_eq!(pixels["n_normal_pixels"], 39 * 256 - 19 * 16);
    for key in ["pixel_auroc", "pixel_average_precision", "aupro"] {
        let value = pixels[key].as_f64().unwrap();
        assert!((0.8..=1.0).contains(&value), "{key} {value}");
    }
    let case = &json["evaluation"]["most_anomalous"][0];
    assert_eq!(case["class"], "hole");
    assert!(case["image"]["png"].as_str().unwrap().starts_with("iVBOR"));
    assert_eq!(json["evaluation"]["cautions"].as_array().unwrap().len(), 0);
    shows_what_it_marks(&json["evaluation"]);

    let text = place.run(line).ends_with(0).stdout;
    assert!(
        text.contains("pixel AUROC") && text.contains("AUPRO"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let html = String::from_utf8(place.read("e/report.html")).unwrap();
    assert!(html.contains("pixel average precision"));
    for part in [
        "<section id=\"threshold\">",
        "<section id=\"gallery\">",
        "<dialog",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // The image, its reconstruction, its map, and its mask.
    assert!(html.matches("data:image/png;base64,").count() >= 10);
    place.run("report e --out e.md").ends_with(0);
    assert!(
        String::from_utf8(place.read("e.md"))
            .unwrap()
            .contains("AUPRO")
    );
}

/// The gallery of an evaluation of [`surfaces`], and its thresholds.
fn shows_what_it_marks(evaluation: &Value) {
    let gallery = &evaluation["gallery"];
    let threshold = evaluation["variants"][0]["metrics"]["threshold"]
        .as_f64()
        .unwrap();
    let score = |tile: &Value| tile["case"]["score"].as_f64().unwrap();
    let list = |name: &str| gallery[name].as_array().unwrap().clone();
    assert_eq!(list("most_anomalous").len(), 8);
    for (name, label, flagged) in [
        ("false_alarms", "normal", true),
        ("missed", "anomalous", false),
    ] {
        for tile in list(name) {
            assert_eq!(tile["case"]["label"], label);
            assert_eq!(score(&tile) >= threshold, flagged);
        }
    }
    let borderline = list("borderline");
    let scores: Vec<f64> = borderline.iter().map(score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert!(scores[0] >= threshold && scores[scores.len() - 1] < threshold);

    // The first one is a hole, with its mask and a region on it.
    let tile = &list("most_anomalous")[0];
    assert_eq!(tile["size"], json!([SIDE, SIDE]));
    assert_eq!(tile["covered"], json!([0.0, 0.0, 16.0, 16.0]));
    let points = |polygons: &Value| -> Vec<[f64; 2]> {
        serde_json::from_value::<Vec<Vec<[f64; 2]>>>(polygons.clone())
            .unwrap()
            .concat()
    };
    let range = |points: &[[f64; 2]], axis: usize| {
        let values = || points.iter().map(|p| p[axis]);
        [
            values().fold(f64::MAX, f64::min),
            values().fold(f64::MIN, f64::max),
        ]
    };
    let mask = points(&tile["mask"]);
    for axis in [0, 1] {
        let [low, high] = range(&mask, axis);
        assert_eq!(high - low, 4.0);
    }
    let [x, y, width, height]: [f64; 4] = serde_json::from_value(tile["boxes"][0].clone()).unwrap();
    let (across, down) = (range(&mask, 0), range(&mask, 1));
    assert!(x < across[1] && x + width > across[0], "{tile}");
    assert!(y < down[1] && y + height > down[0], "{tile}");
    assert!(!points(&tile["regions"]).is_empty());

    let thresholds = &evaluation["thresholds"];
    let used = &thresholds["steps"][thresholds["in_use"].as_u64().unwrap() as usize];
    assert_eq!(used["threshold"], threshold);
    let recall = evaluation["variants"][0]["metrics"]["recall"]
        .as_f64()
        .unwrap();
    assert_eq!(used["found"].as_f64().unwrap() / 20.0, recall);
}

#[test]
fn explanations_are_all_maps_and_the_strangest_images() {
    let place = surfaces();
    let score = "score run test --false-alarms 0.1 --out s.csv --explain why";
    fs::create_dir_all(place.path("why/overlays")).unwrap();
    place.write("why/overlays/001-of-an-earlier-run.png", "old");
    place.write("why/overlays/mine.png", "not ours");
    place.run(score).ends_with(0);

    let model = Model::load(place.path("run")).unwrap();
    let options = model.preprocessing().read_options(Default::default());
    let data = unlike_data::read(place.path("test"), &options).unwrap();
    let Explanations::Maps { values, .. } = model.explain(data.samples()).unwrap() else {
        panic!("maps");
    };
    let npy = place.read("why/maps.npy");
    let header = String::from_utf8_lossy(&npy[10..128]);
    assert!(header.contains("'descr': '<f4'"), "{header}");
    assert!(header.contains("'shape': (40, 16, 16)"), "{header}");
    let (_, content) = npy.split_at(npy.len() - 4 * values.len());
    assert_eq!(npy.len() - content.len(), 128);
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(content, bytes);
    let index = String::from_utf8(place.read("why/maps.csv")).unwrap();
    let mut lines = csv::Reader::from_reader(index.as_bytes());
    assert_eq!(
        lines.headers().unwrap(),
        vec!["id", "row", "width", "height", "pixel_threshold", "boxes"]
    );
    let lines: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 40);
    for (row, line) in lines.iter().enumerate() {
        assert_eq!(line[0], data.samples().id(row));
        assert_eq!(
            [&line[1], &line[2], &line[3]],
            [&*row.to_string(), "16", "16"]
        );
        let threshold: f64 = line[4].parse().unwrap();
        let map = &values[row * 256..][..256];
        let boxes: Vec<[usize; 4]> = serde_json::from_str(&line[5]).unwrap();
        let highest = map.iter().copied().fold(f32::MIN, f32::max);
        assert_eq!(boxes.is_empty(), f64::from(highest) < threshold);
        for (at, &value) in map.iter().enumerate() {
            let holds = |[x, y, width, height]: &[usize; 4]| {
                (*x..x + width).contains(&(at % SIDE)) && (*y..y + height).contains(&(at / SIDE))
            };
            // All that is high lies in a box, and the highest in the first one.
            assert!(f64::from(value) < threshold || boxes.iter().any(holds));
            if let Some(first) = boxes.first()
                && value == highest
            {
                assert!(holds(first));
            }
        }
    }

    let table = String::from_utf8(place.read("s.csv")).unwrap();
    let flagged = table.matches(",true,").count();
    assert!(flagged >= 15, "{flagged}");
    let files = place.files();
    let overlays: Vec<&String> = files
        .iter()
        .filter(|f| f.starts_with("why/overlays/") && !f.ends_with("mine.png"))
        .collect();
    assert_eq!(overlays.len(), flagged, "{overlays:?}");
    assert!(
        overlays[0].starts_with("why/overlays/001-hole_nr_"),
        "{overlays:?}"
    );
    assert!(!overlays[0].contains("earlier") && files.contains(&"why/overlays/mine.png".into()));
    // The original's size, 16 times as large.
    assert_eq!(size(&place.read(overlays[0])), [256, 256]);
    assert_eq!(
        size(&place.read("why/most-anomalous.png"))[0],
        6 * 128 + 5 * 4
    );
}

#[test]
fn a_training_leaves_a_sheet_of_held_out_normals() {
    let place = surfaces();
    assert!(place.files().contains(&"run/samples/model.png".into()));
    // Eight inputs, their reconstructions, and what is left.
    assert_eq!(
        size(&place.read("run/samples/model.png")),
        [8 * 132 - 4, 3 * 132 - 4]
    );
    let page = |name: &str| String::from_utf8(place.read(name)).unwrap();
    let html = page("run/report.html");
    assert!(
        html.contains("Held-out normals as the model sees them"),
        "{html}"
    );
    place.run("report run --out again.html").ends_with(0);
    assert!(page("again.html").contains("Held-out normals as the model sees them"));
    // Another model in the same folder takes the sheet away, if it makes none.
    place
        .run("train train --model iforest --features pixels --out run --overwrite")
        .ends_with(0);
    assert!(!place.path("run/samples").exists());
}

#[test]
fn measuring_on_what_was_trained_on_is_said() {
    let place = surfaces();
    let json = |line: &str| place.run(&format!("{line} --json")).ends_with(0).json();
    place
        .run("train test --normal-label good --model pca --out other")
        .ends_with(0);
    let caution = |line: &str| {
        let json = json(line);
        let cautions = json["evaluation"]["cautions"].as_array().unwrap();
        assert!(cautions.len() <= 1);
        cautions.first().map(|c| c.as_str().unwrap().to_owned())
    };
    let said = caution("eval other test --normal-label good").unwrap();
    assert!(said.contains("exactly the normal samples"), "{said}");
    // Under another name, too.
    fs::rename(place.path("test"), place.path("moved")).unwrap();
    let said = caution("eval other moved --normal-label good").unwrap();
    assert!(said.contains("`moved` holds exactly"), "{said}");
    // The same name with another content is a weaker hint.
    fs::rename(place.path("moved"), place.path("test")).unwrap();
    fs::remove_file(place.path("test/good/3.pgm")).unwrap();
    let said = caution("eval other test --normal-label good").unwrap();
    assert!(said.contains("trained on `test` too"), "{said}");
    assert_eq!(caution("eval run test --normal-label good"), None);
}

#[test]
fn images_are_called_images_and_have_no_columns() {
    let place = surfaces();
    let text = place.run("inspect run").ends_with(0).stdout;
    let facts = text.split("\nSettings").next().unwrap();
    assert!(
        facts.contains("images of 16 × 16 pixels, grey (1 channel)"),
        "{text}"
    );
    assert!(facts.contains("normal images"), "{text}");
    let calibrated = place.run("calibrate run train --out other.safetensors");
    let calibrated = calibrated.ends_with(0).stderr;
    let scored = place.run("score run test --out s.csv").ends_with(0).stderr;
    assert!(scored.contains("40 images by"), "{scored}");
    let trained = place.run("train train --model pca --out again");
    let trained = trained.ends_with(0).stderr;
    for text in [facts, &calibrated, &scored, &trained] {
        for word in ["row", "rows", "column", "columns", "Columns"] {
            let mut words = text.split(|c: char| !c.is_alphanumeric());
            assert!(words.all(|w| w != word), "{word}: {text}");
        }
    }
}

/// A surface that is larger than one look takes in, with a dark square of 20 pixels if that is said.
fn save_large(path: &Path, i: usize, hole: Option<[usize; 2]>) {
    let [height, width] = LARGE;
    let pixel = |at: usize| {
        let (row, column) = (at / width, at % width);
        let inside = |[top, left]: [usize; 2]| {
            (top..top + 20).contains(&row) && (left..left + 20).contains(&column)
        };
        match hole {
            Some(hole) if inside(hole) => 20,
            _ => {
                (120.0 + 20.0 * ((row + 2 * column) as f64 * 0.2).sin() + 8.0 * noise(31 * i + at))
                    as u8
            }
        }
    };
    let mut file = format!("P5\n{width} {height}\n255\n").into_bytes();
    file.extend((0..height * width).map(pixel));
    fs::write(path, file).unwrap();
}

/// Height and width.
const LARGE: [usize; 2] = [260, 300];

#[test]
fn large_images_are_looked_at_in_tiles_and_keep_their_size() {
    let place = Place::new();
    for folder in ["good", "new/good", "new/hole", "new/ground_truth/hole"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    for i in 0..60 {
        save_large(&place.path(&format!("good/{i:02}.pgm")), i, None);
    }
    // On the borders of tiles, too.
    let holes = [[30, 40], [80, 100], [120, 220], [235, 275]];
    for (i, hole) in holes.into_iter().enumerate() {
        save_large(&place.path(&format!("new/good/{i}.pgm")), 100 + i, None);
        save_large(
            &place.path(&format!("new/hole/{i}.pgm")),
            200 + i,
            Some(hole),
        );
        let mut mask = b"P5\n300 260\n255\n".to_vec();
        let [top, left] = hole;
        mask.extend((0..LARGE[0] * LARGE[1]).map(|at| {
            let inside = (top..top + 20).contains(&(at / LARGE[1]))
                && (left..left + 20).contains(&(at % LARGE[1]));
            if inside { 255 } else { 0 }
        }));
        let path = format!("new/ground_truth/hole/{i}_mask.pgm");
        fs::write(place.path(&path), mask).unwrap();
    }
    let train = "train good --model padim --features dct --tile 96 --out run";
    place.run(train).ends_with(0);
    let shown = place.run("inspect run").ends_with(0).stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("places of 4 × 4 tiles"), "{shown}");
    let model = Model::load(place.path("run")).unwrap();
    assert_eq!(json!(model.input())["height"], LARGE[0]);

    let evaluation = place.run("eval run new --json").ends_with(0).json();
    let evaluation = &evaluation["evaluation"];
    assert_eq!(evaluation["variants"][0]["metrics"]["auroc"], 1.0);
    let pixels = &evaluation["pixels"];
    assert_eq!(pixels["n_anomalous_pixels"], 4 * 400);
    assert_eq!(pixels["hits"], 1.0);
    assert!(pixels["aupro"].as_f64().unwrap() > 0.8, "{pixels}");

    place
        .run("score run new/hole --false-alarms 0.4 --out s.csv --explain why")
        .ends_with(0);
    let npy = place.read("why/maps.npy");
    let header = String::from_utf8_lossy(&npy[10..128]);
    assert!(header.contains("'shape': (4, 260, 300)"), "{header}");
    let index = String::from_utf8(place.read("why/maps.csv")).unwrap();
    let mut lines = csv::Reader::from_reader(index.as_bytes());
    for (line, [top, left]) in lines.records().map(Result::unwrap).zip(holes) {
        let boxes: Vec<[usize; 4]> = serde_json::from_str(&line[5]).unwrap();
        let [x, y, width, height] = boxes[0];
        assert!(x < left + 20 && x + width > left, "{boxes:?} {left}");
        assert!(y < top + 20 && y + height > top, "{boxes:?} {top}");
    }
    let overlays = place.files();
    let overlays = overlays
        .iter()
        .filter(|file| file.starts_with("why/overlays/"));
    assert_eq!(overlays.count(), 4);
    let refused =
        place.run("train good --model pca --features dct --tile 96 --feature-pool image --out r2");
    let refused = refused.ends_with(2).stderr;
    assert!(refused.contains("--feature-pool patches"), "{refused}");
    let refused = place
        .run("train good --model pca --overlap 9 --out r2")
        .ends_with(2)
        .stderr;
    assert!(refused.contains("--tile 224"), "{refused}");
}
