//! Tables that are read some rows at a time are what they are when they are read at once.

use std::{fmt::Write as _, path::PathBuf};

use unlike_core::{Samples, Table};
use unlike_data::{
    BadRows, Chunks, DatePart, Decimal, Encoding, Preprocessing, PreprocessingConfig, ReadOptions,
    Remarks, Skipped, read_all,
};

use crate::{File, gzip, numpy::npy, table, typed};

/// What was read, in words.
#[derive(Debug, Default, PartialEq)]
struct Said {
    /// Id, number and file of each row, and its cells in the columns that are known.
    rows: Vec<Vec<String>>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
}

impl Said {
    fn add(&mut self, rows: &Table, skipped: &[Skipped], options: &ReadOptions) {
        for row in 0..rows.rows() {
            let number = rows.row_number(row).to_string();
            let place = [rows.id(row), number, rows.file(row).to_owned()];
            let known = options.expect.iter().flatten();
            let cells = known.map(|column| match rows.column(&column.name) {
                Some(column) => column.values.text(row),
                None => panic!("no column `{}`", column.name),
            });
            self.rows.push(place.into_iter().chain(cells).collect());
        }
        self.skipped.extend_from_slice(skipped);
    }
}

/// As a model that was trained on the first file reads it.
fn as_trained(paths: &[PathBuf], options: &ReadOptions) -> ReadOptions {
    let training = ReadOptions {
        bad_rows: BadRows::Skip,
        ..options.clone()
    };
    let data = read_all(&paths[..1], &training).unwrap();
    let config = PreprocessingConfig {
        reading: data.reading().clone(),
        ..PreprocessingConfig::default()
    };
    let fitted = Preprocessing::fit(data.samples(), &config).unwrap();
    fitted.read_options(options.clone())
}

fn at_once(paths: &[PathBuf], options: &ReadOptions) -> Said {
    let data = read_all(paths, options).unwrap();
    let mut said = Said::default();
    said.add(table(&data), data.skipped(), options);
    said.notes = data.notes().iter().map(ToString::to_string).collect();
    said
}

fn in_parts(paths: &[PathBuf], options: &ReadOptions, rows: usize, block: usize) -> Said {
    let mut chunks = Chunks::open(paths, options).unwrap().of(rows, block);
    let mut remarks = Remarks::default();
    let mut said = Said::default();
    while let Some(chunk) = chunks.next().unwrap() {
        let Samples::Table(table) = chunk.data.samples() else {
            panic!("a table");
        };
        assert!(table.rows() <= rows || block > 100_000);
        said.add(table, chunk.data.skipped(), options);
        remarks.merge(chunk.remarks);
        // Each place is one to go on from, with what was noted so far.
        let noted = serde_json::to_string(&(&chunk.end, &remarks)).unwrap();
        let (end, noted) = serde_json::from_str(&noted).unwrap();
        assert_eq!(remarks, noted);
        if said.rows.len() % 4 == 1 {
            chunks = Chunks::open(paths, options).unwrap().of(rows, block);
            chunks.resume(&end, &noted).unwrap();
        }
    }
    let notes = chunks.finish(&remarks).unwrap();
    said.notes = notes.iter().map(ToString::to_string).collect();
    said
}

/// Checks chunks of several sizes.
fn check(files: &[&File], options: &ReadOptions) -> Said {
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path()).collect();
    let options = as_trained(&paths, options);
    let whole = at_once(&paths, &options);
    for (rows, block) in [(7, 60), (1, 333), (1000, 1000), (16_384, 1 << 20)] {
        let parts = in_parts(&paths, &options, rows, block);
        assert_eq!(parts, whole, "{rows} rows, {block} bytes");
    }
    whole
}

fn rows(lines: impl Fn(usize) -> String) -> String {
    (0..60).fold(String::new(), |text, i| text + &lines(i) + "\n")
}

#[test]
fn delimited_text_of_all_kinds() {
    let plain = rows(|i| format!("{i},{},\"a, {}\"", i as f64 / 8.0, i % 3));
    let usual = ReadOptions::default();
    let header = format!("n,x,t\n{plain}");
    check(&[&File::new("t.csv", &header)], &usual);
    check(&[&File::new("t.csv", &plain)], &usual);
    check(&[&File::new("t.csv", header.replace('\n', "\r\n"))], &usual);
    check(&[&File::new("t.csv", header.replace('\n', "\r"))], &usual);
    // Texts of several lines, blank lines, and no line end after the last row.
    let lines = rows(|i| format!("{i},\"one\n\n\"\"two{}\"\"\",{}\n", i % 2, i * i));
    check(
        &[&File::new(
            "t.csv",
            format!("\u{feff}n,t,x\n\n{lines}0,one,1"),
        )],
        &usual,
    );
    // Comments, and one that names the columns.
    let comments = rows(|i| match i % 5 {
        0 => "# a remark".into(),
        _ => format!("{i};{};{}", i % 7, i as f64 / 2.0),
    });
    check(
        &[&File::new("t.csv", format!("# n;t;x\n{comments}"))],
        &usual,
    );
    let mostly = "# nothing but words\n".repeat(40) + "n,x\n" + &rows(|i| format!("{i},{}", i * 3));
    let said = check(&[&File::new("t.csv", mostly)], &usual);
    assert!(said.notes[0].contains("40 comment lines"), "{said:?}");
    let apart = rows(|i| format!("  {i}   {}\t \"a b\"", i as f64 / 4.0));
    check(&[&File::new("t.txt", apart)], &usual);
    check(
        &[&File::new(
            "t.csv",
            format!("sep=;\nn;x\n{}", rows(|i| format!("{i};{i}"))),
        )],
        &usual,
    );
    // Missing cells, ids, and columns that nobody knows.
    let gaps = "id,n,x\n".to_owned()
        + &rows(|i| {
            format!(
                "r{i},{},{}",
                if i % 4 == 0 {
                    "NA".into()
                } else {
                    i.to_string()
                },
                i % 2
            )
        });
    let named = ReadOptions {
        id_column: Some("id".into()),
        ..ReadOptions::default()
    };
    let said = check(&[&File::new("t.csv", gaps)], &named);
    assert_eq!(said.rows[5][0], "r5");
    let large =
        "n,x\n".to_owned() + &rows(|i| format!("{},{i}", 9_007_199_254_740_993u64 + i as u64));
    let said = check(&[&File::new("t.csv", large)], &usual);
    assert!(
        said.notes[0].contains("30 whole numbers"),
        "{:?}",
        said.notes
    );
}

#[test]
fn packed_text_and_text_in_other_encodings() {
    let text = "größe,n\n".to_owned() + &rows(|i| format!("{},{}", ["süß", "𝄞"][i % 2], i * i));
    let usual = ReadOptions::default();
    let packed = [
        gzip(text.as_bytes()),
        [
            gzip(text.as_bytes()),
            gzip(b"s\xc3\xbc\xc3\x9f,1\n"),
            vec![0; 512],
        ]
        .concat(),
        zstd::encode_all(text.as_bytes(), 1).unwrap(),
    ];
    for packed in packed {
        let said = check(&[&File::new("t.csv", packed)], &usual);
        assert_eq!(said.rows[2][3], "süß");
    }
    for big in [false, true] {
        let bytes = |unit: u16| match big {
            true => unit.to_be_bytes(),
            false => unit.to_le_bytes(),
        };
        let utf16: Vec<u8> = format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(bytes)
            .collect();
        check(&[&File::new("t.csv", utf16)], &usual);
    }
    let latin: Vec<u8> = text.replace('𝄞', "ö").chars().map(|c| c as u8).collect();
    let options = ReadOptions {
        encoding: Some(Encoding::Latin1),
        ..ReadOptions::default()
    };
    let said = check(&[&File::new("t.csv", latin)], &options);
    assert_eq!(said.rows[1][3], "ö");
}

#[test]
fn what_only_the_whole_file_tells() {
    let usual = ReadOptions::default();
    // A comma that comes late says what the earlier ones meant.
    let late = |i: usize| {
        if i == 50 {
            "1.234,5".into()
        } else {
            format!("{}.{:03}", 1 + i % 3, i)
        }
    };
    let file = File::new(
        "t.csv",
        "n;x\n".to_owned() + &rows(|i| format!("{i};{}", late(i))),
    );
    let plain = File::new(
        "p.csv",
        "n;x\n".to_owned() + &rows(|i| format!("{i};{i}.5")),
    );
    let options = as_trained(&[plain.path()], &usual);
    let paths = [file.path()];
    let whole = at_once(&paths, &options);
    assert_eq!(whole.rows[0][4], "1000");
    for (rows, block) in [(7, 60), (60, 10_000)] {
        let mut chunks = Chunks::open(&paths, &options).unwrap().of(rows, block);
        let error = loop {
            match chunks.next() {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        // Rows that were handed out are not taken back: it is said how to read them.
        match error {
            None => assert_eq!(in_parts(&paths, &options, rows, block), whole),
            Some(error) => {
                assert!(error.to_string().contains("row 52, column `x`"), "{error}");
                let hint = error.hint().map(ToString::to_string).unwrap_or_default();
                assert!(hint.contains("decimal = comma"), "{hint}");
            }
        }
    }
    let told = ReadOptions {
        decimal: Some(Decimal::Comma),
        ..options
    };
    assert_eq!(in_parts(&paths, &told, 7, 60).rows, whole.rows);

    for written in [
        rows(|i| format!("\"{},{:03}.5\",{} %", i + 1, i, i)),
        rows(|i| format!("\"{},5\",{}", i, i % 5)),
        rows(|i| format!("\"{}\",{i}", if i % 9 == 0 { "1,000" } else { "7" })),
    ] {
        check(
            &[&File::new("t.csv", "a,b\n".to_owned() + &written)],
            &usual,
        );
    }
    let dates = ReadOptions {
        dates: Some(vec![DatePart::Weekday, DatePart::Elapsed]),
        ..ReadOptions::default()
    };
    for date in ["2024-03-{}", "{}/03/2024", "03/{}/2024", "{}.03.2024 06:30"] {
        let day = |i: usize| date.replace("{}", &format!("{:02}", 1 + i % 28));
        let text = "when,n\n".to_owned() + &rows(|i| format!("{},{i}", day(i)));
        check(&[&File::new("t.csv", text)], &dates);
    }
}

#[test]
fn bad_rows_are_counted_as_ever() {
    let mut text = String::from("id,n,x\n");
    for i in 0..60 {
        match i % 11 {
            3 => writeln!(text, "r{i},much,1").unwrap(),
            5 => writeln!(text, "r{i},2").unwrap(),
            7 => writeln!(text, "r{i},inf,1").unwrap(),
            _ => writeln!(text, "r{i},{i},{}", i % 2).unwrap(),
        }
    }
    let file = File::new("t.csv", &text);
    let good = "id,n,x\n".to_owned() + &rows(|i| format!("r{i},{i},{}", i % 2));
    let good = File::new("t.csv", good);
    for bad_rows in [BadRows::Skip, BadRows::Flag] {
        let options = ReadOptions {
            bad_rows,
            id_column: Some("id".into()),
            ..ReadOptions::default()
        };
        let options = as_trained(&[good.path()], &options);
        let paths = [file.path()];
        let said = at_once(&paths, &options);
        assert_eq!((said.skipped.len(), said.notes.len()), (16, 1), "{said:?}");
        for (rows, block) in [(7, 60), (1, 333), (1000, 1000)] {
            assert_eq!(in_parts(&paths, &options, rows, block), said);
        }
    }
    // The first of them is an error, at its place.
    let options = ReadOptions {
        expect: as_trained(&[good.path()], &ReadOptions::default()).expect,
        ..ReadOptions::default()
    };
    let mut chunks = Chunks::open(&[file.path()], &options).unwrap().of(1, 60);
    let error = loop {
        if let Err(error) = chunks.next() {
            break error.to_string();
        }
    };
    assert!(
        error.contains("row 5, column `n`: the text `much`"),
        "{error}"
    );
}

#[test]
fn several_files_are_one_after_the_other() {
    let header = "n,t\n";
    let a = File::new(
        "a.csv",
        header.to_owned() + &rows(|i| format!("{i},u{}", i % 3)),
    );
    let b = File::new(
        "b.csv",
        header.to_owned() + &rows(|i| format!("{},v{}", i * 2, i % 3)),
    );
    let twice = File::new(
        "c.csv",
        header.to_owned() + &rows(|i| format!("{i},u{}", i % 3)),
    );
    let said = check(&[&a, &b, &twice], &ReadOptions::default());
    assert_eq!(said.rows[61][0], "b.csv:3");
    assert!(said.notes[1].contains("same 60 rows"), "{:?}", said.notes);
    let small = File::new("d.json", "{\"t\": \"u1\", \"n\": 5}\n");
    check(&[&a, &small], &ReadOptions::default());
}

#[test]
fn arrays_by_rows_and_by_columns() {
    let value = |row: usize, column: usize| (row * 3 + column) as f32 / 4.0;
    for fortran in [false, true] {
        let mut data = Vec::new();
        for i in 0..180 {
            let (row, column) = match fortran {
                true => (i % 60, i / 60),
                false => (i / 3, i % 3),
            };
            data.extend(value(row, column).to_le_bytes());
        }
        let file = File::new("t.npy", npy("<f4", fortran, "(60, 3)", &data));
        let said = check(&[&file], &ReadOptions::default());
        assert_eq!(said.rows[59][3..], ["44.25", "44.5", "44.75"]);
        // What is not finite is told with its row in the file.
        let at = if fortran { 45 } else { 45 * 3 };
        data[at * 4..][..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
        let bad = File::new("t.npy", npy("<f4", fortran, "(60, 3)", &data));
        let options = as_trained(&[file.path()], &ReadOptions::default());
        let mut chunks = Chunks::open(&[bad.path()], &options).unwrap().of(7, 60);
        let error = loop {
            if let Err(error) = chunks.next() {
                break error.to_string();
            }
        };
        assert!(error.contains("row 46, column `1`"), "{error}");
    }
    let wide: Vec<u8> = (0..60u64)
        .flat_map(|i| ((1 << 60) + i).to_le_bytes())
        .collect();
    let wide = File::new("t.npy", npy("<u8", false, "(30, 2)", &wide));
    let said = check(&[&wide], &ReadOptions::default());
    assert!(
        said.notes[0].contains("29 whole numbers"),
        "{:?}",
        said.notes
    );
}

#[test]
fn typed_files_of_several_programs() {
    for name in typed::FILES {
        let bytes = std::fs::read(typed::file(name)).unwrap();
        check(&[&File::new(name, bytes)], &ReadOptions::default());
    }
}

#[test]
fn no_row_is_an_error_unless_it_is_allowed() {
    let full = File::new("t.csv", "n,x\n".to_owned() + &rows(|i| format!("{i},{i}")));
    let options = as_trained(&[full.path()], &ReadOptions::default());
    let blank = File::new("t.csv", "n,x\n".to_owned() + &"\n".repeat(500));
    let read = |options: &ReadOptions| {
        let mut chunks = Chunks::open(&[blank.path()], options).unwrap().of(7, 60);
        assert!(chunks.next().unwrap().is_none());
        chunks.finish(&Remarks::default())
    };
    let error = read(&options).unwrap_err().to_string();
    assert!(error.contains("a header and no rows"), "{error}");
    let allowed = ReadOptions {
        allow_empty: true,
        ..options
    };
    assert_eq!(read(&allowed).unwrap().len(), 0);
}

#[test]
fn a_bomb_is_told_before_it_fills_the_disk() {
    let text = "n,x\n".to_owned() + &rows(|i| format!("{i},{i}"));
    let options = as_trained(&[File::new("t.csv", &text).path()], &ReadOptions::default());
    let bomb = File::new("t.csv.gz", gzip(text.repeat(50).as_bytes()));
    let options = ReadOptions {
        max_unpacked: Some(4000),
        ..options
    };
    let mut chunks = Chunks::open(&[bomb.path()], &options).unwrap().of(7, 60);
    let error = loop {
        match chunks.next() {
            Ok(chunk) => assert!(chunk.is_some()),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("unpack to more than"), "{error}");
}

#[test]
fn a_column_that_is_not_there_is_told_with_those_that_are() {
    let full = File::new(
        "t.csv",
        "size,x\n".to_owned() + &rows(|i| format!("{i},{i}")),
    );
    let options = as_trained(&[full.path()], &ReadOptions::default());
    for header in ["sise,x,more", "other,more,most"] {
        let text = format!("{header}\n") + &rows(|i| format!("{i},{i},{i}"));
        let file = File::new("t.csv", text);
        let mut chunks = Chunks::open(&[file.path()], &options).unwrap().of(7, 60);
        let chunk = chunks.next().unwrap().unwrap();
        let names: Vec<&str> = table(&chunk.data)
            .columns()
            .iter()
            .map(|c| &*c.name)
            .collect();
        assert_eq!(names.join(","), header);
        assert_eq!(chunks.ignored().len(), 0);
    }
}
