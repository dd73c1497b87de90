//! Tables and lists of images.

use std::{fs, path::Path};

use unlike_data::{
    BadRows, Chunks, Format, Preprocessing, PreprocessingConfig, ReadOptions, Remarks, read,
};

/// All targets.
pub const TARGETS: [&str; 8] = [
    "csv", "json", "npy", "npz", "parquet", "arrow", "idx", "list",
];

/// Reads bytes as a target does.
///
/// # Panics
/// If there is no such target; and where there is a bug.
pub fn run(target: &str, bytes: &[u8]) {
    match target {
        "csv" => table(Format::Csv, bytes),
        "json" => table(Format::Json, bytes),
        "npy" => table(Format::Npy, bytes),
        "npz" => table(Format::Npz, bytes),
        "parquet" => table(Format::Parquet, bytes),
        "arrow" => table(Format::Arrow, bytes),
        "idx" => table(Format::Idx, bytes),
        "list" => table(Format::Images, bytes),
        other => panic!("no target `{other}`"),
    }
}

/// A folder with these bytes in a file; gone after it.
pub(crate) fn in_file<T>(bytes: &[u8], name: &str, f: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    f(&path)
}

/// Reads a table at once, learns from it, and reads it again in parts.
fn table(format: Format, bytes: &[u8]) {
    in_file(bytes, "data", |path| {
        for bad_rows in BadRows::ALL {
            let options = ReadOptions {
                format: Some(format),
                bad_rows,
                ..ReadOptions::default()
            };
            let Ok(data) = read(path, &options) else {
                continue;
            };
            let config = PreprocessingConfig {
                reading: data.reading().clone(),
                ..PreprocessingConfig::default()
            };
            let Ok(fitted) = Preprocessing::fit(data.samples(), &config) else {
                continue;
            };
            _ = fitted.transform(data.samples());
            let options = fitted.read_options(options);
            let Ok(chunks) = Chunks::open(&[path], &options) else {
                continue;
            };
            let mut chunks = chunks.of(3, 64);
            let mut remarks = Remarks::default();
            while let Ok(Some(chunk)) = chunks.next() {
                _ = fitted.transform(chunk.data.samples());
                remarks.merge(chunk.remarks);
            }
            _ = chunks.finish(&remarks);
        }
    });
}
