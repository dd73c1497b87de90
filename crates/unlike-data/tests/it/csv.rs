//! Delimited text that is as it should be.

use unlike_core::{ColumnKind, ColumnSpec};
use unlike_data::{BadRows, DatePart, Decimal, Encoding, Format, ReadOptions};

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
    let data = csv_with("a^b\n1^x,5\n", &options);
    assert_eq!(names(&data), ["a", "b"]);
    assert_eq!(texts(table(&data), "b"), ["x,5"]);
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
fn numbers_are_read_as_people_write_them() {
    // Some plain numbers come first, the commas later, one in a hundred.
    let mut amounts = "amount,kind\n".to_owned();
    for i in 0..200 {
        amounts.push_str(&format!("{}.5,x\n", i * 4));
    }
    amounts.push_str("\"1,000.25\",x\n\"-12,345.5\",y\n");
    let data = csv_text(&amounts);
    let found = numbers(table(&data), "amount");
    assert_eq!((found[1], found[200], found[201]), (4.5, 1000.25, -12345.5));
    assert_eq!(
        data.notes(),
        ["column `amount`: cells such as `1,000.25` (row 202) are read as numbers, here 1000.25"]
    );

    let data = csv_text("temperature;share;drag\n21,5;12 %;1.5D+03\n-3,25;7,5 %;2D-1\n;100%;1\n");
    assert_eq!(numbers(table(&data), "temperature")[..2], [21.5, -3.25]);
    assert!(numbers(table(&data), "temperature")[2].is_nan());
    assert_eq!(numbers(table(&data), "share"), [0.12, 0.075, 1.0]);
    assert_eq!(numbers(table(&data), "drag"), [1500.0, 0.2, 1.0]);
    assert_eq!(data.notes().len(), 3);
}

#[test]
fn what_a_comma_means_is_said_by_other_columns_by_the_delimiter_or_by_the_user() {
    let a = |text: &str, decimal| {
        let options = ReadOptions {
            decimal,
            ..ReadOptions::default()
        };
        let data = csv_with(text, &options);
        numbers(table(&data), "a").to_vec()
    };
    assert_eq!(a("a;b\n1,234;x\n", None), [1.234]);
    assert_eq!(a("a|b\n1,234|x\n", None), [1234.0]);
    assert_eq!(a("a|b\n1,234|2,5\n", None), [1.234]);
    assert_eq!(a("a;b\n1,234;2.5\n1,000;1,234.5\n", None), [1234.0, 1000.0]);
    assert_eq!(a("a|b\n1,234|x\n", Some(Decimal::Comma)), [1.234]);
    // Told, it holds for plain numbers, too, where they can be meant so.
    assert_eq!(
        a("a;b\n1.234;x\n5;y\n", Some(Decimal::Comma)),
        [1234.0, 5.0]
    );
    assert_eq!(a("a;b\n1.5;x\n", Some(Decimal::Comma)), [1.5]);
    let note = csv_text("a|b\n1,234|x\n").notes()[0].to_string();
    assert_eq!(
        note,
        "column `a`: cells such as `1,234` (row 2) are read as numbers, here 1234; if that is wrong, \
         say `decimal = comma`"
    );
}

#[test]
fn a_model_knows_how_its_numbers_are_written() {
    let trained = csv_text("a;b\n1,234;2,5\n1,100;3,5\n");
    assert_eq!(trained.reading().decimals.len(), 2);
    let options = ReadOptions {
        remembered: Some(trained.reading().clone()),
        expect: Some(vec![ColumnSpec {
            name: "a".into(),
            kind: ColumnKind::Number,
        }]),
        ..ReadOptions::default()
    };
    // By itself, this would be 1234.
    let data = csv_with("a|b\n1,234|x\n", &options);
    assert_eq!(numbers(table(&data), "a"), [1.234]);
}

#[test]
fn columns_may_stand_apart_by_blanks() {
    // As NASA's engines: two blanks at the ends of lines, no header.
    let data = csv_text("1 1 0.5 -1.5  \n1 2 0.25 2.5  \n2 1   0.75 1e3  \n");
    assert_eq!(names(&data), ["1", "2", "3", "4"]);
    assert_eq!(numbers(table(&data), "4"), [-1.5, 2.5, 1000.0]);
    // As a table that was lined up for people.
    let data = csv_text("name     size  \"of what\"\n  ab     1.5     3\n  c     20.25  400\n");
    assert_eq!(names(&data), ["name", "size", "of what"]);
    assert_eq!(texts(table(&data), "name"), ["ab", "c"]);
    assert_eq!(numbers(table(&data), "of what"), [3.0, 400.0]);
    assert_eq!(table(&data).row_number(1), 3);
    assert_eq!(
        data.layout().unwrap(),
        "cells separated by blanks, the first row names the columns"
    );
    // Texts have blanks, too.
    let data = csv_text("name\nAnna Berg\nBo Lee\nAnna Lee\n");
    assert_eq!(texts(table(&data), "name")[0], "Anna Berg");
    let data = csv_text("when,size\n2020-01-01 10:00,5\n2020-01-02 11:00,7\n");
    assert_eq!(names(&data).len(), 4);
    assert_eq!(numbers(table(&data), "size"), [5.0, 7.0]);
}

#[test]
fn comments_and_marks_are_no_rows() {
    let data = csv_text("# logger 7\n# units: V\ntime,volt\n1,5.5\n# restarted\n2,6.5\n\u{1a}");
    assert_eq!(numbers(table(&data), "volt"), [5.5, 6.5]);
    assert_eq!(table(&data).row_number(1), 6);
    assert_eq!(
        data.notes(),
        ["3 comment lines, beginning with `#`, left out"]
    );
    // The last comment names the columns if nothing else does.
    let data = csv_text("% station 12\n% time volt\n1 5.5\n2 6.5\n3 7.5\n");
    assert_eq!(names(&data), ["time", "volt"]);
    assert_eq!(numbers(table(&data), "time"), [1.0, 2.0, 3.0]);
    // Excel's first line, with and without quotes.
    for first in ["sep=;", "\"sep=;\"", "SEP=;\r"] {
        let data = csv_text(&format!("{first}\na;b\n1;2\n"));
        assert_eq!(names(&data), ["a", "b"], "{first}");
        assert_eq!(table(&data).row_number(0), 3);
    }
    // Names and missing cells may begin so.
    let data = csv_text("v,#n\n1,2\n#N/A,3\n");
    assert_eq!(names(&data), ["v", "#n"]);
    assert_eq!(table(&data).rows(), 2);
    let options = ReadOptions {
        comment: Some(b'/'),
        ..ReadOptions::default()
    };
    assert_eq!(table(&csv_with("a,b\n1,2\n// end\n", &options)).rows(), 1);
}

#[test]
fn a_first_row_of_numbers_is_examined_and_told() {
    for (text, expected) in [
        // Years, over numbers that are none.
        (
            "2019,2020,2021\n0.5,1.5,2.5\n1.5,0.5,-2.5\n0.25,3.5,1\n",
            true,
        ),
        ("region,2001,2002\nnorth,5,7\nsouth,6,9\neast,7,8\n", true),
        // The index of pandas has no name.
        (",0,1\n0,5.5,6.5\n1,7.5,8.5\n", true),
        // What counts on is data, and so is what could be.
        ("1,2,3\n2,3,4\n3,4,5\n4,5,6\n", false),
        ("2019,5\n2020,6\n2021,7\n2022,5\n", false),
        ("5.1,3.5\n4.9,3.0\n4.7,3.2\n", false),
    ] {
        let data = csv_text(text);
        let rows = text.lines().count() - usize::from(expected);
        assert_eq!(table(&data).rows(), rows, "{text:?}");
        let said = match expected {
            true => "is read as the names of the columns",
            false => "is read as data",
        };
        assert!(
            data.notes()[0].contains(said),
            "{text:?}: {:?}",
            data.notes()
        );
    }
}

#[test]
fn numbers_are_missing_however_they_are_written() {
    let options = ReadOptions {
        missing: vec!["-999".into(), "0.0".into()],
        ..ReadOptions::default()
    };
    let data = csv_with("a,b\n-999.0,1\n-9.99e2,0\n5,2\n", &options);
    let a = numbers(table(&data), "a");
    assert!(a[0].is_nan() && a[1].is_nan() && a[2] == 5.0);
    assert!(numbers(table(&data), "b")[1].is_nan());
}

#[test]
fn large_whole_numbers_stay_exact_as_names_and_are_noted_as_features() {
    let text = "id,v\n9007199254740993,1\n9007199254740995,2\n";
    let options = ReadOptions {
        id_column: Some("id".into()),
        ..ReadOptions::default()
    };
    assert_eq!(csv_with(text, &options).samples().id(0), "9007199254740993");
    let note = csv_text(text).notes()[0].to_string();
    assert!(
        note.starts_with(
            "column `id`: 2 whole numbers of more than 15 digits rounded (row 2: `9007"
        ),
        "{note}"
    );
}

#[test]
fn what_training_was_told_holds_and_need_not_be_there() {
    let told = ReadOptions {
        label_column: Some("y".into()),
        normal_labels: vec!["ok".into()],
        id_column: Some("id".into()),
        drop_columns: vec!["junk".into()],
        missing: vec!["-1".into()],
        ..ReadOptions::default()
    };
    let trained = csv_with("id,v,junk,y\nA,1,9,ok\nB,-1,9,bad\n", &told);
    let later = |text: &str, more: ReadOptions| {
        let options = ReadOptions {
            remembered: Some(trained.reading().clone()),
            ..more
        };
        csv_with(text, &options)
    };
    let data = later(
        "id,v,junk,y\nC,-1,9,worse\nD,4,9,ok\n",
        ReadOptions::default(),
    );
    assert_eq!(
        (data.samples().id(0).as_str(), names(&data)),
        ("C", vec!["v"])
    );
    assert!(numbers(table(&data), "v")[0].is_nan());
    assert_eq!(
        data.labels().unwrap().count(unlike_core::Label::Anomalous),
        1
    );
    assert_eq!(data.notes(), [""; 0]);
    // Scoring needs no labels, not even where the column is.
    let data = later(
        "id,v,y\nC,5,\n",
        ReadOptions {
            without_labels: true,
            ..ReadOptions::default()
        },
    );
    assert!(data.classes().is_none() && names(&data) == ["v"]);
    let data = later("v\n5\n", ReadOptions::default());
    assert_eq!(
        data.notes(),
        ["column `id`, which named the samples in training, is not in this file"]
    );
    // What is said now wins, and the difference is told.
    let data = later(
        "id,v,junk,y\nC,-1,9,ok\n",
        ReadOptions {
            missing: vec!["-9".into()],
            ..ReadOptions::default()
        },
    );
    assert_eq!(numbers(table(&data), "v"), [-1.0]);
    assert_eq!(
        data.notes(),
        ["in training, it was `missing = -1`; here it is `missing = -9`"]
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

#[test]
fn other_encodings_are_read() {
    let text = "größe,b\n1,x\n2,ü\n";
    let utf16: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let data = File::new("t.csv", utf16)
        .read(&ReadOptions::default())
        .unwrap();
    assert_eq!(names(&data), ["größe", "b"]);
    assert!(
        data.notes()[0].contains("is utf-16 text"),
        "{:?}",
        data.notes()
    );
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let options = ReadOptions {
        encoding: Some(Encoding::Latin1),
        ..ReadOptions::default()
    };
    let data = File::new("t.csv", latin).read(&options).unwrap();
    assert_eq!(texts(table(&data), "b"), ["x", "ü"]);
    assert_eq!(data.reading().encoding, Some(Encoding::Latin1));
}

/// Rows of a text, a date and a number.
fn log(rows: usize) -> String {
    let mut text = "host,when,load\n".to_owned();
    for i in 0..rows {
        let (day, hour) = (1 + i % 28, i % 24);
        text.push_str(&format!(
            "h-{i:03},2024-03-{day:02} {hour:02}:30,{}.5\n",
            i % 7
        ));
    }
    text
}

#[test]
fn dates_become_numbers_and_names_of_rows_are_left_out() {
    let data = csv_text(&log(40));
    assert_eq!(
        names(&data),
        ["when (hour)", "when (weekday)", "when (month)", "load"]
    );
    assert_eq!(numbers(table(&data), "when (hour)")[..2], [0.5, 1.5]);
    assert_eq!(
        numbers(table(&data), "when (weekday)")[..3],
        [5.0, 6.0, 7.0]
    );
    let notes: Vec<String> = data.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "column `when` holds dates and becomes `when (hour)`, `when (weekday)`, `when (month)`; \
             see `dates`",
            "column `host` has another text in nearly every row (40 of 40) and is left out; to show it \
             with each row, say `id-column = host`, and to learn from it, `category-columns = host`",
        ]
    );
    // A model reads new data alike, and says nothing of what it leaves out.
    let expect = names(&data).into_iter().map(|name| ColumnSpec {
        name: name.to_owned(),
        kind: ColumnKind::Number,
    });
    let options = ReadOptions {
        expect: Some(expect.collect()),
        remembered: Some(data.reading().clone()),
        ..ReadOptions::default()
    };
    let later = csv_with("host,load,when\nx,1,2025-12-24 18:00\n", &options);
    assert_eq!(numbers(table(&later), "when (hour)"), [18.0]);
    assert_eq!(numbers(table(&later), "when (month)"), [12.0]);
    assert_eq!(later.notes(), [""; 0]);
    let file = File::new("t.csv", "load,when\n1,2025-12-24 18:00\n2,soon\n");
    let error = file.read(&options).unwrap_err();
    assert_eq!(
        file.shown(&error),
        "`t.csv`, row 3, column `when`: `soon`; expected a date, as in training"
    );
}

#[test]
fn what_becomes_of_dates_and_of_names_can_be_said() {
    let with = |dates: &[DatePart], category: &[&str]| {
        let options = ReadOptions {
            dates: Some(dates.to_vec()),
            category_columns: category.iter().map(|&c| c.to_owned()).collect(),
            ..ReadOptions::default()
        };
        let data = csv_with(&log(30), &options);
        names(&data).join(", ")
    };
    assert_eq!(with(&[], &[]), "load");
    assert_eq!(
        with(&[DatePart::Elapsed], &["host"]),
        "host, when (elapsed), load"
    );
    assert_eq!(with(&[], &["when"]), "when, load");
    // Where nothing else is left, names are better than nothing; few rows say nothing.
    let names_only: String = (0..20).map(|i| format!("host-{i}\n")).collect();
    assert_eq!(names(&csv_text(&format!("host\n{names_only}"))), ["host"]);
    assert_eq!(names(&csv_text("a,b\nx,1\ny,2\n")), ["a", "b"]);
    // Remarks that people wrote.
    let mut remarks = "remark,v\n".to_owned();
    for i in 0..30 {
        remarks.push_str(&format!(
            "the pump number {} was a bit loud,{i}.5\n",
            i % 20
        ));
    }
    let data = csv_text(&remarks);
    assert_eq!(names(&data), ["v"]);
    assert!(
        data.notes()[0].contains("holds free text (20 of 30 differ)"),
        "{:?}",
        data.notes()
    );
}

#[test]
fn a_zip_archive_of_one_file_is_that_file() {
    use std::io::Write;
    let zipped = |files: &[(&str, &str)]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, text) in files {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    let file = File::new(
        "t.zip",
        zipped(&[("a.csv", "a,b\n1,2\n"), ("__MACOSX/a", "x")]),
    );
    let data = file.read(&ReadOptions::default()).unwrap();
    assert_eq!(numbers(table(&data), "b"), [2.0]);
    for (files, found) in [
        (
            &[("a.csv", "a"), ("b.csv", "b")][..],
            "a zip archive of `a.csv`, `b.csv`",
        ),
        (&[("xl/workbook.xml", "x")], "an Excel workbook"),
    ] {
        let file = File::new("t.zip", zipped(files));
        let message = file.shown(&file.read(&ReadOptions::default()).unwrap_err());
        assert!(
            message.starts_with(&format!("`t.zip`: {found}; expected ")),
            "{message}"
        );
    }
}

#[test]
fn bad_rows_are_left_out_where_that_is_wanted() {
    let mut text = "size,kind\n".to_owned();
    for i in 0..40 {
        text.push_str(&format!("{i},{}\n", ["x", "y"][i % 2]));
    }
    // Too few cells, too many, a text, what is not finite, and bytes that are no text.
    text.push_str("5\n6,x,y\nmany,x\ninf,y\n");
    let mut bytes = text.into_bytes();
    bytes.extend(b"7,\xff\n8,x\n");
    let file = File::new("t.csv", bytes);
    assert!(file.read(&ReadOptions::default()).is_err());
    let options = ReadOptions {
        bad_rows: BadRows::Skip,
        ..ReadOptions::default()
    };
    let data = file.read(&options).unwrap();
    let size = numbers(table(&data), "size");
    assert_eq!((size.len(), size[40]), (41, 8.0));
    assert_eq!(table(&data).row_number(40), 47);
    let skipped: Vec<(u32, &str)> = data.skipped().iter().map(|s| (s.row, &*s.reason)).collect();
    assert_eq!(
        skipped,
        [
            (42, "1 cell instead of 2"),
            (43, "3 cells instead of 2"),
            (44, "column `size`: `many`"),
            (45, "column `size`: `inf`"),
            (46, "column `kind`: `\u{fffd}`"),
        ]
    );
    assert_eq!(
        data.notes().last().unwrap().to_string(),
        "5 rows of 46 (row 42: 1 cell instead of 2, and so on) left out because they cannot be read"
    );
    // The same where a model knows that these are numbers, and where labels are missing.
    let options = ReadOptions {
        label_column: Some("y".into()),
        expect: Some(vec![ColumnSpec {
            name: "v".into(),
            kind: ColumnKind::Number,
        }]),
        ..options
    };
    let data = csv_with("v,y\n1,0\nfew,1\n2,\n3,1\n", &options);
    assert_eq!(numbers(table(&data), "v"), [1.0, 3.0]);
    assert_eq!(data.classes().unwrap().codes(), [0, 1]);
    let error = File::new("t.csv", "v,y\nfew,1\n")
        .read(&options)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("none (row 2: column `v`: `few`, and so on)"),
        "{error}"
    );
}
