//! Files that are packed: gzip, Zstandard, bzip2, xz, and zip archives of one file.

use std::{
    io::{Cursor, ErrorKind, Read},
    path::Path,
};

use bzip2::read::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use unlike_core::{Error, Note, Result};
use zip::ZipArchive;

use crate::{source::Source, words};

/// How a file can be packed, and the bytes that it then begins with.
#[derive(Clone, Copy)]
pub(crate) enum Packed {
    Gzip,
    Zstandard,
    Bzip2,
    Xz,
}

impl Packed {
    const MAGIC: [(Self, &[u8]); 4] = [
        (Self::Gzip, GZIP_MAGIC),
        (Self::Zstandard, &[0x28, 0xb5, 0x2f, 0xfd]),
        (Self::Bzip2, b"BZh"),
        (Self::Xz, b"\xfd7zXZ\0"),
    ];

    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        /// What each block of bzip2 begins with, after the digit of its size.
        const BZIP2_BLOCK: &[u8] = b"1AY&SY";
        let known = Self::MAGIC
            .iter()
            .find(|(_, magic)| bytes.starts_with(magic));
        known
            .map(|(packed, _)| *packed)
            .filter(|packed| match packed {
                // Three letters and a digit can begin a text.
                Self::Bzip2 => bytes.get(4..).is_some_and(|rest| {
                    rest.starts_with(BZIP2_BLOCK) || rest.starts_with(b"\x17\x72\x45\x38\x50\x90")
                }),
                _ => true,
            })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstandard => "Zstandard",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// How many bytes a packed file of this size may become: tables shrink to a twentieth or so, and a file
/// that grows a thousandfold is made to fill the memory.
pub(crate) fn most(size: usize, told: Option<usize>) -> usize {
    const SMALL: usize = 64 << 20;
    const TIMES: usize = 200;
    told.unwrap_or_else(|| SMALL.saturating_add(size.saturating_mul(TIMES)))
}

/// The KiB that unpacking xz may take: a dictionary larger than what may come of the file serves nobody.
pub(crate) fn xz_memory(most: usize) -> u32 {
    u32::try_from(most >> 10).unwrap_or(u32::MAX).max(64 << 10)
}

impl Source {
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
                .with_hint("name the file inside it, as in ARCHIVE.zip/FILE; arrays are saved with numpy.savez(path, X=X, y=y)"));
        };
        let bytes = self.unzip(&mut archive, name, most)?;
        drop(archive);
        Ok(Self { bytes, ..self })
    }

    /// The file of this path inside an archive, of at most so many bytes.
    pub(crate) fn member(archive: &Path, path: &Path, most: Option<usize>) -> Result<Self> {
        let bytes = std::fs::read(archive).map_err(Error::io("read", archive))?;
        let source = Self {
            path: archive.to_owned(),
            bytes,
        };
        let mut opened = ZipArchive::new(Cursor::new(&source.bytes[..])).map_err(|error| {
            source.malformed(format!("a damaged zip archive ({error})"), "a whole file")
        })?;
        let inside = path.strip_prefix(archive).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        let name = parts.join("/");
        if opened.index_for_name(&name).is_none() {
            let names = opened.file_names().filter_map(|n| n.ok());
            let names: Vec<String> = names.map(|n| n.to_string()).collect();
            let found = format!("a zip archive of {}", words::quoted(&names));
            return Err(source.malformed(found, format!("`{name}` in it")));
        }
        let bytes = source.unzip(&mut opened, &name, most)?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    fn unzip(
        &self,
        archive: &mut ZipArchive<Cursor<&[u8]>>,
        name: &str,
        most: Option<usize>,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most_bytes = self.most(most);
        let read = archive
            .by_name(name)
            .map_err(|e| e.to_string())
            .and_then(|file| {
                let mut file = file.take(most_bytes as u64 + 1);
                file.read_to_end(&mut bytes).map_err(|e| e.to_string())
            });
        match read {
            _ if bytes.len() > most_bytes => Err(self.too_large(self.bytes.len(), most)),
            Ok(_) => Ok(bytes),
            Err(error) => Err(self
                .malformed(format!("a damaged zip archive ({error})"), "a whole file")
                .with_hint("the file was cut short or damaged; copy or download it again")),
        }
    }

    /// See [`most`].
    pub(crate) fn most(&self, told: Option<usize>) -> usize {
        most(self.bytes.len(), told)
    }

    /// Of a packed file of this size.
    pub(crate) fn too_large(&self, size: usize, told: Option<usize>) -> Error {
        let packed = words::memory(size);
        let most = words::memory(most(size, told));
        self.malformed(
            format!("{packed} that unpack to more than {most}"),
            "a file that unpacks to what its size suggests",
        )
        .with_hint(
            Note::new("if it is what it should be, allow more MiB with ").setting("max-unpacked"),
        )
    }

    /// The content of a file that is packed, or the file as it is.
    pub(crate) fn decompressed(self, told: Option<usize>) -> Result<Self> {
        let Some(packed) = Packed::of(&self.bytes) else {
            return Ok(self);
        };
        let most = self.most(told);
        let mut bytes = Vec::with_capacity(self.bytes.len().saturating_mul(4).min(most));
        let content = &self.bytes[..];
        match packed {
            Packed::Gzip => self.gunzip(&mut bytes, told)?,
            Packed::Zstandard => {
                let frames = zstd::Decoder::with_buffer(content);
                let frames = frames.map_err(|e| self.damaged(packed, &e, 0))?;
                self.unpack(packed, frames, &mut bytes, told)?;
            }
            Packed::Bzip2 => {
                self.unpack(packed, MultiBzDecoder::new(content), &mut bytes, told)?;
            }
            Packed::Xz => {
                let streams = XzReader::new_mem_limit(content, true, xz_memory(most));
                self.unpack(packed, streams, &mut bytes, told)?;
            }
        }
        Ok(Self { bytes, ..self })
    }

    /// Appends all that a decoder gives, within the limit.
    fn unpack(
        &self,
        packed: Packed,
        decoder: impl Read,
        bytes: &mut Vec<u8>,
        told: Option<usize>,
    ) -> Result<()> {
        let room = self.most(told).saturating_sub(bytes.len()) as u64;
        let read = decoder.take(room + 1).read_to_end(bytes);
        if bytes.len() > self.most(told) {
            return Err(self.too_large(self.bytes.len(), told));
        }
        match read {
            Ok(_) => Ok(()),
            Err(error) => Err(self.damaged(packed, &error, bytes.len())),
        }
    }

    /// One member after the other, as `gzip` and `cat` make them. Tapes and block devices fill up with
    /// zeros after the last.
    fn gunzip(&self, bytes: &mut Vec<u8>, told: Option<usize>) -> Result<()> {
        let mut rest = &self.bytes[..];
        while !rest.iter().all(|&byte| byte == 0) {
            if !rest.starts_with(GZIP_MAGIC) {
                return Err(self.other_after_gzip(rest.len()));
            }
            let mut member = GzDecoder::new(rest);
            self.unpack(Packed::Gzip, &mut member, bytes, told)?;
            rest = member.into_inner();
        }
        Ok(())
    }

    pub(crate) fn other_after_gzip(&self, bytes: usize) -> Error {
        let bytes = words::count(bytes);
        self.malformed(
            format!("gzip data and {bytes} bytes of something else after it"),
            "a whole file",
        )
        .with_hint("the file was damaged; copy or download it again")
    }

    pub(crate) fn damaged(&self, packed: Packed, error: &std::io::Error, after: usize) -> Error {
        let name = packed.name();
        let found = match error.kind() {
            ErrorKind::UnexpectedEof => format!("{name} data that ends too early"),
            _ => format!("damaged {name} data ({error})"),
        };
        let after = words::count(after);
        self.malformed(
            format!("{found}, after {after} decompressed bytes"),
            "a whole file",
        )
        .with_hint("the file was cut short or damaged; copy or download it again")
    }
}
