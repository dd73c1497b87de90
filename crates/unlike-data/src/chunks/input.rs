//! A file's content, unpacked, some bytes at a time.

use std::{
    error, fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use unlike_core::{Error, Result};

use crate::{
    packed::{self, Packed},
    source::Source,
    words,
};

/// What is read from the disk at a time.
const BUFFER: usize = 1 << 18;

/// A file that is read once, from its beginning.
pub(crate) struct Input {
    path: PathBuf,
    content: Box<dyn Read + Send>,
    packed: Option<Packed>,
    /// The size of the file, and the most bytes that it may become.
    size: usize,
    most: usize,
    told: Option<usize>,
    /// The bytes that were given so far.
    given: usize,
}

impl Input {
    /// Opens a file; how it is packed is recognised by its first bytes. `told` is how much it may become.
    pub(crate) fn open(path: &Path, told: Option<usize>) -> Result<Self> {
        let io = Error::io("read", path);
        let opened = File::open(path).and_then(|file| {
            let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            let mut file = BufReader::with_capacity(BUFFER, file);
            let packed = Packed::of(file.fill_buf()?);
            Ok((file, size, packed))
        });
        let (file, size, packed) = opened.map_err(io)?;
        let most = packed::most(size, told);
        let content: Box<dyn Read + Send> = match packed {
            None => Box::new(file),
            Some(Packed::Gzip) => Box::new(Members::new(file)),
            Some(of @ Packed::Zstandard) => {
                let frames = zstd::Decoder::with_buffer(file);
                let nameless = Source::without_content(path);
                Box::new(frames.map_err(|e| nameless.damaged(of, &e, 0))?)
            }
            Some(Packed::Bzip2) => Box::new(MultiBzDecoder::new(file)),
            Some(Packed::Xz) => {
                Box::new(XzReader::new_mem_limit(file, true, packed::xz_memory(most)))
            }
        };
        Ok(Self {
            path: path.to_owned(),
            content,
            packed,
            size,
            most,
            told,
            given: 0,
        })
    }

    /// Whether the file is as it is on the disk.
    pub(crate) fn is_plain(&self) -> bool {
        self.packed.is_none()
    }

    /// How much of the file was given, from 0 to 1, but for so many bytes; none of packed files.
    pub(crate) fn share(&self, waiting: usize) -> Option<f64> {
        let done = self.given.saturating_sub(waiting);
        self.is_plain()
            .then(|| done as f64 / self.size.max(1) as f64)
    }

    /// Appends so many bytes, or all that are left; says whether that was the end.
    pub(crate) fn read(&mut self, bytes: &mut Vec<u8>, count: usize) -> Result<bool> {
        let before = bytes.len();
        let read = (&mut self.content).take(count as u64).read_to_end(bytes);
        self.given = self.given.saturating_add(bytes.len() - before);
        let source = Source::without_content(&self.path);
        match (read, self.packed) {
            (Ok(_), Some(_)) if self.given > self.most => {
                Err(source.too_large(self.size, self.told))
            }
            (Ok(read), _) => Ok(read < count),
            (Err(error), None) => Err(Error::io("read", &self.path)(error)),
            (Err(error), Some(packed)) => match error.get_ref().and_then(|e| e.downcast_ref()) {
                Some(&Other(other)) => Err(source.other_after_gzip(other)),
                None => Err(source.damaged(packed, &error, self.given)),
            },
        }
    }
}

/// Gzip members, one after the other, as `gzip` and `cat` make them. Tapes and block devices fill up with
/// zeros after the last.
struct Members {
    /// Absent after the end.
    member: Option<GzDecoder<BufReader<File>>>,
}

/// So many bytes of something else after gzip data.
#[derive(Debug)]
struct Other(usize);

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of something else", words::count(self.0))
    }
}

impl error::Error for Other {}

impl Members {
    fn new(file: BufReader<File>) -> Self {
        Self {
            member: Some(GzDecoder::new(file)),
        }
    }

    /// What follows a member: another one, or nothing.
    fn next(file: BufReader<File>) -> io::Result<Option<GzDecoder<BufReader<File>>>> {
        let mut file = file;
        loop {
            let zeros = file
                .fill_buf()?
                .iter()
                .take_while(|&&byte| byte == 0)
                .count();
            if zeros == 0 {
                break;
            }
            file.consume(zeros);
        }
        match file.fill_buf()? {
            [] => Ok(None),
            // One byte of two where a buffer ends between them.
            [0x1f] | [0x1f, 0x8b, ..] => Ok(Some(GzDecoder::new(file))),
            _ => {
                let rest = io::copy(&mut file, &mut io::sink())?;
                let rest = usize::try_from(rest).unwrap_or(usize::MAX);
                Err(io::Error::other(Other(rest)))
            }
        }
    }
}

impl Read for Members {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else {
                return Ok(0);
            };
            let read = member.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.member = match self.member.take() {
                Some(member) => Self::next(member.into_inner())?,
                None => None,
            };
        }
    }
}
