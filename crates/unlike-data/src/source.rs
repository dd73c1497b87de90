//! A file's content, decompressed, in memory.

use std::{
    fs::File,
    io::{Cursor, ErrorKind, Read},
    path::{Path, PathBuf},
};

use flate2::{Crc, bufread::GzDecoder};
use unlike_core::{Error, Location, Note, Result};
use zip::ZipArchive;

#[cfg(test)]
use crate::counted::{self, Work};
use crate::words;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Formats whose headers stand at the beginning, before anything large: PNG and JPEG.
const HEADER_FIRST: [&[u8]; 2] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"];

/// Bytes that hold the header of nearly every such file.
const START: u64 = 1 << 16;

/// A file's content, and what to call it in messages.
///
/// The whole content is held: readers look at its start before they decide how to read it, and a
/// table in memory is larger than its file anyway. It also makes pipes work.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Source {
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

    /// Reads a file; gzip is recognised by its first bytes, whatever the name.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Self::load_within(path, None)
    }

    /// As [`load`](Self::load), for content of at most so many bytes once it is unpacked; by default,
    /// what honest files need.
    pub(crate) fn load_within(path: &Path, most: Option<usize>) -> Result<Self> {
        #[cfg(test)]
        counted::count(path, Work::Load);
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let source = Self {
            path: path.to_owned(),
            bytes,
        };
        if source.bytes.starts_with(&GZIP_MAGIC) {
            source.decompressed(most)
        } else {
            Ok(source)
        }
    }

    /// The only file of a zip archive, if this is one and holds no NumPy arrays.
    pub(crate) fn unpacked(self, most: Option<usize>) -> Result<Self> {
        if !self.bytes.starts_with(b"PK\x03\x04") {
            return Ok(self);
        }
        // A damaged archive is told by those who read arrays from it.
        let Ok(mut archive) = ZipArchive::new(Cursor::new(&self.bytes[..])) else {
            return Ok(self);
        };
        let names: Vec<String> = archive
            .file_names()
            .filter_map(|n| n.ok().map(|n| n.to_string()))
            .collect();
        if names.iter().any(|name| name == "xl/workbook.xml") {
            return Err(self
                .malformed("an Excel workbook", "delimited text")
                .with_hint("save the sheet as CSV"));
        }
        if names.is_empty() || names.iter().any(|name| name.ends_with(".npy")) {
            return Ok(self);
        }
        let is_data = |name: &&String| !name.ends_with('/') && !name.starts_with("__MACOSX/");
        let data: Vec<&String> = names.iter().filter(is_data).collect();
        let [name] = data[..] else {
            let found = format!("a zip archive of {}", words::quoted(&data));
            return Err(self
                .malformed(found, "one file in it, or a NumPy archive with an array `X`")
                .with_hint("unpack it, and name the file; arrays are saved with numpy.savez(path, X=X, y=y)"));
        };
        let mut bytes = Vec::new();
        let read = archive
            .by_name(name)
            .map_err(|e| e.to_string())
            .and_then(|file| {
                let most = self.most(most);
                let mut file = file.take(most as u64 + 1);
                file.read_to_end(&mut bytes).map_err(|e| e.to_string())
            });
        if bytes.len() > self.most(most) {
            return Err(self.too_large(most));
        }
        match read {
            Ok(_) => {
                drop(archive);
                Ok(Self { bytes, ..self })
            }
            Err(error) => Err(self
                .malformed(format!("a damaged zip archive ({error})"), "a whole file")
                .with_hint("the file was cut short or damaged; copy or download it again")),
        }
    }

    /// How many bytes a packed file may become: tables shrink to a twentieth or so, and a file that
    /// grows a thousandfold is made to fill the memory.
    fn most(&self, told: Option<usize>) -> usize {
        const SMALL: usize = 64 << 20;
        const TIMES: usize = 200;
        told.unwrap_or_else(|| SMALL.saturating_add(self.bytes.len().saturating_mul(TIMES)))
    }

    fn too_large(&self, told: Option<usize>) -> Error {
        let packed = words::memory(self.bytes.len());
        let most = words::memory(self.most(told));
        self.malformed(
            format!("{packed} that unpack to more than {most}"),
            "a file that unpacks to what its size suggests",
        )
        .with_hint(
            Note::new("if it is what it should be, allow more MiB with ").setting("max-unpacked"),
        )
    }

    fn decompressed(self, told: Option<usize>) -> Result<Self> {
        let most = self.most(told);
        let mut bytes = Vec::with_capacity(self.bytes.len().saturating_mul(4).min(most));
        let mut rest = &self.bytes[..];
        // One member after the other, as `gzip` and `cat` make them. Tapes and block devices fill up
        // with zeros after the last.
        while !rest.iter().all(|&byte| byte == 0) {
            if !rest.starts_with(&GZIP_MAGIC) {
                let other = words::count(rest.len());
                return Err(self
                    .malformed(
                        format!("gzip data and {other} bytes of something else after it"),
                        "a whole file",
                    )
                    .with_hint("the file was damaged; copy or download it again"));
            }
            let room = most.saturating_sub(bytes.len()) as u64;
            let mut member = GzDecoder::new(rest).take(room + 1);
            if let Err(error) = member.read_to_end(&mut bytes) {
                let found = match error.kind() {
                    ErrorKind::UnexpectedEof => "gzip data that ends too early".to_owned(),
                    _ => format!("damaged gzip data ({error})"),
                };
                let after = words::count(bytes.len());
                return Err(self
                    .malformed(
                        format!("{found}, after {after} decompressed bytes"),
                        "a whole file",
                    )
                    .with_hint("the file was cut short or damaged; copy or download it again"));
            }
            if bytes.len() > most {
                return Err(self.too_large(told));
            }
            rest = member.into_inner().into_inner();
        }
        Ok(Self { bytes, ..self })
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
