//! Where the messages of an Arrow file or stream are. None of them claims more bytes than there are, or
//! unpacks to more than it may: the decoder takes memory for what they claim.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
    result::Result,
    sync::Arc,
};

use arrow_ipc::{
    Block, Buffer, MetadataVersion, RecordBatch as Header, convert::try_fb_to_schema,
    reader::read_footer_length, root_as_footer, root_as_message,
};
use arrow_schema::{ArrowError, SchemaRef};
use unlike_core::{Error, Note};

use crate::{source::Source, words};

/// The first and last bytes of a file; the first fill eight.
const MAGIC: &[u8] = b"ARROW1";

/// What stands before each message of a stream, since version 0.15.
const MARK: [u8; 4] = u32::MAX.to_le_bytes();

/// Whether a file that begins so is Arrow's.
pub(crate) fn is_arrow(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(&MARK)
}

/// What is wrong with a file.
pub(crate) enum Fault {
    Damaged(String),
    /// Bytes that a message unpacks to, and how many it may.
    TooLarge(usize, usize),
}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl Fault {
    /// What the decoder says by a panic.
    pub(crate) fn contradictory() -> Self {
        Self::Damaged("values that contradict each other".into())
    }

    pub(crate) fn error(self, source: &Source) -> Error {
        match self {
            Self::Damaged(what) => {
                // Some of the decoder's messages are lists of lines.
                let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
                let found = format!("damaged or unknown Arrow data ({what})");
                source
                    .malformed(found, "a whole Arrow file")
                    .with_hint(Note::new("copy or download it again"))
            }
            Self::TooLarge(size, most) => source
                .malformed(
                    format!("a record batch that takes {}", words::memory(size)),
                    format!("at most {}", words::memory(most)),
                )
                .with_hint(
                    Note::new("if it is what it should be, allow more MiB with ")
                        .setting("max-unpacked"),
                ),
        }
    }
}

/// A message with cells.
pub(crate) struct Message {
    /// Where it is, and its bytes: a head with the length before it, and a body.
    pub(crate) start: u64,
    pub(crate) length: usize,
    head: usize,
    /// The rows of a record batch; none of a dictionary.
    pub(crate) rows: Option<usize>,
}

impl Message {
    /// As the decoder wants to know where it is.
    pub(crate) fn block(&self) -> Block {
        let body = self.length - self.head;
        // Each was within such a number, and within the file.
        Block::new(self.start as i64, self.head as i32, body as i64)
    }

    fn body(&self) -> Range<u64> {
        self.start + self.head as u64..self.start + self.length as u64
    }
}

/// The columns of a file, and the messages that hold their cells, in the order in which they are read.
pub(crate) struct Messages {
    pub(crate) schema: SchemaRef,
    pub(crate) version: MetadataVersion,
    pub(crate) all: Vec<Message>,
    pub(crate) rows: usize,
}

impl Messages {
    /// Of a file or a stream, of which no message unpacks to more than so many bytes.
    pub(crate) fn find(reader: &mut (impl Read + Seek), most: usize) -> Result<Self, Fault> {
        let size = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        let mut first = [0; 6];
        reader.read_exact(&mut first)?;
        let mut found = match first == MAGIC {
            true => Self::of_file(reader, size)?,
            false => Self::of_stream(reader, size)?,
        };
        for message in &mut found.all {
            message.rows = look_at(reader, message, most)?;
            let sum = found.rows.checked_add(message.rows.unwrap_or(0));
            let sum = sum.ok_or_else(|| Fault::Damaged("an impossible number of rows".into()));
            found.rows = sum?;
        }
        Ok(found)
    }

    /// As the end of a file lists them.
    fn of_file(reader: &mut (impl Read + Seek), size: u64) -> Result<Self, Fault> {
        let too_short = || Fault::Damaged("it ends before its last mark".into());
        let end = size.checked_sub(10).ok_or_else(too_short)?;
        reader.seek(SeekFrom::Start(end))?;
        let mut last = [0; 10];
        reader.read_exact(&mut last)?;
        let length = read_footer_length(last)?;
        let start = end.checked_sub(length as u64).ok_or_else(too_short)?;
        reader.seek(SeekFrom::Start(start))?;
        let mut footer = vec![0; length];
        reader.read_exact(&mut footer)?;
        let footer = root_as_footer(&footer)
            .map_err(|error| Fault::Damaged(format!("no list of its parts: {error}")))?;
        let schema = footer.schema();
        let schema = schema.ok_or_else(|| Fault::Damaged("no columns".into()))?;
        let dictionaries = footer.dictionaries();
        let dictionaries = dictionaries.iter().flat_map(|blocks| blocks.iter());
        let batches = footer.recordBatches();
        let batches = batches.iter().flat_map(|blocks| blocks.iter());
        let message = |block: &Block| {
            let [head, body] = [block.metaDataLength().into(), block.bodyLength()];
            within([block.offset(), head, body], size)
        };
        Ok(Self {
            schema: Arc::new(try_fb_to_schema(schema)?),
            version: footer.version(),
            all: dictionaries
                .chain(batches)
                .map(message)
                .collect::<Result<_, _>>()?,
            rows: 0,
        })
    }

    /// One after the other, to the end of a stream.
    fn of_stream(reader: &mut (impl Read + Seek), size: u64) -> Result<Self, Fault> {
        reader.rewind()?;
        let mut schema = None;
        let mut all = Vec::new();
        loop {
            let start = reader.stream_position()?;
            let mut word = [0; 4];
            match reader.read_exact(&mut word) {
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                read => read?,
            }
            let mut before = 4;
            if word == MARK {
                before = 8;
                reader.read_exact(&mut word)?;
            }
            let length = u32::from_le_bytes(word);
            if length == 0 {
                let left = size - reader.stream_position()?;
                if left > 0 {
                    let what = format!("{left} bytes after the end of its stream");
                    return Err(Fault::Damaged(what));
                }
                break;
            }
            let head = before + i64::from(length);
            let place = within([start as i64, head, 0], size)?;
            let bytes = head_of(reader, &place)?;
            let message = message(&bytes)?;
            let place = within([start as i64, head, message.bodyLength()], size)?;
            reader.seek(SeekFrom::Start(place.body().end))?;
            match (&schema, message.header_as_schema()) {
                (None, Some(columns)) => {
                    let columns = Arc::new(try_fb_to_schema(columns)?);
                    schema = Some((columns, message.version()));
                }
                _ => all.push(place),
            }
        }
        let (schema, version) = schema.ok_or_else(|| Fault::Damaged("no columns".into()))?;
        Ok(Self {
            schema,
            version,
            all,
            rows: 0,
        })
    }
}

/// A message that begins at a place and has a head and a body of so many bytes, if a file of this size has
/// them.
fn within(place: [i64; 3], size: u64) -> Result<Message, Fault> {
    let [start, head, body] = place.map(|number| u64::try_from(number).ok());
    let message = || {
        let length = head?.checked_add(body?)?;
        let is_within = start?.checked_add(length)? <= size;
        let is_head = (4..i32::MAX as u64).contains(&head?);
        (is_within && is_head).then_some(Message {
            start: start?,
            length: usize::try_from(length).ok()?,
            head: head? as usize,
            rows: None,
        })
    };
    message().ok_or_else(|| Fault::Damaged("it ends within a message".into()))
}

/// The head of a message, without the length and the mark before it.
fn head_of(reader: &mut (impl Read + Seek), of: &Message) -> Result<Vec<u8>, Fault> {
    reader.seek(SeekFrom::Start(of.start))?;
    let mut head = vec![0; of.head];
    reader.read_exact(&mut head)?;
    let before = if head.starts_with(&MARK) { 8 } else { 4 };
    Ok(head.split_off(before.min(head.len())))
}

fn message(head: &[u8]) -> Result<arrow_ipc::Message<'_>, Fault> {
    let message = root_as_message(head)
        .map_err(|error| Fault::Damaged(format!("a message that is none: {error}")))?;
    match message.version() {
        MetadataVersion::V4 | MetadataVersion::V5 => Ok(message),
        version => Err(Fault::Damaged(format!("the format's version {version:?}"))),
    }
}

/// Checks a message without its cells, and tells the rows of a record batch.
fn look_at(
    reader: &mut (impl Read + Seek),
    of: &Message,
    most: usize,
) -> Result<Option<usize>, Fault> {
    let head = head_of(reader, of)?;
    let message = message(&head)?;
    if let Some(batch) = message.header_as_record_batch() {
        unpacked_within(reader, batch, of.body(), most)?;
        let rows = usize::try_from(batch.length());
        return match rows {
            Ok(rows) => Ok(Some(rows)),
            Err(_) => Err(Fault::Damaged("an impossible number of rows".into())),
        };
    }
    let dictionary = message.header_as_dictionary_batch();
    match dictionary.and_then(|dictionary| dictionary.data()) {
        Some(batch) => unpacked_within(reader, batch, of.body(), most).map(|()| None),
        None => Err(Fault::Damaged("a message without cells".into())),
    }
}

/// Refuses a packed batch whose buffers, of which each begins with its size, make more than so many bytes.
fn unpacked_within(
    reader: &mut (impl Read + Seek),
    batch: Header<'_>,
    body: Range<u64>,
    most: usize,
) -> Result<(), Fault> {
    let (Some(_), Some(buffers)) = (batch.compression(), batch.buffers()) else {
        return Ok(());
    };
    let mut sum = 0usize;
    let is_full = |buffer: &&Buffer| buffer.length() >= 8;
    for buffer in buffers.iter().filter(is_full) {
        let at = u64::try_from(buffer.offset()).ok();
        let at = at.and_then(|at| body.start.checked_add(at));
        let at = at.filter(|at| at.checked_add(8).is_some_and(|end| end <= body.end));
        let at = at.ok_or_else(|| Fault::Damaged("a buffer outside its message".into()))?;
        reader.seek(SeekFrom::Start(at))?;
        let mut size = [0; 8];
        reader.read_exact(&mut size)?;
        // -1 says that it is not packed.
        let size = usize::try_from(i64::from_le_bytes(size)).unwrap_or(0);
        sum = sum.saturating_add(size);
        if sum > most {
            return Err(Fault::TooLarge(sum, most));
        }
    }
    Ok(())
}
