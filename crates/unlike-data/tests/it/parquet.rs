//! Parquet as several programs write it: see `tests/parquet/write.py`.

use std::path::{Path, PathBuf};

use unlike_core::ColumnKind;
use unlike_data::{
    DataSet, DatePart, Format, Preprocessing, PreprocessingConfig, ReadOptions, read,
};

use crate::{File, names, numbers, table, texts};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/parquet")
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

const FILES: [&str; 4] = [
    "pandas.parquet",
    "polars.parquet",
    "old.parquet",
    "new.parquet",
];

#[test]
fn all_programs_files_say_the_same() {
    for name in FILES {
        let data = read_with(name, &options());
        assert_eq!(data.format(), Format::Parquet);
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
        if name != "polars.parquet" {
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
    let data = read_with("pandas.parquet", &options);
    // Beyond 53 bits, to the last digit.
    assert_eq!(data.samples().id(0), "9007199254740993");
    assert_eq!(texts(table(&data), "small")[4..7], ["244", "", "246"]);
    assert_eq!(texts(table(&data), "text")[..2], ["süß", ""]);
    assert!(numbers(table(&data), "half")[2].is_nan());
    assert_eq!(numbers(table(&data), "day (elapsed)")[0], 19_787.0);
    assert!(table(&data).column("whole").is_none());
    // As a feature, the digits that numbers cannot hold are told.
    let data = read_with("pandas.parquet", &self::options());
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

#[test]
fn fields_of_structs_are_columns_and_lists_are_refused_by_name() {
    let error = read(file("nested.parquet"), &ReadOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("lists in column `list.list.element`"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("drop-columns"));
    let options = ReadOptions {
        drop_columns: vec!["list.list.element".into()],
        id_column: Some("id".into()),
        ..ReadOptions::default()
    };
    let data = read_with("nested.parquet", &options);
    assert_eq!(names(&data), ["place.x", "place.y"]);
    assert_eq!(numbers(table(&data), "place.x")[3], 3.0);
    assert!(numbers(table(&data), "place.y")[1].is_nan());
    assert_eq!(data.samples().id(7), "r7");
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
    let error = read(
        file("pandas.parquet"),
        &ReadOptions {
            max_unpacked: Some(100),
            ..options()
        },
    );
    let error = error.unwrap_err();
    assert!(error.to_string().contains("12 rows × "), "{error}");
    assert!(error.hint().unwrap().contains("max-unpacked"));
    let error = read(
        file("pandas.parquet"),
        &ReadOptions {
            max_columns: 3,
            ..options()
        },
    )
    .unwrap_err();
    assert!(error.to_string().contains("expected at most 3"), "{error}");
}

#[test]
fn damaged_files_are_errors_wherever_the_damage_is() {
    for name in FILES {
        let whole = std::fs::read(file(name)).unwrap();
        for cut in (4..whole.len()).step_by(97) {
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
