//! JSON whose objects are rows.

use unlike_data::{Format, ReadOptions};

use crate::{File, csv_text, csv_with, names, numbers, table, texts};

#[test]
fn objects_are_rows_one_a_line_or_in_an_array() {
    let lines = "{\"id\": 9007199254740993, \"v\": 1.5, \"kind\": \"a; b\", \"ok\": true}\n\
                 {\"v\": -2e3, \"kind\": null, \"id\": 7, \"more\": {\"x\": 3}}\n";
    let array = format!("[{}]", lines.trim().replace('\n', ",\n"));
    for text in [lines.to_owned(), array, lines.replace(", ", ",\n  ")] {
        let options = ReadOptions {
            id_column: Some("id".into()),
            ..ReadOptions::default()
        };
        let data = csv_with(&text, &options);
        assert_eq!(data.format(), Format::Json);
        assert_eq!(names(&data), ["v", "kind", "ok", "more.x"]);
        assert_eq!(numbers(table(&data), "v"), [1.5, -2000.0]);
        assert_eq!(texts(table(&data), "kind"), ["a; b", ""]);
        assert_eq!(texts(table(&data), "ok"), ["true", ""]);
        assert!(numbers(table(&data), "more.x")[0].is_nan());
        assert_eq!(data.samples().id(0), "9007199254740993");
    }
    // Other missing texts do not make texts of what is not there.
    let options = ReadOptions {
        missing: vec!["-1".into()],
        ..ReadOptions::default()
    };
    let data = csv_with("{\"a\": -1}\n{\"a\": null}\n{\"a\": 5}\n", &options);
    assert!(numbers(table(&data), "a")[1].is_nan());
}

#[test]
fn delimited_text_may_begin_with_a_bracket() {
    assert_eq!(csv_text("[a],b\n1,2\n").format(), Format::Csv);
}

#[test]
fn what_is_no_row_is_refused_with_its_place() {
    for (text, place) in [
        ("{\"a\": 1}\n{\"a\": [1, 2]}\n", ", row 2: an array in `a`"),
        ("{\"a\": 1}\n{\"a\": 1\n", ", row 3: damaged JSON ("),
        (
            "[[1, 2], [3, 4]]\n",
            ", row 1: JSON that is no array of objects (",
        ),
    ] {
        let file = File::new("t.json", text);
        let error = file.read(&ReadOptions::default()).unwrap_err();
        let message = file.shown(&error);
        assert!(
            message.starts_with(&format!("`t.json`{place}")),
            "{message}"
        );
        assert!(
            error.hint().unwrap().contains("orient=\"records\""),
            "{message}"
        );
    }
}
