//! Delimited text that is as it should be.

use unlike_core::{ColumnKind, ColumnSpec};
use unlike_data::{Format, ReadOptions};

use crate::{File, csv_text, csv_with, gzip, names, numbers, table, texts};

#[test]
fn numbers_and_categories_are_told_apart_by_content() {
    let data = csv_text("a,b,c\n1,x,1e3\n-2.5,y,.5\n+3,x,7.\n");
    assert_eq!(data.format(), Format::Csv);
    assert_eq!(names(&data), ["a", "b", "c"]);
    assert_eq!(numbers(table(&data), "a"), [1.0, -2.5, 3.0]);
    assert_eq!(texts(table(&data), "b"), ["x", "y", "x"]);
    assert_eq!(numbers(table(&data), "c"), [1000.0, 0.5, 7.0]);
    assert_eq!(data.notes(), [""; 0]);
}

#[test]
fn without_a_header_columns_are_numbered() {
    let data = csv_text("1,x\n2,y\n");
    assert_eq!(names(&data), ["1", "2"]);
    assert_eq!(table(&data).rows(), 2);
    assert_eq!(table(&data).row_number(0), 1);
}

#[test]
fn headers_are_found_by_looking() {
    for (text, expected) in [
        ("a,b\n1,2\n", true),
        ("1,2\n3,4\n", false),
        // All text: a header's cells are distinct and do not occur again below.
        ("kind,colour\nx,red\ny,red\n", true),
        ("x,red\ny,red\nx,blue\n", false),
        // Names of columns that pandas numbered.
        ("0,1,2\n5,6,7\n8,9,1\n", true),
        // A year is a name here, but more columns say otherwise.
        ("x,y,2019\n1,2,3\n", true),
        ("5.1,x\n4.9,y\n", false),
    ] {
        let data = csv_text(text);
        let rows = text.lines().count() - usize::from(expected);
        assert_eq!(table(&data).rows(), rows, "{text:?}");
    }
}

#[test]
fn a_header_can_be_stated() {
    let options = ReadOptions {
        has_header: Some(false),
        ..ReadOptions::default()
    };
    assert_eq!(names(&csv_with("a,b\nc,d\n", &options)), ["1", "2"]);
    let options = ReadOptions {
        has_header: Some(true),
        ..ReadOptions::default()
    };
    assert_eq!(names(&csv_with("1,2\n3,4\n", &options)), ["1", "2"]);
    assert_eq!(table(&csv_with("1,2\n3,4\n", &options)).rows(), 1);
}

#[test]
fn every_delimiter_is_found() {
    for delimiter in [',', ';', '\t', '|'] {
        let text = "a,b,c\n1,2,x\n3,4,y\n".replace(',', &delimiter.to_string());
        assert_eq!(names(&csv_text(&text)), ["a", "b", "c"], "{delimiter:?}");
    }
    let layout = csv_text("a;b\n1;2\n").layout().unwrap().to_owned();
    assert_eq!(
        layout,
        "cells separated by `;`, the first row names the columns"
    );
}

#[test]
fn a_delimiter_can_be_stated() {
    let options = ReadOptions {
        delimiter: Some(b'^'),
        ..ReadOptions::default()
    };
    let data = csv_with("a^b\n1^2,5\n", &options);
    assert_eq!(names(&data), ["a", "b"]);
    assert_eq!(texts(table(&data), "b"), ["2,5"]);
}

#[test]
fn quotes_line_ends_and_byte_order_marks_are_no_obstacle() {
    let text = "\u{feff}name,note\r\n\"Smith, J.\",\"said \"\"no\"\"\nand left\"\r\n\r\nLee,\r\n";
    let data = csv_text(text);
    let table = table(&data);
    assert_eq!(names(&data), ["name", "note"]);
    assert_eq!(texts(table, "name"), ["Smith, J.", "Lee"]);
    assert_eq!(texts(table, "note"), ["said \"no\"\nand left", ""]);
    // As an editor counts: the first record takes lines 2 and 3, line 4 is blank.
    assert_eq!([table.row_number(0), table.row_number(1)], [2, 5]);
}

#[test]
fn old_macintosh_line_ends_are_lines() {
    let data = csv_text("a,b\r1,2\r3,4\r");
    assert_eq!(numbers(table(&data), "b"), [2.0, 4.0]);
    assert_eq!(table(&data).row_number(1), 3);
}

#[test]
fn blanks_around_cells_do_not_count() {
    let data = csv_text("a , b\n 1 ,  x\n2, y \n   \n");
    assert_eq!(numbers(table(&data), "a"), [1.0, 2.0]);
    assert_eq!(texts(table(&data), "b"), ["x", "y"]);
}

#[test]
fn gzip_is_recognised_whatever_the_name() {
    let file = File::new("t.csv", gzip(b"a,b\n1,2\n"));
    let data = file.read(&ReadOptions::default()).unwrap();
    assert_eq!(numbers(table(&data), "b"), [2.0]);
}

#[test]
fn the_documented_cells_are_missing() {
    let data = csv_text("a,b\n1,x\n,NA\nNA,?\n?,null\nNULL,<NA>\n#N/A,N/A\n2,\n");
    let a = numbers(table(&data), "a");
    assert_eq!((a[0], a[6]), (1.0, 2.0));
    assert!(a[1..6].iter().all(|v| v.is_nan()));
    assert_eq!(texts(table(&data), "b"), ["x", "", "", "", "", "", ""]);
}

#[test]
fn other_cells_can_be_declared_missing() {
    let missing = ["-999", "NaN"].map(str::to_owned).to_vec();
    let data = csv_with(
        "a,b\n-999,NA\n1,x\nNaN,y\n",
        &ReadOptions {
            missing,
            ..ReadOptions::default()
        },
    );
    let a = numbers(table(&data), "a");
    assert!(a[0].is_nan() && a[1] == 1.0 && a[2].is_nan());
    assert_eq!(texts(table(&data), "b"), ["NA", "x", "y"]);
}

#[test]
fn a_column_without_any_value_is_noted() {
    let data = csv_text("a,b\n1,\n2,NA\n");
    assert_eq!(data.notes(), ["column `b` has no value in any row"]);
}

#[test]
fn texts_after_numbers_make_a_category_with_the_numbers_as_written() {
    let data = csv_text("a,b\n1.0,1\n1,2\nx,3\n");
    assert_eq!(texts(table(&data), "a"), ["1.0", "1", "x"]);
    assert_eq!(
        data.notes(),
        ["column `a` is read as a category, because not all of its cells are numbers (row 4: `x`)"]
    );
}

#[test]
fn a_spelled_out_nan_in_a_category_is_a_text() {
    let data = csv_text("a,b\nx,1\nnan,2\n");
    assert_eq!(texts(table(&data), "a"), ["x", "nan"]);
}

#[test]
fn decimal_commas_are_noted() {
    let data = csv_text("a;b\n1,5;x\n2,25;y\n");
    assert_eq!(
        data.notes(),
        ["column `a` is read as a category, but looks like numbers with a decimal comma"]
    );
}

#[test]
fn known_kinds_overrule_content() {
    let spec = |name: &str, kind| ColumnSpec {
        name: name.into(),
        kind,
    };
    let expect = vec![
        spec("zip", ColumnKind::Category),
        spec("size", ColumnKind::Number),
    ];
    let options = ReadOptions {
        expect: Some(expect),
        ..ReadOptions::default()
    };
    let data = csv_with("size,zip,other\n1,01234,5\n,90210,6\n", &options);
    assert_eq!(texts(table(&data), "zip"), ["01234", "90210"]);
    assert!(numbers(table(&data), "size")[1].is_nan());
    assert_eq!(numbers(table(&data), "other"), [5.0, 6.0]);
}

#[test]
fn an_expected_number_may_be_missing_everywhere() {
    let expect = vec![ColumnSpec {
        name: "a".into(),
        kind: ColumnKind::Number,
    }];
    let options = ReadOptions {
        expect: Some(expect),
        ..ReadOptions::default()
    };
    let data = csv_with("a,b\n,1\nNA,2\n", &options);
    assert!(numbers(table(&data), "a").iter().all(|v| v.is_nan()));
}

#[test]
fn columns_can_be_dropped_declared_categories_and_used_as_ids() {
    let options = ReadOptions {
        drop_columns: vec!["junk".into()],
        category_columns: vec!["code".into()],
        id_column: Some("id".into()),
        ..ReadOptions::default()
    };
    let data = csv_with("id,code,junk,v\nA1,07,x,1\nB2,11,y,2\n", &options);
    assert_eq!(names(&data), ["code", "v"]);
    assert_eq!(texts(table(&data), "code"), ["07", "11"]);
    assert_eq!([data.samples().id(0), data.samples().id(1)], ["A1", "B2"]);
}

#[test]
fn samples_without_an_id_are_called_by_their_row() {
    let data = csv_text("a\n5\n\n6\n");
    assert_eq!([data.samples().id(0), data.samples().id(1)], ["2", "4"]);
    assert!(data.samples().origin().ends_with("t.csv"));
}
