//! Parquet and Arrow as several programs write them: see `tests/typed/write.py`.

use std::path::{Path, PathBuf};

use unlike_core::ColumnKind;
use unlike_data::{
    DataSet, DatePart, Format, Preprocessing, PreprocessingConfig, ReadOptions, read,
};

use crate::{File, names, numbers, table, texts};

pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/typed")
        .join(name)
}

fn read_with(name: &str, options: &ReadOptions) -> DataSet {
    read(file(name), options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn options() -> ReadOptions {
    ReadOptions {
        label_column: Some("label".into()),
        ..ReadOptions::default()
    }
}

pub(crate) const FILES: [&str; 7] = [
    "pandas.parquet",
    "polars.parquet",
    "old.parquet",
    "new.parquet",
    "feather.arrow",
    "polars.arrow",
    "stream.arrows",
];

#[test]
fn all_programs_files_say_the_same() {
    for name in FILES {
        let data = read_with(name, &options());
        let format = match name.ends_with(".parquet") {
            true => Format::Parquet,
            false => Format::Arrow,
        };
        assert_eq!(data.format(), format);
        let table = table(&data);
        let close = |column: &str, expected: &dyn Fn(f64) -> f64| {
            let values = numbers(table, column);
            assert_eq!(values.len(), 12, "{name}, {column}");
            for (i, &value) in values.iter().enumerate() {
                let expected = expected(i as f64);
                assert!(
                    value == expected || (value.is_nan() && expected.is_nan()),
                    "{name}, {column}: {value}"
                );
            }
        };
        close("whole", &|i| i - 3.0);
        close("small", &|i| i + 240.0);
        close("real", &|i| if i == 4.0 { f64::NAN } else { i / 8.0 });
        close("single", &|i| f64::from((0.1 * i) as f32));
        close("price", &|i| (i * 25.0 - 50.0) / 100.0);
        if !name.starts_with("polars") {
            close("half", &|i| i / 4.0);
            assert_eq!(texts(table, "grade")[..4], ["a", "b", "c", "a"]);
        }
        assert_eq!(
            texts(table, "text")[..4],
            ["süß", "sauer", "", "sauer"],
            "{name}"
        );
        assert_eq!(
            texts(table, "truth")[..4],
            ["true", "false", "false", "true"],
            "{name}"
        );
        // 5 March 2024 was a Tuesday.
        assert_eq!(
            numbers(table, "moment (weekday)")[..4],
            [2.0, 2.0, 2.0, 3.0],
            "{name}"
        );
        assert_eq!(numbers(table, "moment (hour)")[..2], [6.5, 13.5], "{name}");
        assert_eq!(numbers(table, "day (month)")[0], 3.0, "{name}");
        assert!(table.column("day (hour)").is_none(), "{name}");
        assert_eq!(
            data.labels().unwrap().rule(),
            "by `label`, normal: `0`; anomalous: `1`"
        );
        assert!(!names(&data).contains(&"__index_level_0__"), "{name}");
        assert_eq!(data.samples().id(11), "12");
    }
}

#[test]
fn roles_and_missing_values_are_as_in_text() {
    let options = ReadOptions {
        id_column: Some("large".into()),
        category_columns: vec!["small".into()],
        drop_columns: vec!["whole".into()],
        missing: vec!["245".into(), "sauer".into(), "0.5".into()],
        dates: Some(vec![DatePart::Elapsed]),
        ..options()
    };
    for name in ["pandas.parquet", "feather.arrow", "stream.arrows"] {
        let data = read_with(name, &options);
        // Beyond 53 bits, to the last digit.
        assert_eq!(data.samples().id(0), "9007199254740993");
        assert_eq!(texts(table(&data), "small")[4..7], ["244", "", "246"]);
        assert_eq!(texts(table(&data), "text")[..2], ["süß", ""]);
        assert!(numbers(table(&data), "half")[2].is_nan());
        assert_eq!(numbers(table(&data), "day (elapsed)")[0], 19_787.0);
        assert!(table(&data).column("whole").is_none());
        // As a feature, the digits that numbers cannot hold are told.
        let data = read_with(name, &self::options());
        let note = data
            .notes()
            .iter()
            .find(|note| note.contains("`large`"))
            .unwrap();
        assert!(
            note.contains("6 whole numbers of more than 15 digits rounded"),
            "{note}"
        );
    }
}

#[test]
fn fields_of_structs_are_columns_and_lists_are_refused_by_name() {
    for (name, list) in [
        ("nested.parquet", "list.list.element"),
        ("nested.arrow", "list"),
    ] {
        let error = read(file(name), &ReadOptions::default()).unwrap_err();
        let found = format!("lists in column `{list}`");
        assert!(error.to_string().contains(&found), "{error}");
        assert!(error.hint().unwrap().contains("drop-columns"));
        let options = ReadOptions {
            drop_columns: vec![list.into()],
            id_column: Some("id".into()),
            ..ReadOptions::default()
        };
        let data = read_with(name, &options);
        assert_eq!(names(&data), ["place.x", "place.y"]);
        assert_eq!(numbers(table(&data), "place.x")[3], 3.0);
        assert!(numbers(table(&data), "place.y")[1].is_nan());
        assert_eq!(data.samples().id(7), "r7");
    }
}

#[test]
fn a_model_of_text_reads_the_same_rows_from_parquet() {
    let text = "whole,truth,real\n-3,true,0\n-2,false,0.125\n5,true,\n";
    let csv = File::new("t.csv", text)
        .read(&ReadOptions::default())
        .unwrap();
    let fitted = Preprocessing::fit(csv.samples(), &PreprocessingConfig::default()).unwrap();
    let data = read_with(
        "pandas.parquet",
        &fitted.read_options(ReadOptions::default()),
    );
    let kind = |name: &str| table(&data).column(name).unwrap().values.kind();
    assert_eq!(
        [kind("whole"), kind("truth"), kind("real")],
        [ColumnKind::Number, ColumnKind::Category, ColumnKind::Number]
    );
    let rows = |data: &DataSet, at: &[usize]| {
        fitted
            .transform(&data.samples().select(at))
            .unwrap()
            .features
    };
    assert_eq!(rows(&data, &[0, 1]).values(), rows(&csv, &[0, 1]).values());
    // Truth values where training had numbers.
    let csv = File::new("t.csv", "truth\n1\n0\n1\n")
        .read(&ReadOptions::default())
        .unwrap();
    let fitted = Preprocessing::fit(csv.samples(), &PreprocessingConfig::default()).unwrap();
    let data = read_with(
        "pandas.parquet",
        &fitted.read_options(ReadOptions::default()),
    );
    assert_eq!(numbers(table(&data), "truth")[..3], [1.0, 0.0, 0.0]);
}

#[test]
fn more_cells_than_a_file_suggests_are_refused() {
    for name in ["pandas.parquet", "stream.arrows"] {
        let error = read(
            file(name),
            &ReadOptions {
                max_unpacked: Some(100),
                ..options()
            },
        );
        let error = error.unwrap_err();
        assert!(error.to_string().contains("12 rows × "), "{error}");
        assert!(error.hint().unwrap().contains("max-unpacked"));
        let error = read(
            file(name),
            &ReadOptions {
                max_columns: 3,
                ..options()
            },
        )
        .unwrap_err();
        assert!(error.to_string().contains("expected at most 3"), "{error}");
    }
}

#[test]
fn damaged_files_are_errors_wherever_the_damage_is() {
    for name in FILES.into_iter().chain(["types.arrow"]) {
        let whole = std::fs::read(file(name)).unwrap();
        for cut in (8..whole.len()).step_by(97) {
            let file = File::new("t.parquet", &whole[..cut]);
            let message = file.shown(&file.read(&options()).unwrap_err());
            assert!(message.starts_with("`t.parquet`: "), "{message}");
        }
        let mut bytes = whole.clone();
        for at in (4..whole.len()).step_by(53) {
            for value in [0, 0x7f, 0xff, whole[at] ^ 1 << (at % 8)] {
                bytes[at] = value;
                // Values may change unnoticed; what counts is that there is an answer.
                if let Ok(data) = File::new("t.parquet", &bytes).read(&options()) {
                    assert!(data.samples().len() < 1 << 20);
                }
            }
            bytes[at] = whole[at];
        }
    }
}

#[test]
fn cells_of_all_of_arrows_types_are_what_parquet_has() {
    let options = ReadOptions {
        dates: Some(vec![DatePart::Weekday, DatePart::Elapsed]),
        ..ReadOptions::default()
    };
    let data = read_with("types.arrow", &options);
    let table = table(&data);
    assert_eq!(data.samples().len(), 4);
    for (column, expected) in [
        ("int8", [-1.0, 0.0, f64::NAN, 2.0]),
        ("uint64", [0.0, 1.0, f64::NAN, 3.0]),
        ("half", [-0.5, 0.0, f64::NAN, 1.0]),
        ("decimal", [-0.01, 0.0, f64::NAN, 0.02]),
        ("wide", [-1e-30, 0.0, f64::NAN, 2e-30]),
        ("tens", [-100.0, 0.0, f64::NAN, 200.0]),
        ("time", [0.0, 1.0, f64::NAN, 3.0]),
        ("clock", [0.0, 1e-6, f64::NAN, 3e-6]),
        ("length", [-1.0, 0.0, f64::NAN, 2.0]),
        ("coded", [7.5, 8.5, f64::NAN, 7.5]),
        // 1 January 1970 was a Thursday.
        ("day (weekday)", [4.0, 5.0, f64::NAN, 7.0]),
        ("moment (elapsed)", [0.0, 0.5, f64::NAN, 1.5]),
    ] {
        let found = numbers(table, column);
        let same = |(&a, &b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
        assert!(found.iter().zip(&expected).all(same), "{column}: {found:?}");
    }
    for column in ["text", "view", "bytes", "level"] {
        assert_eq!(texts(table, column), ["süß", "b", "", "süß"], "{column}");
    }
    assert!(numbers(table, "nothing").iter().all(|v| v.is_nan()));
}

#[test]
fn what_an_arrow_file_claims_takes_no_memory_before_it_is_there() {
    let stream = std::fs::read(file("stream.arrows")).unwrap();
    for (at, claim) in [
        (4, u32::MAX),
        (4, i32::MAX as u32),
        (4, 1 << 30),
        (4, 1),
        (0, 0x4000_0000),
    ] {
        let mut bytes = stream.clone();
        bytes[at..at + 4].copy_from_slice(&claim.to_le_bytes());
        let file = File::new("t.arrow", &bytes);
        let error = match at {
            0 => file.read(&ReadOptions {
                format: Some(Format::Arrow),
                ..options()
            }),
            _ => file.read(&options()),
        };
        let message = file.shown(&error.unwrap_err());
        assert!(
            message.starts_with("`t.arrow`: damaged or unknown Arrow data ("),
            "{message}"
        );
        assert!(
            message.ends_with("expected a whole Arrow file"),
            "{message}"
        );
    }
    // Eight bytes before each packed buffer say what it unpacks to.
    let feather = std::fs::read(file("feather.arrow")).unwrap();
    let size = 12u64 * 8;
    let at = feather
        .windows(8)
        .position(|bytes| bytes == (size / 12 * 5).to_le_bytes())
        .unwrap();
    let mut bytes = feather.clone();
    bytes[at..at + 8].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let file = File::new("t.arrow", &bytes);
    let error = file.read(&options()).unwrap_err();
    let message = file.shown(&error);
    assert!(
        message.contains("a record batch that takes 1024.0 GiB"),
        "{message}"
    );
    assert!(error.hint().unwrap().contains("max-unpacked"));
}

#[test]
fn what_stands_after_the_end_of_a_stream_is_told() {
    let stream = std::fs::read(file("stream.arrows")).unwrap();
    let file = File::new("t.arrow", [&stream[..], &stream[..]].concat());
    let message = file.shown(&file.read(&options()).unwrap_err());
    assert!(
        message.contains("bytes after the end of its stream"),
        "{message}"
    );
}

#[test]
fn a_time_zone_is_told() {
    for name in ["zone.arrow", "zone.parquet"] {
        let data = read_with(name, &ReadOptions::default());
        let note = data.notes().iter().find(|note| note.code() == "time-zone");
        let note = note.unwrap_or_else(|| panic!("{name}: {:?}", data.notes()));
        assert!(
            note.contains("`when` holds times of the zone America/New_York"),
            "{note}"
        );
        assert_eq!(numbers(table(&data), "when (hour)")[0], 14.5);
    }
    let data = read_with("types.arrow", &ReadOptions::default());
    assert!(data.notes().iter().all(|note| note.code() != "time-zone"));
}
