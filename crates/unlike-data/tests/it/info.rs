//! What `data info` tells.

use unlike_core::ColumnKind;
use unlike_data::{DataInfo, ReadOptions};

use crate::csv_with;

const TEXT: &str = "\
id,size,kind,same,none,y
a,1,x,5,,0
b,,y,5,,0
c,3,x,5,,1
d,8,,5,,0
";

fn info() -> DataInfo {
    let options = ReadOptions {
        label_column: Some("y".into()),
        id_column: Some("id".into()),
        ..ReadOptions::default()
    };
    DataInfo::new(&csv_with(TEXT, &options))
}

#[test]
fn columns_are_summarised() {
    let info = info();
    let [size, kind, same, none] = &info.columns[..] else {
        panic!("four columns")
    };
    assert_eq!(
        (size.name.as_str(), size.kind, size.missing),
        ("size", ColumnKind::Number, 1)
    );
    let statistics = size.number.unwrap();
    assert_eq!(
        (statistics.min, statistics.mean, statistics.max),
        (1.0, 4.0, 8.0)
    );
    assert_eq!(
        (kind.kind, kind.missing, kind.levels),
        (ColumnKind::Category, 1, Some(2))
    );
    let top: Vec<_> = kind
        .top
        .iter()
        .map(|l| (l.level.as_str(), l.count))
        .collect();
    assert_eq!(top, [("x", 2), ("y", 1)]);
    assert_eq!(
        [size, kind, same, none].map(|c| c.constant),
        [false, false, true, true]
    );
    assert_eq!((none.missing, none.number), (4, None));
}

#[test]
fn classes_and_labels_are_counted() {
    let info = info();
    assert_eq!(info.rows, 4);
    let classes: Vec<_> = info
        .classes
        .iter()
        .map(|c| (c.level.as_str(), c.count))
        .collect();
    assert_eq!(classes, [("0", 3), ("1", 1)]);
    assert_eq!((info.normal, info.anomalous), (Some(3), Some(1)));
    assert_eq!(
        info.label_rule.as_deref(),
        Some("by `y`, normal: `0`; anomalous: `1`")
    );
    assert_eq!(info.notes, ["column `none` has no value in any row"]);
}

#[test]
fn means_of_extreme_numbers_stay_finite() {
    let text = format!("a\n{}\n{}\n", f64::MAX, f64::MAX);
    let info = DataInfo::new(&csv_with(&text, &ReadOptions::default()));
    assert_eq!(info.columns[0].number.unwrap().mean, f64::MAX);
}

#[test]
fn the_json_has_its_keys() {
    let json = serde_json::to_value(info()).unwrap();
    let keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    #[rustfmt::skip]
    assert_eq!(keys, [
        "anomalous", "class_name", "classes", "columns", "duplicates", "files", "format", "image",
        "label_rule", "layout", "masks", "normal", "notes", "parts", "path", "problem", "rows",
    ]);
    assert_eq!(json["columns"][0]["kind"], "number");
    assert_eq!(json["columns"][1]["top"][0]["level"], "x");
}
