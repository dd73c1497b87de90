//! Whole files.

use std::path::Path;

use unlike_core::{Error, Result, files::write_atomically};

/// Writes bytes as a file, all of them or nothing.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically(path, |to| {
        to.write_all(bytes).map_err(Error::io("write", path))
    })
}
