//! Cells, headers and files as they come out of other programs: read as what they are, or refused or noted.

use unlike_core::Label;
use unlike_data::{Preprocessing, PreprocessingConfig, ReadOptions};

use crate::{File, csv_text, csv_with, names, numbers, table, texts};

/// So many rows of `cell(i)` and a number, under these names.
fn rows(header: &str, count: usize, cell: impl Fn(usize) -> String) -> String {
    let row = |i| format!("{},{}\n", cell(i), (i * 7 % 23) as f64 / 10.0);
    header.to_owned() + "\n" + &(0..count).map(row).collect::<String>()
}

/// How a model of these data reads new ones.
fn as_trained(data: &unlike_data::DataSet) -> ReadOptions {
    let fitted = Preprocessing::fit(data.samples(), &PreprocessingConfig::default()).unwrap();
    ReadOptions {
        remembered: Some(data.reading().clone()),
        ..fitted.read_options(ReadOptions::default())
    }
}

fn codes(data: &unlike_data::DataSet) -> Vec<&str> {
    data.notes().iter().map(|note| note.code()).collect()
}

/// What preprocessing says of a text's columns.
fn learned(text: &str) -> Vec<String> {
    let data = csv_text(text);
    let fitted = Preprocessing::fit(data.samples(), &PreprocessingConfig::default()).unwrap();
    fitted
        .notes()
        .iter()
        .map(|note| note.code().to_owned())
        .collect()
}

#[test]
fn amounts_of_money_and_numbers_of_bookkeepers_are_numbers() {
    for (cells, expected) in [
        (["$1.50", "$2.25", "-$3"], [1.5, 2.25, -3.0]),
        (["1.50 €", "2.25 €", "(3.00 €)"], [1.5, 2.25, -3.0]),
        (["£1.5", "2.25", "(3)"], [1.5, 2.25, -3.0]),
        (["1.5", "2.25", "3-"], [1.5, 2.25, -3.0]),
        (
            ["\"1.234,50\"", "\"2,5\"", "\"(3,5)\""],
            [1234.5, 2.5, -3.5],
        ),
    ] {
        let data = csv_text(&rows("a,b", 30, |i| cells[i % 3].to_owned()));
        assert_eq!(numbers(table(&data), "a")[..3], expected, "{cells:?}");
        assert_eq!(codes(&data), ["numbers-spelled"], "{cells:?}");
    }
    // Dollars and euros are not numbers of one kind.
    let data = csv_text(&rows("a,b", 30, |i| ["$5", "€5"][i % 2].to_owned()));
    assert_eq!(texts(table(&data), "a")[..2], ["$5", "€5"]);
}

#[test]
fn an_empty_cell_is_missing_whatever_else_is() {
    let options = ReadOptions {
        missing: vec!["-999".into()],
        ..ReadOptions::default()
    };
    let data = csv_with("a,b\n1,x\n,y\n-999.0,\n4,z\n", &options);
    let a = numbers(table(&data), "a");
    assert!(a[0] == 1.0 && a[1].is_nan() && a[2].is_nan() && a[3] == 4.0);
    assert_eq!(texts(table(&data), "b"), ["x", "y", "", "z"]);
}

#[test]
fn a_text_that_stands_among_numbers_again_and_again_is_asked_about() {
    for text in ["n/a", "None", "-", "<0.5"] {
        let mark = |i: usize| match i % 4 {
            0 => text.to_owned(),
            _ => format!("{}.{}", i % 13, i),
        };
        let file = File::new("t.csv", rows("a,b", 120, mark));
        let error = file.read(&ReadOptions::default()).unwrap_err();
        assert_eq!(
            file.shown(&error),
            format!(
                "`t.csv`, row 2, column `a`: the text `{text}`, as in 30 cells; expected a number, as in 90 \
                 other cells of this column"
            )
        );
        assert_eq!(
            error.hint().unwrap().as_str(),
            format!(
                "if it stands for a missing value, say `missing = {text}`; or say `category-columns = a` if \
                 the column holds categories"
            )
        );
        let missing = ReadOptions {
            missing: vec![text.into()],
            ..ReadOptions::default()
        };
        let data = file.read(&missing).unwrap();
        let missing = numbers(table(&data), "a").iter().filter(|v| v.is_nan());
        assert_eq!(missing.count(), 30);
    }
    // Codes of which many are alike are categories, and so is what has several texts.
    let codes_and_texts = |i: usize| match i % 4 {
        0 => "none".to_owned(),
        _ => (i % 30).to_string(),
    };
    let data = csv_text(&rows("a,b", 240, codes_and_texts));
    assert_eq!(codes(&data), ["numbers-among-texts"]);
    let hint = "; if that stands for a missing value, say `missing = none`";
    assert!(data.notes()[0].ends_with(hint), "{:?}", data.notes());
}

#[test]
fn codes_that_begin_with_zeros_are_noted() {
    let data = csv_text(&rows("zip,b", 30, |i| format!("{:05}", i % 7)));
    assert_eq!(codes(&data), ["numbers-padded"]);
    assert!(
        data.notes()[0]
            .starts_with("column `zip`: cells such as `00000` (row 2) are read as numbers"),
        "{:?}",
        data.notes()
    );
    for plain in ["07", "0.5", "0"] {
        let data = csv_text(&rows("a,b", 30, |_| plain.to_owned()));
        assert_eq!(codes(&data), [""; 0], "{plain}");
    }
}

#[test]
fn labels_that_are_one_number_are_one_label() {
    let spellings = ["6", "6.0", "6e0", " 6 ", "7"];
    let text = rows("y,b", 50, |i| spellings[i % 5].to_owned());
    for (normal, count) in [("6", 40), ("6.0", 40), ("7.0", 10)] {
        let options = ReadOptions {
            label_column: Some("y".into()),
            normal_labels: vec![normal.into()],
            ..ReadOptions::default()
        };
        let data = csv_with(&text, &options);
        let labels = data.labels().unwrap();
        assert_eq!(labels.count(Label::Normal), count, "{normal}");
        // As in training.
        let later = ReadOptions {
            remembered: Some(data.reading().clone()),
            ..ReadOptions::default()
        };
        let labels = csv_with(&text, &later).labels().unwrap().clone();
        assert_eq!(labels.count(Label::Normal), count, "{normal}");
    }
}

#[test]
fn labels_and_categories_that_differ_in_case_are_noted() {
    let cases = ["Normal", "normal", "attack"];
    let text = rows("y,b", 30, |i| cases[i % 3].to_owned());
    let options = ReadOptions {
        label_column: Some("y".into()),
        normal_labels: vec!["normal".into()],
        ..ReadOptions::default()
    };
    let data = csv_with(&text, &options);
    assert_eq!(
        data.notes()[0],
        "the class `Normal` of `y` differs from `normal` in letter case only, and counts as another"
    );
    let both = ReadOptions {
        normal_labels: vec!["normal".into(), "Normal".into()],
        ..options
    };
    assert_eq!(codes(&csv_with(&text, &both)), [""; 0]);
    assert_eq!(learned(&text), ["levels-differ-in-case"]);
}

#[test]
fn what_rises_from_row_to_row_is_noted_before_it_is_learned() {
    assert_eq!(
        learned(&rows("at,b", 40, |i| (1_700_000_000 + 3600 * i).to_string())),
        ["rises-throughout"]
    );
    assert_eq!(
        learned(&rows("at,b", 40, |i| i.to_string())),
        ["looks-like-id"]
    );
    assert_eq!(learned(&rows("at,b", 40, |i| (i / 2).to_string())), [""; 0]);
}

#[test]
fn dates_in_words_and_of_half_days_become_numbers() {
    let data = csv_text(&rows("at,b", 30, |i| {
        format!("{:02}-Jan-2024 {}:30 PM", i % 28 + 1, i % 11 + 1)
    }));
    assert_eq!(
        names(&data),
        ["at (hour)", "at (weekday)", "at (month)", "b"]
    );
    assert_eq!(numbers(table(&data), "at (hour)")[0], 13.5);
    assert_eq!(numbers(table(&data), "at (weekday)")[0], 1.0);
}

#[test]
fn dates_that_could_be_others_are_noted() {
    for (cell, why) in [
        (
            (|i| format!("{:02}/{:02}/2024", i % 12 + 1, i * 7 % 12 + 1)) as fn(usize) -> String,
            "of which days and months cannot be told apart (`01/01/2024`)",
        ),
        (
            |i| match i % 2 {
                0 => format!("2024-01-{:02}", i % 5 + 20),
                _ => format!("1/{}/2024", i % 5 + 20),
            },
            "in more than one order (`2024-01-20`, `1/21/2024`)",
        ),
    ] {
        let data = csv_text(&rows("at,b", 60, cell));
        assert_eq!(codes(&data), ["dates-unclear"]);
        let text = format!("column `at` holds dates {why} and is read as a category");
        assert!(data.notes()[0].starts_with(&text), "{:?}", data.notes());
    }
}

#[test]
fn utf_16_without_a_mark_is_told_by_its_characters() {
    for name in ["size", "größe"] {
        let text = rows(&format!("{name},b"), 4000, |i| format!("{i}.5"));
        for big in [false, true] {
            let bytes = |unit: u16| match big {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            };
            let bytes: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
            let data = File::new("t.csv", bytes).read(&ReadOptions::default());
            let data = data.unwrap();
            assert_eq!(codes(&data), ["encoding-found"]);
            assert_eq!(numbers(table(&data), name)[3999], 3999.5, "{big}");
        }
    }
}

#[test]
fn a_header_that_comes_again_is_a_row_out_of_place() {
    let half = rows("a,b", 30, |i| format!("{i}.25"));
    let file = File::new("t.csv", half.repeat(2));
    let error = file.read(&ReadOptions::default()).unwrap_err();
    assert!(
        file.shown(&error)
            .starts_with("`t.csv`, row 32, column `a`: the text `a`"),
        "{error}"
    );
    // Texts that occur again are no names.
    let data = csv_text(&"x,y\nz,y\n".repeat(30));
    assert_eq!(names(&data), ["1", "2"]);
}

#[test]
fn pointers_and_tables_below_other_lines_are_named() {
    for (text, found, hint) in [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "`t.csv`: a pointer of Git LFS, which stands for a file that is elsewhere",
            "git lfs pull",
        ),
        (
            "Sales of March\nas of today\na,b\n1,2\n3,4\n",
            "`t.csv`, row 3: 2 cells; expected 1",
            "if the table begins here, take out the 2 lines above it",
        ),
        (
            "a,b\n1,2,\n3,4,\n",
            "`t.csv`, row 2: 3 cells; expected 2",
            "it ends with the delimiter `,`",
        ),
        (
            "{\"a\": 1, \"a\": 2}\n{\"a\": 3}\n",
            "`t.csv`, row 1: the name `a` twice in one object",
            "orient",
        ),
        (
            "{\"a.b\": 1, \"a\": {\"b\": 2}}\n",
            "`t.csv`, row 1: the name `a.b` twice in one object",
            "orient",
        ),
    ] {
        let file = File::new("t.csv", text);
        let error = file.read(&ReadOptions::default()).unwrap_err();
        assert!(file.shown(&error).starts_with(found), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
    }
}

#[test]
fn truths_are_one_however_they_are_written() {
    let spellings = ["True", "TRUE", "true", "False", "FALSE"];
    let text = rows("ok,b", 50, |i| spellings[i % 5].to_owned());
    assert_eq!(learned(&text), [""; 0]);
    let fit = |text: &str| {
        let data = csv_text(text);
        Preprocessing::fit(data.samples(), &PreprocessingConfig::default()).unwrap()
    };
    let fitted = fit(&text);
    let plain = rows("ok,b", 50, |i| (i % 5 < 3).to_string());
    assert_eq!(fitted.width(), fit(&plain).width());
    // What was `True` in training is `true` in JSON and Parquet.
    let features = |text: &str| {
        let transformed = fitted.transform(csv_text(text).samples()).unwrap();
        transformed.features.values().to_vec()
    };
    assert_eq!(features(&text), features(&plain));
    let options = ReadOptions {
        label_column: Some("ok".into()),
        normal_labels: vec!["true".into()],
        ..ReadOptions::default()
    };
    let labels = csv_with(&text, &options).labels().unwrap().clone();
    assert_eq!(labels.count(Label::Normal), 30);
}

#[test]
fn objects_of_ever_other_names_are_refused_before_they_fill_the_memory() {
    let row = |i: usize, keys: usize| {
        let cells = (0..keys).map(|key| format!("\"k{i}_{key}\":1"));
        format!("{{{}}}\n", cells.collect::<Vec<_>>().join(","))
    };
    let refused = |rows: usize, keys: usize| {
        let text: String = (0..rows).map(|i| row(i, keys)).collect();
        let file = File::new("t.jsonl", text);
        file.shown(&file.read(&ReadOptions::default()).unwrap_err())
    };
    assert!(refused(30, 5000).contains("with those before it, 135,000 names, more than 131,072"));
    assert!(refused(6000, 10).contains(", nearly all without a value"));
    // Many names are no harm where rows share them.
    let text: String = (0..50).map(|_| row(0, 2000)).collect();
    let data = File::new("t.jsonl", text).read(&ReadOptions::default());
    assert_eq!(names(&data.unwrap()).len(), 2000);
}

#[test]
fn points_between_thousands_are_told_by_other_columns() {
    let whole = |text: &str| {
        let data = File::new("t.csv", text)
            .read(&ReadOptions::default())
            .unwrap();
        (numbers(table(&data), "n").to_vec(), data.notes().len())
    };
    let german = "x;n\n2.205,76;1.133\n996,10;996\n12,5;-17.319\n";
    let (values, notes) = whole(german);
    assert_eq!(values, [1133.0, 996.0, -17319.0]);
    assert!(notes > 0, "it is said");
    // Without a comma elsewhere, with a point before a fraction, or with a zero before it, they are plain.
    assert_eq!(whole("x;n\n1;1.133\n2;996\n").0, [1.133, 996.0]);
    assert_eq!(whole("x;n\n2,5;1.133\n3,5;9.25\n").0, [1.133, 9.25]);
    assert_eq!(whole("x;n\n2,5;0.133\n3,5;1.250\n").0, [0.133, 1.25]);
    assert_eq!(
        whole("x;y;n\n2,5;0.5;1.133\n3,5;0.25;1.250\n").0,
        [1.133, 1.25]
    );
    // As training had it, new data have it.
    let trained = File::new("t.csv", german)
        .read(&ReadOptions::default())
        .unwrap();
    let options = as_trained(&trained);
    let data = File::new("n.csv", "x;n\n1,5;2.500\n")
        .read(&options)
        .unwrap();
    assert_eq!(numbers(table(&data), "n"), [2500.0]);
}

#[test]
fn a_zero_begins_no_thousands() {
    let data = File::new("t.csv", "x\n\"0,527\"\n\"-0,652\"\n\"1,250\"\n")
        .read(&ReadOptions::default())
        .unwrap();
    assert_eq!(numbers(table(&data), "x"), [0.527, -0.652, 1.25]);
}

#[test]
fn dates_of_one_day_are_written_as_those_of_training() {
    let trained = File::new("t.csv", "x,d\n1,25/03/2024\n2,05/03/2024\n3,06/04/2024\n")
        .read(&ReadOptions::default())
        .unwrap();
    let options = as_trained(&trained);
    let data = File::new("n.csv", "x,d\n1,05/03/2024\n")
        .read(&options)
        .unwrap();
    assert_eq!(numbers(table(&data), "d (month)"), [3.0]);
    // What the new dates say by themselves counts.
    let data = File::new("n.csv", "x,d\n1,2024-03-05\n")
        .read(&options)
        .unwrap();
    assert_eq!(numbers(table(&data), "d (month)"), [3.0]);
}

#[test]
fn lines_of_lists_are_json() {
    let file = File::new("t.jsonl", "[0.84, 1, 0.42]\n[0.1, 2, 0.3]\n");
    let message = file.shown(&file.read(&ReadOptions::default()).unwrap_err());
    assert!(
        message.contains("expected an object, which is a row"),
        "{message}"
    );
}

#[test]
fn a_first_row_of_numbers_is_what_it_was_in_training() {
    let body = rows("1,2", 30, |i| format!("{}.5", i * 3));
    let bare = body.split_once('\n').unwrap().1.to_owned();
    let rows_of = |text: &str, options: &ReadOptions| {
        let data = File::new("n.csv", text).read(options).unwrap();
        data.samples().len()
    };
    // Called so by a header, and by their places.
    let headed = csv_with(
        &body,
        &ReadOptions {
            has_header: Some(true),
            ..ReadOptions::default()
        },
    );
    let options = as_trained(&headed);
    assert_eq!(rows_of(&body, &options), 30);
    let open = ReadOptions {
        remembered: options.remembered.map(|r| unlike_data::Reading {
            has_header: None,
            ..r
        }),
        ..options
    };
    assert_eq!(rows_of(&body, &open), 30);
    let plain = as_trained(&csv_text(&bare));
    assert_eq!(rows_of(&format!("2,1\n{bare}"), &plain), 31);
    assert_eq!(rows_of(&format!("1,2\n{bare}"), &plain), 31);
    assert_eq!(rows_of(&bare, &plain), 30);
}
