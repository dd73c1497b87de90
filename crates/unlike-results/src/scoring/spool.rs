//! Where scores wait for the decision: in memory while they are few, then in a file. One with a name
//! outlives the process, and another one goes on from it.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tempfile::SpooledTempFile;
use unlike_core::{Error, Location, Note, Result};

use super::frame::{Frame, fill};

/// The first bytes of a file with a name.
const MAGIC: &[u8] = b"unlike-scoring 1\n";
/// Bytes that are held in memory before there is a file.
const IN_MEMORY: usize = 16 << 20;
/// What messages call the file that has no name.
const TEMPORARY: &str = "a temporary file";
/// How often what was written is brought to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(10);

/// What scores depend on: those of another model, of other data or by other options are no part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fingerprint {
    pub(super) unlike_version: String,
    /// A digest of the model file.
    pub(super) model: String,
    /// Each file's path, size in bytes, and time of its last change in nanoseconds.
    pub(super) data: Vec<(PathBuf, u64, u128)>,
    /// All of them, in words.
    pub(super) options: String,
}

/// Frames, one after the other.
pub(super) struct Spool {
    store: Store,
    /// The names of the parts of scores.
    parts: Vec<String>,
    /// The file that is made when there is more than one frame.
    named: Option<(PathBuf, Fingerprint)>,
    frames: usize,
    synced: Instant,
}

enum Store {
    Temporary(SpooledTempFile),
    Named {
        file: File,
        path: PathBuf,
        start: u64,
    },
}

impl Spool {
    /// With a name, if there is to be one.
    pub(super) fn new(parts: Vec<String>, named: Option<(PathBuf, Fingerprint)>) -> Self {
        Self {
            store: Store::Temporary(SpooledTempFile::new(IN_MEMORY)),
            parts,
            named,
            frames: 0,
            synced: Instant::now(),
        }
    }

    /// The frames of an earlier process, which are handed to `each`; what follows the last whole one is
    /// forgotten. Nothing if there is no file, or none with a whole frame.
    ///
    /// # Errors
    /// If it is no such file, or of another model, other data or options.
    pub(super) fn resume(
        path: &Path,
        now: &Fingerprint,
        parts: Vec<String>,
        mut each: impl FnMut(Frame) -> Result<()>,
    ) -> Result<Option<Self>> {
        let file = match File::options().read(true).write(true).open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(Error::io("read", path))?,
        };
        let io = |e| Error::io("read", path)(e);
        let mut from = BufReader::new(&file);
        let then = fingerprint(&mut from).map_err(io)?;
        let (then, start) = then.ok_or_else(|| unknown(path))?;
        check(path, &then, now)?;
        let (mut end, mut frames) = (start, 0);
        while let Some((frame, size)) = Frame::read(&mut from, &parts).map_err(io)? {
            each(frame)?;
            end += size;
            frames += 1;
        }
        file.set_len(end).map_err(Error::io("write", path))?;
        let path = path.to_owned();
        Ok((frames > 0).then_some(Self {
            store: Store::Named { file, path, start },
            parts,
            named: None,
            frames,
            synced: Instant::now(),
        }))
    }

    /// Appends a frame.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<()> {
        let bytes = frame.to_bytes();
        let bytes = bytes.map_err(|e| Error::io("write", "scores")(e.into()))?;
        if self.frames > 0
            && let Some((path, fingerprint)) = self.named.take()
        {
            self.store = self.named_store(path, &fingerprint)?;
        }
        self.frames += 1;
        match &mut self.store {
            Store::Temporary(file) => {
                let end = file.seek(SeekFrom::End(0));
                let written = end.and_then(|_| file.write_all(&bytes));
                written.map_err(Error::io("write", TEMPORARY))
            }
            Store::Named { file, path, .. } => {
                let end = file.seek(SeekFrom::End(0));
                let written = end.and_then(|_| file.write_all(&bytes));
                let is_due = self.synced.elapsed() >= SYNC_EVERY;
                let synced = match is_due {
                    true => written.and_then(|()| file.sync_data()),
                    false => written,
                };
                if is_due {
                    self.synced = Instant::now();
                }
                synced.map_err(Error::io("write", path.as_path()))
            }
        }
    }

    /// A file of this name, with what was written so far.
    fn named_store(&mut self, path: PathBuf, fingerprint: &Fingerprint) -> Result<Store> {
        let header = serde_json::to_vec(fingerprint);
        let header = header.map_err(|e| Error::io("write", &path)(e.into()))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(crc32fast::hash(&header).to_le_bytes());
        bytes.extend(header);
        let start = bytes.len() as u64;
        if let Store::Temporary(file) = &mut self.store {
            let rewound = file.seek(SeekFrom::Start(0));
            let read = rewound.and_then(|_| file.read_to_end(&mut bytes));
            read.map_err(Error::io("read", TEMPORARY))?;
        }
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let made = options.open(&path).and_then(|mut file| {
            file.write_all(&bytes)?;
            Ok(file)
        });
        let file = made.map_err(Error::io("write", &path))?;
        Ok(Store::Named { file, path, start })
    }

    /// The frames, from the first one on.
    pub(super) fn frames(&mut self) -> Result<Frames<'_>> {
        let (from, path): (Box<dyn Read + '_>, PathBuf) = match &mut self.store {
            Store::Temporary(file) => {
                let path = PathBuf::from(TEMPORARY);
                let rewound = file.seek(SeekFrom::Start(0));
                rewound.map_err(Error::io("read", &path))?;
                (Box::new(BufReader::new(file)), path)
            }
            Store::Named { file, path, start } => {
                let rewound = file.seek(SeekFrom::Start(*start));
                rewound.map_err(Error::io("read", path.as_path()))?;
                (Box::new(BufReader::new(file)), path.clone())
            }
        };
        Ok(Frames {
            from,
            path,
            parts: &self.parts,
            left: self.frames,
        })
    }

    /// Takes the file away, if there is one.
    pub(super) fn remove(self) -> Result<()> {
        match self.store {
            Store::Named { file, path, .. } => {
                drop(file);
                fs::remove_file(&path).map_err(Error::io("remove", &path))
            }
            Store::Temporary(_) => Ok(()),
        }
    }
}

/// Frames that are read one after the other.
pub(super) struct Frames<'a> {
    from: Box<dyn Read + 'a>,
    path: PathBuf,
    parts: &'a [String],
    left: usize,
}

impl Frames<'_> {
    /// The next one; none after the last.
    pub(super) fn next(&mut self) -> Result<Option<Frame>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let read = Frame::read(&mut *self.from, self.parts);
        match read.map_err(Error::io("read", &self.path))? {
            Some((frame, _)) => Ok(Some(frame)),
            None => Err(damaged(&self.path)),
        }
    }
}

/// Whether a file holds scores that another process can go on from.
pub(super) fn is_there(path: &Path) -> bool {
    let opened = File::open(path).map(BufReader::new);
    opened.is_ok_and(|mut from| matches!(fingerprint(&mut from), Ok(Some(_))))
}

/// What stands at the beginning of a file, and where that ends; none where it is not whole.
fn fingerprint(from: &mut dyn Read) -> io::Result<Option<(Fingerprint, u64)>> {
    const MOST: u64 = 1 << 30;
    let mut head = [0; MAGIC.len() + 12];
    if !fill(from, &mut head)? || !head.starts_with(MAGIC) {
        return Ok(None);
    }
    let (length, checksum) = head[MAGIC.len()..].split_at(8);
    let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
    let checksum = checksum.try_into().map_or(0, u32::from_le_bytes);
    let mut bytes = Vec::new();
    from.take(length.min(MOST)).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() as u64 == length && crc32fast::hash(&bytes) == checksum;
    let found = is_whole
        .then(|| serde_json::from_slice(&bytes).ok())
        .flatten();
    Ok(found.map(|found| (found, head.len() as u64 + length)))
}

/// Refuses scores of something else.
fn check(path: &Path, then: &Fingerprint, now: &Fingerprint) -> Result<()> {
    let changed = if then.unlike_version != now.unlike_version {
        "another version of unlike"
    } else if then.model != now.model {
        "another model"
    } else if then.data != now.data {
        "other data, or data that have changed since"
    } else if then.options != now.options {
        "other options"
    } else {
        return Ok(());
    };
    Err(Error::Mismatch {
        origin: Some(format!("`{}`", path.display())),
        found: format!("scores by {changed}"),
        expected: "the same model, data and options as before".into(),
        hint: Some(Note::new("start again with ").setting("force")),
    })
}

fn unknown(path: &Path) -> Error {
    malformed(path, "something else than scores to go on from")
}

fn damaged(path: &Path) -> Error {
    malformed(path, "damaged scores")
}

fn malformed(path: &Path, found: &str) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        location: Location::default(),
        found: found.into(),
        expected: "what an interrupted scoring left".into(),
        hint: Some(Note::new("start again with ").setting("force")),
    }
}
