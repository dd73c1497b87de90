//! Several files as one data set.

use std::path::PathBuf;

use unlike_core::{Label, Samples};
use unlike_data::{BadRows, DataSet, ReadOptions, found, read_all};

use crate::{gzip, numbers, table, texts};

struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        Self(folder)
    }

    fn paths(&self, names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| self.0.path().join(name)).collect()
    }

    fn read(&self, names: &[&str], options: &ReadOptions) -> Result<DataSet, String> {
        let folder = format!("{}/", self.0.path().display());
        read_all(&self.paths(names), options).map_err(|e| e.to_string().replace(&folder, ""))
    }
}

#[test]
fn rows_follow_each_other_and_are_called_by_file_and_number() {
    let files = Files::new(&[
        ("a.csv", b"x,day,c\n1,2024-03-05,u\n2,2024-03-06,v\n"),
        // Other order, another delimiter, and a text that was not there before.
        ("b.csv", b"c;x;day\nw;3;2024-03-07\n"),
        (
            "c.jsonl",
            b"{\"x\": 4, \"c\": \"u\", \"day\": \"2024-03-08\"}\n",
        ),
    ]);
    let data = files
        .read(&["a.csv", "b.csv", "c.jsonl"], &ReadOptions::default())
        .unwrap();
    assert_eq!(numbers(table(&data), "x"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(texts(table(&data), "c"), ["u", "v", "w", "u"]);
    assert_eq!(numbers(table(&data), "day (weekday)"), [2.0, 3.0, 4.0, 5.0]);
    let ids: Vec<String> = (0..4).map(|i| data.samples().id(i)).collect();
    assert_eq!(ids, ["a.csv:2", "a.csv:3", "b.csv:2", "c.jsonl:1"]);
    assert_eq!(
        data.notes()[0],
        "3 files read one after the other: `a.csv`, `b.csv`, `c.jsonl`"
    );
    let options = ReadOptions {
        id_column: Some("c".into()),
        ..ReadOptions::default()
    };
    let data = files.read(&["b.csv", "a.csv"], &options).unwrap();
    assert_eq!(data.samples().id(1), "u");
}

#[test]
fn the_first_file_says_what_columns_are() {
    let files = Files::new(&[
        // Decimal commas, which in the second file could be thousands.
        ("a.csv", b"x;y\n1,5;7\n2,25;8\n"),
        ("b.csv", b"x;y\n1,234;9\n"),
        ("c.csv", b"x;y\nmany;9\n"),
        ("d.csv", b"x;z\n1,5;9\n"),
        ("e.csv", b"x;y;z\n1,5;9;1\n"),
    ]);
    let data = files
        .read(&["a.csv", "b.csv"], &ReadOptions::default())
        .unwrap();
    assert_eq!(numbers(table(&data), "x"), [1.5, 2.25, 1.234]);
    let error = |names: &[&str]| files.read(names, &ReadOptions::default()).unwrap_err();
    let message = error(&["a.csv", "c.csv"]);
    assert!(
        message.starts_with("`c.csv`, row 2, column `x`: the text `many`"),
        "{message}"
    );
    let message = error(&["a.csv", "d.csv"]);
    assert!(
        message.contains("`d.csv`") && message.contains("no column `y`"),
        "{message}"
    );
    let message = error(&["a.csv", "e.csv"]);
    assert!(
        message.contains("`a.csv`") && message.contains("no column `z`"),
        "{message}"
    );
}

#[test]
fn classes_are_judged_together() {
    let files = Files::new(&[
        ("a.csv", b"x,class\n1,ok\n2,ok\n"),
        ("b.csv", b"x,class\n9,broken\n3,ok\n"),
    ]);
    let options = ReadOptions {
        label_column: Some("class".into()),
        anomalous_labels: vec!["broken".into()],
        ..ReadOptions::default()
    };
    let data = files.read(&["a.csv", "b.csv"], &options).unwrap();
    assert_eq!(data.labels().unwrap().count(Label::Anomalous), 1);
    assert_eq!(data.labels().unwrap().values()[2], Label::Anomalous);
    assert_eq!(data.reading().anomalous_labels, ["broken"]);
}

#[test]
fn bad_rows_are_named_with_their_file() {
    let files = Files::new(&[("a.csv", b"x,y\n1,2\n3,4\n"), ("b.csv", b"x,y\n5\n6,7\n")]);
    let options = ReadOptions {
        bad_rows: BadRows::Skip,
        ..ReadOptions::default()
    };
    let data = files.read(&["a.csv", "b.csv"], &options).unwrap();
    assert_eq!(data.samples().len(), 3);
    let [skipped] = data.skipped() else {
        panic!("{:?}", data.skipped())
    };
    assert_eq!((skipped.file.as_deref(), skipped.row), (Some("b.csv"), 2));
}

#[test]
fn the_same_rows_in_two_files_are_counted_aloud() {
    let text = b"x,y\n1,2\n3,4\n";
    let files = Files::new(&[
        ("x.csv", text),
        ("x.csv.gz", &gzip(text)),
        ("y.csv", b"x,y\n1,2\n3,5\n"),
    ]);
    let data = files
        .read(&["x.csv", "x.csv.gz", "y.csv"], &ReadOptions::default())
        .unwrap();
    let told: Vec<_> = data
        .notes()
        .iter()
        .filter(|n| n.code() == "same-rows-twice")
        .collect();
    assert_eq!(told.len(), 1, "{:?}", data.notes());
    assert_eq!(
        *told[0],
        "`x.csv.gz` holds the same 2 rows as `x.csv`: each counts twice"
    );
}

#[test]
fn patterns_stand_for_what_they_match_in_alphabetical_order() {
    let files = Files::new(&[
        ("b.csv", b"x\n2\n"),
        ("a.csv", b"x\n1\n"),
        ("c[1].csv", b"x\n3\n"),
    ]);
    let paths = found(&files.paths(&["?.csv"])).unwrap();
    assert_eq!(paths, files.paths(&["a.csv", "b.csv"]));
    // A file of that very name is meant.
    assert_eq!(
        found(&files.paths(&["c[1].csv"])).unwrap(),
        files.paths(&["c[1].csv"])
    );
    let error = found(&files.paths(&["*.tsv"])).unwrap_err().to_string();
    assert!(error.contains("*.tsv`, which matches nothing"), "{error}");
    let error = found(&["[".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("`[`, which is no pattern"), "{error}");
    let Samples::Table(read) = read_all(&paths, &ReadOptions::default())
        .unwrap()
        .into_samples()
    else {
        panic!("a table")
    };
    assert_eq!(numbers(&read, "x"), [1.0, 2.0]);
}
