//! Readers, preprocessing and splits through their public interface.

mod arbitrary;
mod as_people_write;
mod bad_input;
mod chunks;
mod csv;
mod image_formats;
mod image_layouts;
mod images;
mod info;
mod json;
mod kdd;
mod labels;
mod numpy;
mod packed;
mod preprocess;
mod several;
mod split;
mod typed;

use std::path::{Path, PathBuf};

use unlike_core::{Error, Samples, Table, Values};
use unlike_data::{DataSet, ReadOptions, read};

/// A file in a folder that disappears with it.
struct File {
    folder: tempfile::TempDir,
    name: String,
}

impl File {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        Self {
            folder,
            name: name.to_owned(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    fn read(&self, options: &ReadOptions) -> Result<DataSet, Error> {
        read(self.path(), options)
    }

    /// An error's message, with the folder left out of paths.
    fn shown(&self, error: &Error) -> String {
        let folder = format!("{}/", self.folder.path().display());
        error.to_string().replace(&folder, "")
    }
}

/// Reads a CSV text as it stands.
fn csv_text(text: &str) -> DataSet {
    csv_with(text, &ReadOptions::default())
}

fn csv_with(text: &str, options: &ReadOptions) -> DataSet {
    File::new("t.csv", text).read(options).unwrap()
}

fn table(data: &DataSet) -> &Table {
    match data.samples() {
        Samples::Table(table) => table,
        Samples::Images(_) => panic!("a table"),
    }
}

fn names(data: &DataSet) -> Vec<&str> {
    table(data).columns().iter().map(|c| &*c.name).collect()
}

fn numbers<'a>(table: &'a Table, name: &str) -> &'a [f64] {
    match &table.column(name).unwrap().values {
        Values::Number(values) => values,
        Values::Category { .. } => panic!("`{name}` is a category"),
    }
}

/// The cells of a category as texts, empty where missing.
fn texts(table: &Table, name: &str) -> Vec<String> {
    let values = &table.column(name).unwrap().values;
    assert!(
        matches!(values, Values::Category { .. }),
        "`{name}` is a column of numbers"
    );
    (0..table.rows()).map(|row| values.text(row)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of the project's data folder.
fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data")
        .join(name)
}
