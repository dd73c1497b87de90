//! What is read is not written over, and what is there already only where that is wanted.

use std::{fs, path::Path};

use unlike_core::{Error, Result};

/// Refuses a file to be written that is one of those that are read, under whatever name: DATA, a model
/// or the model in a run folder.
pub(crate) fn refuse_over(out: &Path, inputs: &[&Path]) -> Result<()> {
    for input in inputs {
        let model = input.join("model.safetensors");
        let read = if input.is_dir() { &model } else { *input };
        if is_same(out, read) {
            return Err(Error::Setting {
                name: "out".into(),
                found: format!("`{}`, which is read: `{}`", out.display(), read.display()),
                expected: "another file than those that are read".into(),
                hint: Some("what is there would be lost; name a new file".into()),
            });
        }
    }
    Ok(())
}

/// Refuses to write over a file that is there already, unless that is wanted. An empty one holds
/// nothing that could be lost, and what is no file (a pipe, a device) is written to.
pub(crate) fn refuse_there(out: &Path, force: bool) -> Result<()> {
    let is_full = |file: fs::Metadata| file.is_file() && file.len() > 0;
    if force || !fs::metadata(out).is_ok_and(is_full) {
        return Ok(());
    }
    Err(Error::Setting {
        name: "out".into(),
        found: format!("`{}`, which is there already", out.display()),
        expected: "a new file".into(),
        hint: Some("--force replaces it".into()),
    })
}

/// Whether both are there, and one file: links and other spellings of a path do not hide it.
#[cfg(unix)]
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let file = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_file);
    match (file(a), file(b)) {
        (Some(a), Some(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Whether both are there, and one file: links and other spellings of a path do not hide it.
#[cfg(not(unix))]
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b && a.is_file(),
        _ => false,
    }
}
