//! Where the bytes of a Parquet file are.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
    sync::Arc,
};

use bytes::{Buf, Bytes};
use parquet::{
    errors::{ParquetError, Result as ParquetResult},
    file::reader::{ChunkReader, Length},
};
use unlike_core::{Error, Result};

/// The file in memory, or on the disk. Other than those of `parquet` for `Bytes` and `File`, it takes
/// offsets of damaged files for what they are, and threads do not move each other's position.
pub(crate) enum Content {
    Memory(Bytes),
    Disk { file: Arc<File>, size: u64 },
}

impl Content {
    pub(crate) fn on_disk(path: &Path) -> Result<Self> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, file) = opened.map_err(Error::io("read", path))?;
        Ok(Self::Disk {
            file: Arc::new(file),
            size,
        })
    }
}

impl Length for Content {
    fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk { size, .. } => *size,
        }
    }
}

impl ChunkReader for Content {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        match self {
            Self::Memory(bytes) => {
                let length = bytes.len().saturating_sub(start as usize);
                Ok(Box::new(self.get_bytes(start, length)?.reader()))
            }
            // Headers of pages are read so, which are short.
            Self::Disk { file, .. } => Ok(Box::new(BufReader::with_capacity(
                512,
                At {
                    file: Arc::clone(file),
                    at: start,
                },
            ))),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF("what lies beyond its end".into()));
        }
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(start as usize..start as usize + length)),
            Self::Disk { file, .. } => {
                let mut bytes = vec![0; length];
                let mut at = At {
                    file: Arc::clone(file),
                    at: start,
                };
                at.read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

/// A position of its own in a file.
struct At {
    file: Arc<File>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, into, self.at)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
