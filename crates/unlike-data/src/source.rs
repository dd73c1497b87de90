//! A file's content, decompressed, in memory.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::Crc;
use unlike_core::{Error, Location, Note, Result};

#[cfg(test)]
use crate::counted::{self, Work};
use crate::words;

/// Formats whose headers stand at the beginning, before anything large: PNG and JPEG.
const HEADER_FIRST: [&[u8]; 2] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"];

/// Bytes that hold the header of nearly every such file.
const START: u64 = 1 << 16;

/// A file's content, and what to call it in messages.
///
/// The whole content is held: readers look at its start before they decide how to read it, and a
/// table in memory is larger than its file anyway. It also makes pipes work. What is larger than memory is
/// read in [`Chunks`](crate::Chunks).
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Source {
    /// For messages about a file whose content is elsewhere.
    pub(crate) fn without_content(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            bytes: Vec::new(),
        }
    }

    /// Reads the beginning of a file, if it is of a format whose header is to be found there.
    pub(crate) fn start(path: &Path) -> Result<Option<Self>> {
        #[cfg(test)]
        counted::count(path, Work::Start);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(Error::io("read", path))?;
        let read = file.take(START).read_to_end(&mut bytes);
        read.map_err(Error::io("read", path))?;
        let path = path.to_owned();
        let known = HEADER_FIRST.iter().any(|magic| bytes.starts_with(magic));
        Ok(known.then_some(Self { path, bytes }))
    }

    /// Reads a file; how it is packed is recognised by its first bytes, whatever the name.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Self::load_within(path, None)
    }

    /// As [`load`](Self::load), for content of at most so many bytes once it is unpacked; by default,
    /// what honest files need.
    pub(crate) fn load_within(path: &Path, most: Option<usize>) -> Result<Self> {
        #[cfg(test)]
        counted::count(path, Work::Load);
        if let Some(archive) = archive_of(path) {
            return Self::member(archive, path, most);
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let source = Self {
            path: path.to_owned(),
            bytes,
        };
        source.decompressed(most)
    }

    /// Tells whether a file is still what it was: the CRC-32 of its content.
    pub(crate) fn checksum(&self) -> u32 {
        let mut crc = Crc::new();
        crc.update(&self.bytes);
        crc.sum()
    }

    /// The name that messages and samples carry.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// An error about the file as a whole.
    pub(crate) fn malformed(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        self.malformed_at(Location::default(), found, expected)
    }

    /// An error about a cell whose bytes are not text.
    pub(crate) fn not_utf8(&self, location: Location, cell: &[u8]) -> Error {
        let shown = words::shortened(&String::from_utf8_lossy(cell));
        self.malformed_at(
            location,
            format!("`{shown}`, which is not UTF-8"),
            "UTF-8 text",
        )
        .with_hint(
            Note::new("save the file again as UTF-8, or say how it is written: ")
                .set("encoding", "latin-1")
                .text(", say"),
        )
    }

    /// An error about a place in the file.
    pub(crate) fn malformed_at(
        &self,
        location: Location,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        Error::Malformed {
            path: self.path.clone(),
            location,
            found: found.into(),
            expected: expected.into(),
            hint: None,
        }
    }
}

/// The zip archive that a path goes on inside of: `flows.zip` of `flows.zip/monday.csv`.
pub(crate) fn archive_of(path: &Path) -> Option<&Path> {
    let mut above = path.ancestors().skip(1);
    let archive = above.find(|folder| folder.is_file())?;
    archive
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("zip"))
        .then_some(archive)
}

/// The last part of a path, for messages.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A row of the file.
pub(crate) fn row(row: u64) -> Location {
    Location {
        row: Some(row),
        column: None,
    }
}

/// A cell of the file.
pub(crate) fn cell(row: u64, column: &str) -> Location {
    Location {
        row: Some(row),
        column: Some(column.to_owned()),
    }
}
