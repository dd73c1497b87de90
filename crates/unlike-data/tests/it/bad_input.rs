//! Every kind of bad file, with the whole message that a person sees.

use unlike_core::{ColumnKind, ColumnSpec, Error};
use unlike_data::{BadRows, Encoding, Format, ReadOptions};

use crate::{File, gzip};

fn check(name: &str, content: impl AsRef<[u8]>, expected: &str) -> Option<String> {
    check_with(name, content, &ReadOptions::default(), expected)
}

/// Checks the message and gives the hint.
fn check_with(
    name: &str,
    content: impl AsRef<[u8]>,
    options: &ReadOptions,
    expected: &str,
) -> Option<String> {
    let file = File::new(name, content);
    let error = file.read(options).expect_err("an error");
    assert_eq!(file.shown(&error), expected);
    error.hint().map(ToString::to_string)
}

fn expecting(columns: &[(&str, ColumnKind)]) -> ReadOptions {
    let spec = |&(name, kind): &(&str, ColumnKind)| ColumnSpec {
        name: name.into(),
        kind,
    };
    ReadOptions {
        expect: Some(columns.iter().map(spec).collect()),
        ..ReadOptions::default()
    }
}

#[test]
fn a_file_that_is_not_there() {
    let file = File::new("t.csv", "");
    std::fs::remove_file(file.path()).unwrap();
    let error = file.read(&ReadOptions::default()).unwrap_err();
    assert_eq!(file.shown(&error), "cannot read `t.csv`");
    let Error::Io { source, .. } = error else {
        panic!("an I/O error")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn an_empty_file() {
    check(
        "t.csv",
        "",
        "`t.csv`: an empty file; expected at least one row",
    );
    check(
        "t.csv.gz",
        gzip(b""),
        "`t.csv.gz`: an empty file; expected at least one row",
    );
    check(
        "t.csv",
        "\n\r\n  \n",
        "`t.csv`: only blank lines; expected at least one row",
    );
}

#[test]
fn a_header_and_nothing_else() {
    check(
        "t.csv",
        "a,b,c\n",
        "`t.csv`: a header and no rows; expected at least one row below the header",
    );
}

#[test]
fn ragged_rows() {
    let hint = check(
        "t.csv",
        "a,b,c\n1,2,3\n\n4,5\n",
        "`t.csv`, row 4: 2 cells; expected 3, as in the header, row 1",
    );
    assert_eq!(
        hint.as_deref(),
        Some("the row is incomplete; leave a cell empty where a value is missing")
    );
    let hint = check(
        "t.csv",
        "1,2\n3,4\n5,6\n7,8,9\n",
        "`t.csv`, row 4: 3 cells; expected 2, as in row 1",
    );
    assert_eq!(
        hint.as_deref(),
        Some("put cells that contain the delimiter `,` in quotes")
    );
}

#[test]
fn a_row_that_does_not_fit_a_known_format() {
    let record = ["0"; 41].join(",");
    let options = ReadOptions {
        format: Some(Format::Kdd),
        ..ReadOptions::default()
    };
    check_with(
        "kdd",
        format!("{record},normal.\n{record}\n"),
        &options,
        "`kdd`, row 2: 41 cells; expected 42, the columns of KDD Cup 99 records",
    );
    check_with(
        "kdd",
        "1,2,3\n",
        &options,
        "`kdd`, row 1: 3 cells; expected 41, the columns of KDD Cup 99 records",
    );
}

#[test]
fn a_quote_that_is_never_closed() {
    let hint = check(
        "t.csv",
        "a,b\n1,2\n3,\"4\n5,6\n7,8\n",
        "`t.csv`, row 3: a quote that is not closed before the end of the file; expected a closing \
         quote",
    );
    assert_eq!(
        hint.as_deref(),
        Some("close it, or write it twice inside quotes if it is part of the text")
    );
}

/// 30 distinct numbers, one a row, and then what the test adds.
fn mostly_numbers(cells: &str) -> String {
    let rows: String = (0..30).map(|i| format!("{i},x\n")).collect();
    format!("size,kind\n{rows}{cells}")
}

#[test]
fn text_in_a_column_of_numbers() {
    let hint = check(
        "t.csv",
        mostly_numbers("3O,x\n31,x\n"),
        "`t.csv`, row 32, column `size`: the text `3O`; expected a number, as in 31 other cells of \
         this column",
    );
    assert_eq!(
        hint.as_deref(),
        Some(
            "correct it, leave the cell empty if the value is missing, or say `category-columns = \
             size` if the column holds categories"
        )
    );
    // The same if the text comes first.
    let first = mostly_numbers("").replacen("0,x", "zero,x", 1);
    check(
        "t.csv",
        first,
        "`t.csv`, row 2, column `size`: the text `zero`; expected a number, as in 29 other cells of \
         this column",
    );
}

#[test]
fn text_where_the_model_knows_a_number() {
    let hint = check_with(
        "t.csv",
        "size,kind\n1,x\nbig,y\n",
        &expecting(&[("size", ColumnKind::Number)]),
        "`t.csv`, row 3, column `size`: the text `big`; expected a number",
    );
    assert_eq!(
        hint.as_deref(),
        Some(
            "correct it, or leave the cell empty if the value is missing; `size` is a column of \
             numbers"
        )
    );
}

#[test]
fn numbers_that_are_not_finite() {
    for text in ["NaN", "nan", "inf", "-Infinity", "1e999"] {
        let hint = check(
            "t.csv",
            format!("a,b\n1,2\n3,{text}\n"),
            &format!("`t.csv`, row 3, column `b`: `{text}`; expected a finite number"),
        );
        assert_eq!(
            hint.as_deref(),
            Some(
                "leave the cell empty, or write NA, where a value is missing; correct it where it \
                 is not"
            )
        );
        check_with(
            "t.csv",
            format!("b\n{text}\n"),
            &expecting(&[("b", ColumnKind::Number)]),
            &format!("`t.csv`, row 2, column `b`: `{text}`; expected a finite number"),
        );
    }
}

#[test]
fn a_gzip_file_that_was_cut_short() {
    let whole = gzip("a,b\n1,2\n".repeat(1000).as_bytes());
    for length in [3, 12, whole.len() / 2, whole.len() - 1] {
        let file = File::new("t.csv.gz", &whole[..length]);
        let error = file.read(&ReadOptions::default()).unwrap_err();
        let message = file.shown(&error);
        assert!(
            message.starts_with("`t.csv.gz`: gzip data that ends too early, after ")
                && message.ends_with(" decompressed bytes; expected a whole file"),
            "{message}"
        );
        assert_eq!(
            error.hint().map(|hint| hint.as_str()),
            Some("the file was cut short or damaged; copy or download it again")
        );
    }
}

#[test]
fn a_gzip_file_with_a_flipped_byte() {
    let mut damaged = gzip("a,b\n1,2\n".repeat(1000).as_bytes());
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    let file = File::new("t.csv.gz", damaged);
    let message = file.shown(&file.read(&ReadOptions::default()).unwrap_err());
    assert!(
        message.starts_with("`t.csv.gz`: damaged gzip data ("),
        "{message}"
    );
}

#[test]
fn text_that_is_not_utf_8() {
    let hint = check(
        "t.csv",
        b"name,size\nZ\xfcrich,1\n",
        "`t.csv`, row 2, column `name`: `Z\u{fffd}rich`, which is not UTF-8; expected UTF-8 text",
    );
    assert_eq!(
        hint.as_deref(),
        Some("save the file again as UTF-8, or say how it is written: `encoding = latin-1`, say")
    );
    check(
        "t.csv",
        b"gr\xf6sse,b\n1,2\n",
        "`t.csv`, row 1, column `1`: `gr\u{fffd}sse`, which is not UTF-8; expected UTF-8 text",
    );
    let options = ReadOptions {
        encoding: Some(Encoding::Utf16),
        ..ReadOptions::default()
    };
    check_with(
        "t.csv",
        b"a,b\n1,2\n3",
        &options,
        "`t.csv`: bytes that are no utf-16 text; expected utf-16 text",
    );
}

#[test]
fn two_columns_of_one_name() {
    let hint = check(
        "t.csv",
        "a,b,a\n1,2,3\n",
        "`t.csv`, row 1: the name `a` for columns 1 and 3; expected each name once",
    );
    assert_eq!(hint.as_deref(), Some("rename one of them in the header"));
}

#[test]
fn a_row_without_a_label() {
    let options = ReadOptions {
        label_column: Some("y".into()),
        ..ReadOptions::default()
    };
    check_with(
        "t.csv",
        "v,y\n1,0\n2,\n",
        &options,
        "`t.csv`, row 3, column `y`: no label; expected a label in every row",
    );
}

#[test]
fn columns_that_are_not_there() {
    let text = "src_bytes,dst_bytes,kind\n1,2,x\n";
    let column = || "srcbytes".to_owned();
    for (name, options) in [
        (
            "label-column",
            ReadOptions {
                label_column: Some(column()),
                ..ReadOptions::default()
            },
        ),
        (
            "id-column",
            ReadOptions {
                id_column: Some(column()),
                ..ReadOptions::default()
            },
        ),
        (
            "drop-columns",
            ReadOptions {
                drop_columns: vec![column()],
                ..ReadOptions::default()
            },
        ),
        (
            "category-columns",
            ReadOptions {
                category_columns: vec![column()],
                ..ReadOptions::default()
            },
        ),
    ] {
        let hint = check_with(
            "t.csv",
            text,
            &options,
            &format!(
                "`{name}` is `srcbytes`; expected one of the columns `src_bytes`, `dst_bytes`, `kind`"
            ),
        );
        assert_eq!(
            hint.as_deref(),
            Some("did you mean `src_bytes` or `dst_bytes`?")
        );
    }
}

#[test]
fn a_column_with_two_parts_to_play() {
    let options = ReadOptions {
        label_column: Some("a".into()),
        drop_columns: vec!["a".into()],
        ..ReadOptions::default()
    };
    check_with(
        "t.csv",
        "a,b\n1,2\n",
        &options,
        "`drop-columns` is `a`, which is already the label column; expected one part for each column",
    );
}

#[test]
fn nothing_left_to_learn_from() {
    let options = ReadOptions {
        label_column: Some("y".into()),
        ..ReadOptions::default()
    };
    check_with(
        "t.csv",
        "y\n0\n1\n",
        &options,
        "columns to learn from: none besides the label, the id and the dropped columns; expected at \
         least 1",
    );
}

#[test]
fn files_of_other_kinds() {
    let formats =
        "one of the formats kdd, csv, json, npy, npz, parquet, arrow, images, idx, cifar10";
    let hint = check(
        "t.bin",
        b"\x7fELF\x00\x00\x01",
        &format!("`t.bin`: binary data of an unknown kind; expected {formats}"),
    );
    assert_eq!(
        hint.as_deref(),
        Some("name the format with `format` if it is one of these")
    );
    check(
        "t.parquet",
        b"PAR1\x15\x04",
        "`t.parquet`: damaged or unknown Parquet data (EOF: Parquet file too \
         small. Size is 6 but need 8); expected a whole Parquet file",
    );
    let error = "tsv".parse::<Format>().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`format` is `tsv`; expected {formats}")
    );
}

#[test]
fn other_formats_are_called_by_their_names() {
    for (content, found) in [
        (
            &b"% a data set\n\n@RELATION x\n@attribute a numeric\n@data\n1\n"[..],
            "an ARFF file",
        ),
        (
            b"1 1:0.5 7:2.5\n-1 2:1 3:4\n",
            "rows of `position:value` pairs (libsvm, SVMlight)",
        ),
        (
            b"1 qid:3 1:0.5 7:2.5 # x\n",
            "rows of `position:value` pairs (libsvm, SVMlight)",
        ),
        (b"<?xml version=\"1.0\"?>\n<rows/>\n", "XML or HTML"),
        (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
        (
            b"\x80\x04\x95\0\0",
            "pickled Python objects, which are programs and not only data",
        ),
    ] {
        let file = File::new("t", content);
        let error = file.read(&ReadOptions::default()).unwrap_err();
        let message = file.shown(&error);
        assert!(
            message.starts_with(&format!("`t`: {found}; expected ")),
            "{message}"
        );
        assert!(error.hint().is_some(), "{message}");
    }
    // A time of day beside a number is no pair.
    assert!(
        File::new("t", "5 12:30\n6 12:45\n")
            .read(&ReadOptions::default())
            .is_ok()
    );
}

#[test]
fn a_comment_between_the_rows() {
    let hint = check(
        "t.csv",
        "a,b\n1,2\n# restarted\n3,4\n",
        "`t.csv`, row 3: 1 cell; expected 2, as in the header, row 1",
    );
    assert_eq!(
        hint.as_deref(),
        Some(
            "a line that begins with `#` looks like a comment; leave such lines out with `comment = #`"
        )
    );
}

#[test]
fn zeros_after_a_gzip_file_are_padding_and_other_bytes_are_not() {
    let whole = gzip(b"a,b\n1,2\n");
    let mut padded = [&whole[..], &whole[..]].concat();
    padded.extend([0; 1000]);
    // Two members, each with the header.
    let data = File::new("t.csv.gz", &padded)
        .read(&ReadOptions::default())
        .unwrap();
    assert_eq!(data.samples().len(), 3);
    let mut trailing = whole;
    trailing.extend(b"\0\0rest");
    let file = File::new("t.csv.gz", trailing);
    let message = file.shown(&file.read(&ReadOptions::default()).unwrap_err());
    assert!(
        message.starts_with("`t.csv.gz`: gzip data and 6 bytes of something else after it"),
        "{message}"
    );
}

#[test]
fn a_delimiter_that_cannot_be_one() {
    for delimiter in [b'"', b'\n', 0xe9] {
        let options = ReadOptions {
            delimiter: Some(delimiter),
            ..ReadOptions::default()
        };
        let message = File::new("t.csv", "a,b\n1,2\n")
            .read(&options)
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("`delimiter` is `")
                && message
                    .ends_with("`; expected one ASCII character other than a quote or a line end"),
            "{message}"
        );
    }
}

#[test]
fn files_made_to_fill_the_memory_are_refused() {
    // As `cat` would make it, of members that each become 16 MiB.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![b'0'; 16 << 20]).unwrap();
    let bomb = encoder.finish().unwrap().repeat(20);
    let file = File::new("t.csv.gz", &bomb);
    let error = file.read(&ReadOptions::default()).unwrap_err();
    let message = file.shown(&error);
    assert!(message.contains("that unpack to more than"), "{message}");
    assert!(error.hint().unwrap().ends_with("`max-unpacked`"));
    // What is asked for is allowed, and no more.
    let small = gzip("a,b\n1,2\n".repeat(1000).as_bytes());
    for (most, fits) in [(8000, true), (7999, false)] {
        let options = ReadOptions {
            max_unpacked: Some(most),
            ..ReadOptions::default()
        };
        assert_eq!(
            File::new("t.csv.gz", &small).read(&options).is_ok(),
            fits,
            "{most}"
        );
    }
    let wide = vec!["1"; 200_000].join(",");
    check(
        "t.csv",
        &wide,
        "`t.csv`, row 1: 200,000 columns; expected at most 131,072",
    );
    let options = ReadOptions {
        max_columns: 200_000,
        ..ReadOptions::default()
    };
    assert!(File::new("t.csv", wide).read(&options).is_ok());
    // A row may go on over lines, and delimiters in quotes delimit nothing.
    let wide = format!("\"\n\"{}", ",".repeat(200_000));
    check(
        "t.csv",
        &wide,
        "`t.csv`, row 1: 200,001 columns; expected at most 131,072",
    );
    // Rows of far too many cells are not even read.
    for bad_rows in BadRows::ALL {
        let options = ReadOptions {
            bad_rows,
            ..ReadOptions::default()
        };
        let file = File::new(
            "t.csv",
            format!("a,b\n1,2\n{}\n3,4\n", ",".repeat(2_000_000)),
        );
        let message = file.shown(&file.read(&options).unwrap_err());
        let expected = "`t.csv`, row 3: 2,000,001 cells; expected at most 131,072 in a row";
        assert_eq!(message, expected);
    }
    let one = format!("\"{}\",b\n1,2\n", ",".repeat(200_000));
    assert!(
        File::new("t.csv", one)
            .read(&ReadOptions::default())
            .is_ok()
    );
    let one = format!("a,b\n\"{}\",2\n", ",".repeat(2_000_000));
    let read = File::new("t.csv", one).read(&ReadOptions::default());
    assert!(read.is_ok());
}
