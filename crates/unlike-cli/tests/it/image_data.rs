//! Images all the way: files, training, scoring, evaluation.

use crate::support::{Place, noise};

/// A grey Netpbm image.
fn pgm(width: usize, height: usize, value: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let mut bytes = format!("P5\n{width} {height}\n255\n").into_bytes();
    bytes.extend((0..width * height).map(|i| value(i % width, i / width)));
    bytes
}

/// A slope with some noise; with a bright spot if it is anomalous.
fn tile(number: usize, side: usize, anomalous: bool) -> Vec<u8> {
    let slope = 60.0 + 60.0 * noise(number);
    pgm(side, side, |x, y| {
        let spot = anomalous && x.abs_diff(side / 2) < 2 && y.abs_diff(side / 3) < 2;
        let grain = 20.0 * noise(number * side * side + y * side + x);
        let value = slope * x as f64 / side as f64 + grain;
        if spot { 250 } else { value as u8 }
    })
}

/// `tiles/good` and `tiles/bad`.
fn with_tiles(good: usize, bad: usize) -> Place {
    let place = Place::new();
    for (folder, count) in [("good", good), ("bad", bad)] {
        std::fs::create_dir_all(place.path(&format!("tiles/{folder}"))).unwrap();
        for i in 0..count {
            let name = format!("tiles/{folder}/{i:03}.pgm");
            place.write(&name, tile(i + 1000 * count, 12, folder == "bad"));
        }
    }
    place
}

fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// `digits`, as MNIST has them: 100 to train on, 50 to test on; every fifth is a 2, which is bright.
fn with_digits() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path("digits")).unwrap();
    for (part, count) in [("train", 100_usize), ("t10k", 50)] {
        let labels: Vec<u8> = (0..count).map(|i| if i % 5 == 0 { 2 } else { 7 }).collect();
        let pixel = |i: usize| {
            let bright = if labels[i / 16] == 2 { 150.0 } else { 0.0 };
            (100.0 * noise(i + count) + bright) as u8
        };
        let pixels: Vec<u8> = (0..16 * count).map(pixel).collect();
        let n = count as u32;
        place.write(
            &format!("digits/{part}-images-idx3-ubyte"),
            idx(&[n, 4, 4], &pixels),
        );
        place.write(
            &format!("digits/{part}-labels-idx1-ubyte"),
            idx(&[n], &labels),
        );
    }
    place
}

#[test]
fn every_baseline_finds_the_spots() {
    let place = with_tiles(120, 20);
    // Two look at one pixel at a time, where noise hides the spot.
    for (model, floor) in [("pca", 0.9), ("knn", 0.9), ("iforest", 0.8), ("ecod", 0.7)] {
        let line = format!("train tiles --model {model} --out {model}");
        let ran = place.run(&line).ends_with(0);
        let found = "tiles: 120 of 140 samples, labelled normal";
        assert!(ran.stderr.contains(found), "{}", ran.stderr);
        let ran = place
            .run(&format!("eval {model} tiles --json"))
            .ends_with(0);
        let auroc = &ran.json()["evaluation"]["variants"][0]["metrics"]["auroc"];
        assert!(auroc.as_f64().unwrap() > floor, "{model}: {auroc}");
        let ran = place.run(&format!("score {model} tiles/bad")).ends_with(0);
        assert_eq!(ran.stdout.lines().count(), 21, "{}", ran.stdout);
        assert!(ran.stdout.contains("000.pgm"), "{}", ran.stdout);
    }
}

#[test]
fn threads_and_where_images_are_kept_change_no_bit() {
    let place = with_tiles(60, 0);
    let model = |out: &str, how: &str| {
        let line = format!("train tiles/good --model pca --out {out} {how}");
        let ran = place.run(&line).ends_with(0);
        (place.read(&format!("{out}/model.safetensors")), ran.stderr)
    };
    let (usual, told) = model("a", "--threads 1");
    assert!(!told.contains("read from the disk"), "{told}");
    let (on_disk, told) = model("b", "--threads 2 --image-memory 0");
    assert!(
        told.contains("60 images would take 8.4 KiB of memory"),
        "{told}"
    );
    assert!(usual == on_disk);
}

#[test]
fn a_model_remembers_how_its_images_were_read() {
    let place = with_tiles(40, 0);
    place
        .run("train tiles/good --model pca --image-size 8x6 --fit crop --out run")
        .ends_with(0);
    std::fs::create_dir(place.path("new")).unwrap();
    for (name, side) in [("a", 30), ("b", 17)] {
        place.write(&format!("new/{name}.pgm"), tile(3, side, false));
    }
    let ran = place.run("score run new").ends_with(0);
    assert_eq!(ran.stdout.lines().count(), 3);
    assert!(
        place
            .run("score run new --image-size 8x6 --fit crop")
            .ends_with(0)
            .stdout
            == ran.stdout
    );

    let refused = |options: &str| {
        place
            .run(&format!("score run new {options}"))
            .ends_with(2)
            .stderr
    };
    let message = refused("--image-size 8");
    assert!(
        message.contains("`image-size` is 8 × 8; expected 8 × 6, as in training"),
        "{message}"
    );
    let message = refused("--fit pad");
    assert!(
        message.contains("`fit` is pad; expected crop, as in training"),
        "{message}"
    );
    let message = refused("--channels colour");
    assert!(
        message.contains("`channels` is colour; expected grey"),
        "{message}"
    );
    refused("--image-size 0");
    refused("--image-size wide");
    // Without a word on sizes, images keep their proportions.
    place
        .run("train tiles/good --model pca --image-size 16 --out kept")
        .ends_with(0);
    let message = place
        .run("score kept new --fit stretch")
        .ends_with(2)
        .stderr;
    assert!(
        message.contains("`fit` is stretch; expected keep, as in training"),
        "{message}"
    );

    // Without a flag, a file of settings says how images come to their size.
    place.write("fit.toml", "[preprocessing]\nimage-fit = \"letterbox\"\n");
    place
        .run("train tiles/good --model pca --config fit.toml --image-size 8x6 --out other")
        .ends_with(0);
    let message = place.run("score other new --fit crop").ends_with(2).stderr;
    assert!(
        message.contains("`fit` is crop; expected letterbox"),
        "{message}"
    );
}

#[test]
fn a_split_keeps_what_trained_out_of_the_test() {
    let place = with_digits();
    let labels = "--anomalous-label 2";
    let counts = |split: &str, out: &str| {
        let train = format!("train digits --model knn {labels} --out {out} {split}");
        let ran = place.run(&train).ends_with(0);
        assert!(ran.stderr.contains("split "), "{}", ran.stderr);
        let provenance = |name: &str| {
            let model = place
                .run(&format!("inspect {out} --json"))
                .ends_with(0)
                .json();
            model["provenance"][name].as_u64().unwrap()
        };
        let trained = ["n_train", "n_validation", "n_calibration"].map(provenance);
        let eval = format!("eval {out} digits {labels} {split} --json");
        let report = place.run(&eval).ends_with(0).json();
        let metrics = &report["evaluation"]["variants"][0]["metrics"];
        assert!(metrics["auroc"].as_f64().unwrap() > 0.9, "{metrics}");
        assert!(report["run"]["protocol"].is_string(), "{}", report["run"]);
        let count = |name: &str| metrics[name].as_u64().unwrap();
        (
            trained.iter().sum::<u64>(),
            count("n_normal"),
            count("n_anomalous"),
        )
    };
    // 120 normals and 30 anomalies; 80 and 40 normals in the parts.
    assert_eq!(counts("--split merged-80-20", "a"), (96, 24, 30));
    assert_eq!(
        counts("--split merged-80-20 --split-seed 3", "b"),
        (96, 24, 30)
    );
    assert_eq!(counts("--split official", "c"), (80, 40, 10));
    assert!(place.read("a/model.safetensors") != place.read("b/model.safetensors"));

    let refused = |line: &str| place.run(line).ends_with(2).stderr;
    let message = refused("train digits --model pca --split merged-80-20 --out d");
    assert!(message.contains("--anomalous-label"), "{message}");
    let message = refused(
        "train digits/t10k-images-idx3-ubyte --model pca --anomalous-label 2 --split official --out d",
    );
    assert!(
        message.contains("without a training and a test part"),
        "{message}"
    );
    refused("train digits --model pca --anomalous-label 2 --split-seed 1 --out d");
}

#[test]
fn bad_folders_are_told_and_what_can_be_left_out_is() {
    let place = with_tiles(40, 0);
    let refused = |options: &str| {
        let line = format!("train tiles/good --model pca --out run {options}");
        place.run(&line).ends_with(2).stderr
    };
    place.write(
        "tiles/good/020.jpg",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0 and no more",
    );
    let message = refused("");
    assert!(message.contains("`tiles/good/020.jpg`: "), "{message}");
    assert!(
        message.contains("hint: leave such files out and count them with --skip-unreadable"),
        "{message}"
    );
    let ran = place
        .run("train tiles/good --model pca --out run --skip-unreadable")
        .ends_with(0);
    assert!(
        ran.stderr
            .contains("1 unreadable file left out: `tiles/good/020.jpg`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("all 40 samples"), "{}", ran.stderr);
    std::fs::remove_file(place.path("tiles/good/020.jpg")).unwrap();

    place.write("tiles/good/large.pgm", "P5\n20000 20000\n255\n");
    assert!(refused("--overwrite --image-size 8").contains("20000 × 20000 pixels"));

    std::fs::create_dir(place.path("empty")).unwrap();
    let message = place.run("train empty --model pca").ends_with(2).stderr;
    assert!(
        message.contains("images in `empty`: none; expected at least 1"),
        "{message}"
    );
    place.write("flows.csv", "a,b\n1,2\n");
    let message = place.run("score run flows.csv").ends_with(2).stderr;
    assert!(
        message.contains("expected images of 12 × 12 pixels, grey"),
        "{message}"
    );
}

#[test]
fn changes_to_training_images_are_settings() {
    let place = with_tiles(20, 0);
    place.write("flows.csv", crate::support::flows(50, 0));
    place.write("small.toml", crate::support::SMALL);
    let refused = |line: &str| place.run(line).ends_with(2).stderr;
    let message = refused("train flows.csv --config small.toml --model egbad --shift 1 --out run");
    assert!(
        message.contains("rows of a table cannot be flipped, moved or turned"),
        "{message}"
    );
    let message = refused("train tiles/good --model pca --features pixels --flip both --out run");
    assert!(
        message.contains("baselines are fitted to the images as they are"),
        "{message}"
    );
    let message = refused("train tiles/good --model pca --features pixels --rotate 90 --out run");
    assert!(
        message.contains("`augmentation.rotation` is 90; expected 0 to 45 degrees"),
        "{message}"
    );
    let message = refused("train tiles/good --model pca --features pixels --shift 12 --out run");
    assert!(
        message.contains("less than the 12 pixels of a side"),
        "{message}"
    );
    assert!(!place.path("run").exists());
}

/// `set/train/good`, `set/test/good`, `set/test/spot` and its masks.
fn with_set() -> Place {
    let place = Place::new();
    let put = |folder: &str, count: usize, from: usize, anomalous: bool| {
        std::fs::create_dir_all(place.path(folder)).unwrap();
        for i in 0..count {
            place.write(
                &format!("{folder}/{i:03}.pgm"),
                tile(from + i, 12, anomalous),
            );
        }
    };
    put("set/train/good", 40, 0, false);
    put("set/test/good", 10, 500, false);
    put("set/test/spot", 10, 900, true);
    std::fs::create_dir_all(place.path("set/ground_truth/spot")).unwrap();
    for i in 0..10 {
        let name = format!("set/ground_truth/spot/{i:03}_mask.pgm");
        let marked = |x: usize, y: usize| x.abs_diff(6) < 2 && y.abs_diff(4) < 2;
        place.write(&name, pgm(12, 12, |x, y| u8::from(marked(x, y))));
    }
    place
}

#[test]
fn a_set_is_trained_and_measured_by_its_folders() {
    let place = with_set();
    let ran = place
        .run("train set --model pca --features pixels --out run")
        .ends_with(0);
    assert!(
        ran.stderr
            .contains("by folders: 20 images to test on are left out"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("40 of 40 samples, labelled normal"),
        "{}",
        ran.stderr
    );
    for data in ["set", "set/test"] {
        let report = place
            .run(&format!("eval run {data} --json"))
            .ends_with(0)
            .json();
        let metrics = &report["evaluation"]["variants"][0]["metrics"];
        assert_eq!(
            (&metrics["n_normal"], &metrics["n_anomalous"]),
            (&10.into(), &10.into())
        );
        let pixels = &report["evaluation"]["pixels"];
        assert_eq!(pixels["n_regions"], 10, "{pixels}");
        let cautions = report["evaluation"]["cautions"].as_array().unwrap();
        assert_eq!(cautions.len(), 0, "{cautions:?}");
    }
}

#[test]
fn results_below_the_data_are_no_data() {
    let place = with_tiles(40, 6);
    place
        .run("train tiles/good --model ganomaly --epochs 1 --features pixels --image-size 16 --out tiles/run")
        .ends_with(0);
    place
        .run("score tiles/run tiles --explain tiles/why --out tiles/s.csv")
        .ends_with(0);
    std::fs::remove_file(place.path("tiles/why/maps.npy")).unwrap();
    let info = place.run("data info tiles --json").ends_with(0).json();
    assert_eq!(info["rows"], 46, "{info}");
    assert_eq!(info["files"]["own"].as_array().unwrap()[0], "run", "{info}");
    let scored = place.run("score tiles/run tiles").ends_with(0);
    assert_eq!(scored.stdout.lines().count(), 47);
}

#[test]
fn no_image_is_passed_over_without_a_word() {
    let place = with_tiles(40, 6);
    place
        .run("train tiles/good --model pca --out run")
        .ends_with(0);
    let avif = [&[0, 0, 0, 24][..], b"ftypavif", &[0; 4], b"mif1miaf"].concat();
    std::fs::create_dir(place.path("new")).unwrap();
    place.write("new/a.pgm", tile(0, 12, false));
    let score = |more: &str| place.run(&format!("score run new --fail-on-anomaly {more}"));
    score("").ends_with(0);
    place.write("new/b.avif", &avif);
    let ran = score("").ends_with(3);
    assert!(ran.stderr.contains("`b.avif` (AVIF)"), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("unread    1 image: nothing is known of it"),
        "{}",
        ran.stderr
    );
    let json = score("--json").ends_with(3).json();
    assert_eq!(json["unread"][0]["id"], "b.avif");
    assert_eq!(json["unread"][0]["reason"], "the format AVIF");
    // Damaged images that are left out, likewise.
    std::fs::remove_file(place.path("new/b.avif")).unwrap();
    place.write("new/c.jpg", "no JPEG");
    score("").ends_with(2);
    let json = score("--json --skip-unreadable").ends_with(3).json();
    assert_eq!(json["unread"][0]["id"], "c.jpg");
    // An anomaly is what counts more.
    place.write("new/d.pgm", tile(7, 12, true));
    score("--skip-unreadable").ends_with(1);
    // Without the option, a command that did its work ends well.
    place.run("score run new --skip-unreadable").ends_with(0);

    // In reports, too.
    place.write("tiles/bad/x.avif", &avif);
    place.write("tiles/good/x.avif", &avif);
    let json = place.run("eval run tiles --json").ends_with(0).json();
    let caution = json["evaluation"]["cautions"].to_string();
    assert!(
        caution.contains("2 images not read") && caution.contains("bad/x.avif"),
        "{caution}"
    );
    let json = place
        .run("train tiles/good --model pca --out other --json")
        .ends_with(0)
        .json();
    assert_eq!(json["unread"][0]["id"], "x.avif");
    let html = String::from_utf8(place.read("other/report.html")).unwrap();
    assert!(html.contains("1 image not read"), "{html}");
}

#[test]
fn data_info_tells_what_cannot_be_read() {
    let place = with_tiles(3, 2);
    place.write("tiles/good/x.heic", "damaged");
    place.write("tiles/notes.txt", "no image");
    place.write("tiles/bad/large.pgm", tile(5, 20, false));
    place.write("tiles/bad/copy.pgm", tile(3000, 12, false));
    insta::assert_snapshot!(
        "data_info_mixed",
        place.run("data info tiles").ends_with(0).stdout
    );
    place.write("a.parquet", b"PAR1\0\0");
    insta::assert_snapshot!(
        "data_info_unreadable",
        place.run("data info a.parquet").ends_with(0).stdout
    );
    place.run("data info nowhere").ends_with(2);
}

#[test]
fn data_info_counts_images() {
    let place = with_tiles(7, 2);
    insta::assert_snapshot!(place.run("data info tiles").ends_with(0).stdout);
}

#[test]
fn small_images_are_seen_as_a_whole_in_arrays_and_by_their_pixels_in_files() {
    let place = with_tiles(40, 0);
    let mut array = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 12, 12), }";
    array.extend(format!("{header:117}\n").bytes());
    for i in 0..40 {
        let tile = tile(i, 12, false);
        array.extend(&tile[tile.len() - 144..]);
    }
    place.write("tiles.npy", array);
    for (data, features) in [
        ("tiles.npy", "features = \"lite0\"\npool = \"image\""),
        ("tiles/good", "features = \"pixels\""),
    ] {
        place
            .run(&format!("train {data} --model pca --out run --overwrite"))
            .ends_with(0);
        let config = String::from_utf8(place.read("run/config.toml")).unwrap();
        assert!(config.contains(features), "{data}: {config}");
    }
}
