//! NumPy arrays and archives.

use std::io::{Cursor, Write};

use unlike_core::{ColumnKind, ColumnSpec, Label};
use unlike_data::{DataInfo, Format, ReadOptions, read};

use crate::{File, bundled, names, numbers, table, texts};

/// An array file as NumPy writes it.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn f8(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The rows [1, 2, 3] and [4, 5, 6].
fn two_by_three() -> Vec<u8> {
    npy("<f8", false, "(2, 3)", &f8(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_may_not_become_larger_than_is_allowed() {
    let values = npy("<f8", false, "(1000, 1)", &[0; 8000]);
    let size = values.len();
    let file = File::new("t.npz", npz(&[("X", values)]));
    for (most, fits) in [(size, true), (size - 1, false)] {
        let options = ReadOptions {
            max_unpacked: Some(most),
            ..ReadOptions::default()
        };
        match file.read(&options) {
            Ok(data) => assert!(fits && data.samples().len() == 1000),
            Err(error) => {
                assert!(!fits && file.shown(&error).contains("that unpack to more than"));
                assert!(error.hint().unwrap().ends_with("`max-unpacked`"));
            }
        }
    }
}

fn message(name: &str, bytes: Vec<u8>) -> String {
    let file = File::new(name, bytes);
    file.shown(&file.read(&ReadOptions::default()).expect_err("an error"))
}

#[test]
fn rows_and_columns_in_both_orders() {
    let c = File::new("a.npy", two_by_three());
    let columns = f8(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let fortran = File::new("a.npy", npy("<f8", true, "(2, 3)", &columns));
    for file in [c, fortran] {
        let data = file.read(&ReadOptions::default()).unwrap();
        assert_eq!(data.format(), Format::Npy);
        assert_eq!(names(&data), ["1", "2", "3"]);
        assert_eq!(numbers(table(&data), "1"), [1.0, 4.0]);
        assert_eq!(numbers(table(&data), "3"), [3.0, 6.0]);
        assert!(data.classes().is_none());
        assert_eq!(data.samples().id(1), "2");
    }
}

#[test]
fn every_number_type_in_both_byte_orders() {
    macro_rules! check {
        ($($descr:literal $type:ty),*) => {$(
            let values: [$type; 2] = [3 as $type, <$type>::MAX];
            let little: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let big: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
            for (order, bytes) in [("<", &little), (">", &big)] {
                let file = File::new("a.npy", npy(&format!("{order}{}", $descr), false, "(2, 1)", bytes));
                let data = file.read(&ReadOptions::default()).unwrap();
                assert_eq!(numbers(table(&data), "1"), [3.0, <$type>::MAX as f64], "{order}{}", $descr);
            }
        )*};
    }
    check!("f4" f32, "f8" f64, "i1" i8, "i2" i16, "i4" i32, "i8" i64, "u1" u8, "u2" u16, "u4" u32, "u8" u64);
    let file = File::new("a.npy", npy("|b1", false, "(2, 1)", &[0, 1]));
    assert_eq!(
        numbers(table(&file.read(&ReadOptions::default()).unwrap()), "1"),
        [0.0, 1.0]
    );
}

#[test]
fn newer_headers_have_longer_lengths() {
    let mut bytes = two_by_three();
    let length = u16::from_le_bytes([bytes[8], bytes[9]]);
    bytes[6] = 2;
    bytes.splice(8..10, u32::from(length).to_le_bytes());
    let data = File::new("a.npy", bytes)
        .read(&ReadOptions::default())
        .unwrap();
    assert_eq!(numbers(table(&data), "2"), [2.0, 5.0]);
}

#[test]
fn archives_have_samples_and_classes() {
    let y = npy(
        "<i8",
        false,
        "(2,)",
        &[0_i64, 1].map(i64::to_le_bytes).concat(),
    );
    let file = File::new("a.npz", npz(&[("y", y), ("X", two_by_three())]));
    let data = file.read(&ReadOptions::default()).unwrap();
    assert_eq!(data.format(), Format::Npz);
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Normal, Label::Anomalous]
    );
    assert_eq!(
        data.labels().unwrap().rule(),
        "by `y`, normal: `0`; anomalous: `1`"
    );

    let options = ReadOptions {
        normal_labels: vec!["1".into()],
        ..ReadOptions::default()
    };
    let data = file.read(&options).unwrap();
    assert_eq!(
        data.labels().unwrap().values(),
        [Label::Anomalous, Label::Normal]
    );

    let file = File::new("a.npz", npz(&[("X", two_by_three())]));
    assert!(
        file.read(&ReadOptions::default())
            .unwrap()
            .classes()
            .is_none()
    );
}

#[test]
fn classes_may_be_another_array_or_a_column() {
    let kind = npy("|u1", false, "(2, 1)", &[7, 9]);
    let file = File::new("a.npz", npz(&[("X", two_by_three()), ("kind", kind)]));
    for (column, classes, width) in [("kind", ["7", "9"], 3), ("3", ["3", "6"], 2)] {
        let options = ReadOptions {
            label_column: Some(column.into()),
            anomalous_labels: vec![classes[1].into()],
            ..ReadOptions::default()
        };
        let data = file.read(&options).unwrap();
        assert_eq!(data.classes().unwrap().levels(), classes);
        assert_eq!(
            data.labels().unwrap().values(),
            [Label::Normal, Label::Anomalous]
        );
        assert_eq!(table(&data).columns().len(), width);
    }
}

#[test]
fn columns_may_be_categories_ids_or_dropped() {
    let file = File::new("a.npy", two_by_three());
    let options = ReadOptions {
        id_column: Some("1".into()),
        drop_columns: vec!["2".into()],
        expect: Some(vec![ColumnSpec {
            name: "3".into(),
            kind: ColumnKind::Category,
        }]),
        ..ReadOptions::default()
    };
    let data = file.read(&options).unwrap();
    assert_eq!(texts(table(&data), "3"), ["3", "6"]);
    assert_eq!(data.samples().id(1), "4");
}

#[test]
fn nan_is_refused_unless_it_is_declared_missing() {
    let file = File::new(
        "a.npy",
        npy("<f8", false, "(2, 2)", &f8(&[1.0, 2.0, 3.0, f64::NAN])),
    );
    let error = file.read(&ReadOptions::default()).unwrap_err();
    assert_eq!(
        file.shown(&error),
        "`a.npy`, row 2, column `2`: NaN; expected a finite number"
    );
    assert_eq!(
        error.hint().map(|hint| hint.as_str()),
        Some("if NaN stands for a missing value, say `missing = NaN`")
    );
    let options = ReadOptions {
        missing: vec!["NaN".into()],
        ..ReadOptions::default()
    };
    assert!(numbers(table(&file.read(&options).unwrap()), "2")[1].is_nan());

    let infinite = npy("<f8", false, "(1, 1)", &f8(&[f64::INFINITY]));
    let file = File::new("a.npy", infinite);
    let error = file.read(&options).unwrap_err();
    assert_eq!(
        file.shown(&error),
        "`a.npy`, row 1, column `1`: inf; expected a finite number"
    );
    // Declaring NaN missing does not help.
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("if it stands for a missing value, put NaN in its place")
    );
}

#[test]
fn an_archive_without_samples() {
    let bytes = npz(&[("data", two_by_three()), ("y", two_by_three())]);
    let file = File::new("a.npz", bytes);
    let error = file.read(&ReadOptions::default()).unwrap_err();
    assert_eq!(
        file.shown(&error),
        "`a.npz`: an archive of the arrays `data`, `y`; expected an array `X`, [rows, columns]"
    );
    assert_eq!(
        error.hint().map(|hint| hint.as_str()),
        Some("save it with numpy.savez(path, X=X, y=y)")
    );
}

#[test]
fn wrong_types() {
    let numbers = "numbers (f2, f4, f8, i1 to i8, u1 to u8 or bool)";
    let check = |name: &str, bytes: Vec<u8>, found: &str, hint: &str| {
        let file = File::new(name, bytes);
        let error = file.read(&ReadOptions::default()).unwrap_err();
        assert_eq!(
            file.shown(&error),
            format!("`a.npy`: the array {found}; expected {numbers}")
        );
        let said = error.hint().unwrap().to_string();
        assert!(said.contains(hint), "{said}");
    };
    check(
        "a.npy",
        npy("<c16", false, "(1, 1)", &[0; 16]),
        "holds complex numbers (`<c16`)",
        "X.imag",
    );
    check(
        "a.npy",
        npy("<M8[ns]", false, "(1, 1)", &[0; 8]),
        "holds times (`<M8[ns]`)",
        "X.astype(\"int64\")",
    );
    check(
        "a.npy",
        npy("<f16", false, "(1, 1)", &[0; 16]),
        "holds values of type `<f16`",
        "X.astype(numpy.float64)",
    );
    check(
        "a.npy",
        npy("|O", false, "(1, 1)", &[0; 16]),
        "holds pickled Python objects",
        "y.astype(str)",
    );
    check(
        "a.npy",
        npy("<U2", false, "(1, 1)", &[0; 8]),
        "holds texts",
        "to_csv",
    );
    // A record type is a list where others have a text; same length, so the header stays whole.
    let descr = "[('a','<f8')]";
    let placeholder = "x".repeat(descr.len() - 2);
    let mut records = npy(&placeholder, false, "(1,)", &[0; 8]);
    let quoted = format!("'{placeholder}'");
    let at = records
        .windows(quoted.len())
        .position(|w| w == quoted.as_bytes())
        .unwrap();
    records[at..at + descr.len()].copy_from_slice(descr.as_bytes());
    check(
        "a.npy",
        records,
        "holds records",
        "structured_to_unstructured",
    );
}

#[test]
fn half_precision_is_read_in_both_byte_orders() {
    // 1, -2, the largest, the smallest, one between.
    let bits: [u16; 5] = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555];
    let expected = [1.0, -2.0, 65504.0, 2f64.powi(-24), 0.333_251_953_125];
    for (order, bytes) in [
        ("<", bits.map(u16::to_le_bytes).concat()),
        (">", bits.map(u16::to_be_bytes).concat()),
    ] {
        let file = File::new("a.npy", npy(&format!("{order}f2"), false, "(5, 1)", &bytes));
        let data = file.read(&ReadOptions::default()).unwrap();
        assert_eq!(numbers(table(&data), "1"), expected);
    }
    let nan = File::new(
        "a.npy",
        npy("<f2", false, "(1, 1)", &0x7e00u16.to_le_bytes()),
    );
    assert!(nan.read(&ReadOptions::default()).is_err());
}

#[test]
fn labels_may_be_texts() {
    let wide: Vec<u8> = "ok\0bad"
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    let narrow = b"ok\0bad".to_vec();
    for y in [
        npy("<U3", false, "(2,)", &wide),
        npy("|S3", false, "(2,)", &narrow),
    ] {
        let file = File::new("a.npz", npz(&[("y", y), ("X", two_by_three())]));
        let options = ReadOptions {
            normal_labels: vec!["ok".into()],
            ..ReadOptions::default()
        };
        let data = file.read(&options).unwrap();
        assert_eq!(data.classes().unwrap().levels(), ["ok", "bad"]);
        assert_eq!(data.labels().unwrap().count(Label::Anomalous), 1);
    }
}

#[test]
fn large_whole_numbers_stay_exact_as_names_and_classes() {
    let values: [i64; 4] = [1 << 60, 1, (1 << 60) + 1, 2];
    let file = File::new(
        "a.npy",
        npy(
            "<i8",
            false,
            "(2, 2)",
            &values.map(i64::to_le_bytes).concat(),
        ),
    );
    let options = ReadOptions {
        id_column: Some("1".into()),
        ..ReadOptions::default()
    };
    let data = file.read(&options).unwrap();
    assert_eq!(data.samples().id(0), "1152921504606846976");
    assert_eq!(data.samples().id(1), "1152921504606846977");
    let options = ReadOptions {
        category_columns: vec!["1".into()],
        ..ReadOptions::default()
    };
    let levels = texts(table(&file.read(&options).unwrap()), "1");
    assert_ne!(levels[0], levels[1]);
    let data = file.read(&ReadOptions::default()).unwrap();
    assert!(
        data.notes()[0].starts_with("column `1`: 1 whole number of more than 15 digits rounded")
    );
}

#[test]
fn numbers_can_be_declared_missing() {
    let file = File::new(
        "a.npy",
        npy(
            "<f4",
            false,
            "(2, 1)",
            &[-999f32, 5.0].map(f32::to_le_bytes).concat(),
        ),
    );
    let options = ReadOptions {
        missing: vec!["-999".into()],
        ..ReadOptions::default()
    };
    let data = file.read(&options).unwrap();
    assert!(numbers(table(&data), "1")[0].is_nan());
    assert_eq!(numbers(table(&data), "1")[1], 5.0);
}

#[test]
fn headers_without_what_they_must_say() {
    for (key, message_end) in [
        (
            "shape",
            "has no `shape` in its header; expected a tuple of sizes",
        ),
        (
            "fortran_order",
            "has no `fortran_order` in its header; expected True or False",
        ),
    ] {
        let mut bytes = two_by_three();
        let at = bytes
            .windows(key.len())
            .position(|w| w == key.as_bytes())
            .unwrap();
        bytes[at] = b'?';
        assert_eq!(
            message("a.npy", bytes),
            format!("`a.npy`: the array {message_end}")
        );
    }
}

#[test]
fn wrong_shapes() {
    for (shape, expected, hint) in [
        (
            "(1, 2, 2)",
            "two dimensions, [rows, columns], or bytes as [images, height, width], with 1 or 3 channels \
             after it if there are channels",
            "make each sample a row with X.reshape(len(X), -1); or, if they are images, bytes of them: \
             numpy.rint(255 * X).astype(numpy.uint8) where 1 is white",
        ),
        (
            "(4,)",
            "two dimensions, [rows, columns]",
            "make it a table of one column with X.reshape(-1, 1)",
        ),
    ] {
        let file = File::new("a.npy", npy("<f8", false, shape, &f8(&[0.0; 4])));
        let error = file.read(&ReadOptions::default()).unwrap_err();
        let shown = shape.replace(",)", ")").replace('(', "[").replace(')', "]");
        assert_eq!(
            file.shown(&error),
            format!("`a.npy`: the array of shape {shown}; expected {expected}")
        );
        assert_eq!(error.hint().map(|hint| hint.as_str()), Some(hint));
    }
    assert_eq!(
        message("a.npy", npy("<f8", false, "(0, 3)", &[])),
        "`a.npy`: the array of shape [0, 3]; expected at least one row"
    );
    assert_eq!(
        message("a.npy", npy("<f8", false, "(3, 0)", &[])),
        "`a.npy`: the array of shape [3, 0]; expected at least one column"
    );
}

#[test]
fn classes_of_another_length() {
    let y = npy("|u1", false, "(3,)", &[0, 1, 1]);
    assert_eq!(
        message("a.npz", npz(&[("X", two_by_three()), ("y", y)])),
        "`a.npz`: the array `y` of length 3; expected 2, one for each row of `X`"
    );
    let y = npy("|u1", false, "(1, 2)", &[0, 1]);
    assert_eq!(
        message("a.npz", npz(&[("X", two_by_three()), ("y", y)])),
        "`a.npz`: the array `y` of shape [1, 2]; expected one dimension, [rows]"
    );
}

#[test]
fn a_class_that_is_nan() {
    let y = npy("<f8", false, "(2,)", &f8(&[0.0, f64::NAN]));
    assert_eq!(
        message("a.npz", npz(&[("X", two_by_three()), ("y", y)])),
        "`a.npz`, row 2, column `y`: NaN; expected a label in every row"
    );
}

#[test]
fn arrays_and_archives_that_were_cut_short() {
    let whole = two_by_three();
    for length in 0..whole.len() {
        let expected = match length {
            0 => "`a.npy`: an empty file; expected at least one row",
            // Too short to be recognised as an array, so it is taken for text.
            1..6 => "which is not UTF-8; expected UTF-8 text",
            6..128 => {
                "`a.npy`: the array has no NumPy header, or one that is cut short; expected a whole \
                 array"
            }
            _ => "`a.npy`: the array of shape [2, 3] has only ",
        };
        let message = message("a.npy", whole[..length].to_vec());
        assert!(message.contains(expected), "{length}: {message}");
    }
    let whole = npz(&[("X", whole)]);
    for length in 4..whole.len() {
        let message = message("a.npz", whole[..length].to_vec());
        assert!(
            message.starts_with("`a.npz`: a damaged zip archive ("),
            "{length}: {message}"
        );
    }
}

#[test]
fn shapes_that_no_file_can_hold() {
    let huge = "(18446744073709551615, 18446744073709551615)";
    assert!(message("a.npy", npy("<f8", false, huge, &[0; 64])).contains(" has only 64 bytes"));
}

#[test]
fn the_bundled_archives_have_their_published_counts() {
    for (name, rows, columns, anomalies) in
        [("thyroid.npz", 3772, 6, 93), ("cardio.npz", 1831, 21, 176)]
    {
        let info = DataInfo::new(&read(bundled(name), &ReadOptions::default()).unwrap());
        assert_eq!((info.rows, info.columns.len()), (rows, columns), "{name}");
        assert_eq!(info.anomalous, Some(anomalies), "{name}");
    }
}

/// So many images of 2 × 3 pixels, each of one shade.
fn shades(shades: &[u8]) -> Vec<u8> {
    let pixels: Vec<u8> = shades.iter().flat_map(|&shade| [shade; 6]).collect();
    npy("|u1", false, &format!("({}, 2, 3)", shades.len()), &pixels)
}

fn pixels(data: &unlike_data::DataSet) -> Vec<f32> {
    let unlike_core::Samples::Images(images) = data.samples() else {
        panic!("images");
    };
    assert_eq!(images.shape(), [2, 3, 1]);
    let all = images.pixels().unwrap();
    all.chunks(6).map(|image| image[0]).collect()
}

#[test]
fn bytes_of_more_dimensions_are_images() {
    let file = File::new("a.npy", shades(&[0, 255]));
    let data = file.read(&ReadOptions::default()).unwrap();
    assert_eq!(data.format(), Format::Npy);
    assert_eq!(pixels(&data), [-1.0, 1.0]);
    assert_eq!(data.samples().id(1), "1");
    // Drawing of rows takes all images.
    let draw = unlike_data::Draw { rows: 1, seed: 0 };
    let (data, _) = unlike_data::read_drawn(&[file.path()], &ReadOptions::default(), draw).unwrap();
    assert_eq!(pixels(&data).len(), 2);
    let labelled = npz(&[
        ("X", shades(&[0, 255, 0])),
        ("y", npy("|u1", false, "(3, 1)", &[7, 4, 7])),
    ]);
    let options = ReadOptions {
        normal_labels: vec!["7".into()],
        ..ReadOptions::default()
    };
    let data = File::new("a.npz", labelled).read(&options).unwrap();
    let labels = data.labels().unwrap();
    assert_eq!(
        labels.values(),
        [Label::Normal, Label::Anomalous, Label::Normal]
    );
    // Options that mean nothing are refused.
    let missed = ReadOptions {
        label_column: Some("Y".into()),
        ..ReadOptions::default()
    };
    let labelled = npz(&[("X", shades(&[0])), ("y", npy("|u1", false, "(1,)", &[7]))]);
    let error = File::new("a.npz", labelled).read(&missed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`label-column` is `Y`; expected one of the arrays `X`, `y`"
    );
    let error = file.read(&missed).unwrap_err();
    assert!(
        error.to_string().contains("images have no columns"),
        "{error}"
    );
    let colour = npy("|u1", false, "(1, 2, 2, 3)", &[9; 12]);
    let data = File::new("a.npy", colour)
        .read(&ReadOptions::default())
        .unwrap();
    assert_eq!(data.samples().len(), 1);
}

#[test]
fn images_in_parts() {
    let labels = |labels: &[u8]| npy("|u1", false, &format!("({}, 1)", labels.len()), labels);
    let arrays = [
        ("test_images", shades(&[255, 0, 255])),
        ("train_images", shades(&[0, 0, 0, 0])),
        ("train_labels", labels(&[0, 1, 0, 0])),
        ("test_labels", labels(&[0, 1, 1])),
    ];
    let options = ReadOptions {
        normal_labels: vec!["0".into()],
        ..ReadOptions::default()
    };
    let file = File::new("set.npz", npz(&arrays));
    let data = file.read(&options).unwrap();
    assert_eq!(
        pixels(&data),
        [-1.0, -1.0, -1.0, -1.0, 1.0, -1.0, 1.0],
        "training first"
    );
    assert_eq!(data.samples().id(4), "test:0");
    let split = unlike_data::split::official(&data).unwrap();
    assert_eq!(
        (split.train(), split.test()),
        (&[0, 2, 3][..], &[4, 5, 6][..])
    );
    // Without the labels of a part there are none, which is told.
    let data = File::new("set.npz", npz(&arrays[..3])).read(&ReadOptions::default());
    let data = data.unwrap();
    assert!(data.labels().is_none());
    assert_eq!(
        data.notes()[0].as_str(),
        "there is no array `test_labels`, so that no image has a label"
    );
    let few = [arrays[1].clone(), ("train_labels", labels(&[0]))];
    let file = File::new("set.npz", npz(&few));
    assert_eq!(
        file.shown(&file.read(&options).unwrap_err()),
        "`set.npz`: the array `train_labels` of length 1; expected 4, one for each image of `train_images`"
    );
    let other = npy("|u1", false, "(1, 2, 2)", &[0; 4]);
    let file = File::new(
        "set.npz",
        npz(&[("train_images", shades(&[0])), ("test_images", other)]),
    );
    assert_eq!(
        file.shown(&file.read(&ReadOptions::default()).unwrap_err()),
        "`set.npz`: images of 2 × 2 pixels and 1 channels in the part `test`; expected 3 × 2 and 1, as in \
         the first part"
    );
    let floats = npy("<f8", false, "(1, 2, 2)", &f8(&[0.0; 4]));
    let file = File::new("set.npz", npz(&[("train_images", floats)]));
    let error = file.read(&ReadOptions::default()).unwrap_err();
    assert!(
        file.shown(&error)
            .contains("`train_images` of shape [1, 2, 2]; expected images of bytes")
    );
}

#[test]
fn parts_together_may_not_become_larger_than_is_allowed() {
    let part = shades(&[0; 100]);
    let size = part.len();
    let parts: Vec<(String, Vec<u8>)> = (0..3)
        .map(|i| (format!("p{i}_images"), part.clone()))
        .collect();
    let parts: Vec<(&str, Vec<u8>)> = parts
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    let file = File::new("t.npz", npz(&parts));
    let within = |most| ReadOptions {
        max_unpacked: Some(most),
        ..ReadOptions::default()
    };
    assert_eq!(file.read(&within(3 * size)).unwrap().samples().len(), 300);
    let error = file.read(&within(3 * size - 1)).unwrap_err();
    assert!(file.shown(&error).contains("that unpack to more than"));
}

#[test]
fn how_to_make_images_of_an_array_depends_on_what_is_wrong() {
    for (fortran, shape, values, hint) in [
        (true, "(2, 2, 2)", 8, "numpy.ascontiguousarray(X)"),
        (false, "(2, 3, 4, 5)", 120, "numpy.moveaxis(X, 1, -1)"),
        (false, "(2, 2, 2, 4)", 32, "X[..., :3]"),
    ] {
        let file = File::new("a.npy", npy("|u1", fortran, shape, &vec![0; values]));
        let error = file.read(&ReadOptions::default()).unwrap_err();
        assert!(
            error.hint().unwrap().contains(hint),
            "{shape}: {:?}",
            error.hint()
        );
    }
}
