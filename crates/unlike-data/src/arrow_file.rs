//! Arrow's own files (IPC, Feather) and streams, record batch after record batch. Fields of structs are
//! columns `a.b`.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufReader, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arrow_array::{Array, RecordBatch, cast::AsArray};
use arrow_buffer::Buffer;
use arrow_ipc::reader::FileDecoder;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use unlike_core::{Error, Result};

use crate::{
    arrow_cells::{Levels, Slice, holds, is_date},
    arrow_messages::{Fault, Message, Messages},
    builder::Cells,
    caught::caught,
    dataset::DataSet,
    packed,
    read::{Format, ReadOptions},
    source::Source,
    typed::{self, Columnar, Holds, PANDAS_INDEX, TypedFile, is_utc},
};

/// Reads all columns that play a part.
pub(crate) fn read(source: Source, options: &ReadOptions) -> Result<DataSet> {
    let most = source.most(options.max_unpacked);
    let Source { path, bytes } = source;
    let file = ArrowFile::open(&path, Content::Memory(bytes.into()), most)?;
    typed::read_all(&file, options, None, Some(most))
}

/// Where the bytes of a file are.
enum Content {
    Memory(Bytes),
    Disk(PathBuf),
}

trait Seekable: Read + Seek + Send {}

impl<R: Read + Seek + Send> Seekable for R {}

type Reader = Box<dyn Seekable>;

impl Content {
    fn open(&self) -> Result<Reader> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::Disk(path) => {
                let file = File::open(path).map_err(Error::io("read", path))?;
                Box::new(BufReader::new(file))
            }
        })
    }
}

/// A file whose columns are known.
pub(crate) struct ArrowFile {
    typed: TypedFile,
    columns: Vec<Leaf>,
    content: Content,
    messages: Messages,
}

/// A column: of the table, or within its structs.
struct Leaf {
    /// Positions, from the table's column inwards.
    path: Vec<usize>,
    is_date: bool,
}

impl ArrowFile {
    /// A file that is not packed, and is read from the disk.
    pub(crate) fn on_disk(path: &Path, options: &ReadOptions) -> Result<Self> {
        let size = std::fs::metadata(path).map_err(Error::io("read", path))?;
        let size = usize::try_from(size.len()).unwrap_or(usize::MAX);
        let most = packed::most(size, options.max_unpacked);
        Self::open(path, Content::Disk(path.to_owned()), most)
    }

    /// A file of which no message unpacks to more than so many bytes.
    fn open(path: &Path, content: Content, most: usize) -> Result<Self> {
        let source = Source::without_content(path);
        let mut reader = content.open()?;
        let messages = caught(|| Messages::find(&mut reader, most));
        let messages = messages.unwrap_or_else(|| Err(Fault::contradictory()));
        let messages = messages.map_err(|fault| fault.error(&source))?;
        let (names, columns) = leaves(&messages.schema);
        let zones = zones(&messages.schema);
        Ok(Self {
            typed: TypedFile {
                source,
                format: Format::Arrow,
                columns: names,
                dropped: Some(PANDAS_INDEX),
                zones,
            },
            columns,
            content,
            messages,
        })
    }

    /// The next record batch, decoded.
    fn next_batch(&self, reading: &mut Reading) -> Result<Option<RecordBatch>> {
        while let Some(message) = self.messages.all.get(reading.message) {
            let batch = self.decode(reading, message)?;
            if batch.is_some() {
                return Ok(batch);
            }
        }
        Ok(None)
    }

    /// The cells of the next message if it is a record batch.
    fn decode(&self, reading: &mut Reading, message: &Message) -> Result<Option<RecordBatch>> {
        reading.message += 1;
        let batch = caught(|| reading.decode(message));
        let batch = batch.unwrap_or_else(|| Err(Fault::contradictory()));
        batch.map_err(|fault| fault.error(&self.typed.source))
    }
}

/// The time zones of the table's columns that have one.
fn zones(schema: &Schema) -> BTreeMap<String, String> {
    let zone = |field: &Arc<Field>| match field.data_type() {
        DataType::Timestamp(_, Some(zone)) if !is_utc(zone) => {
            Some((field.name().clone(), zone.to_string()))
        }
        _ => None,
    };
    schema.fields().iter().filter_map(zone).collect()
}

/// All columns, with those of structs.
fn leaves(schema: &Schema) -> (Vec<(String, Holds)>, Vec<Leaf>) {
    fn add(field: &Field, path: Vec<usize>, name: String, all: &mut Vec<((String, Holds), Leaf)>) {
        let of = field.data_type();
        if let DataType::Struct(fields) = of {
            for (at, field) in fields.iter().enumerate() {
                let name = format!("{name}.{}", field.name());
                add(field, [&path[..], &[at]].concat(), name, all);
            }
            return;
        }
        let is_date = is_date(of);
        all.push(((name, holds(of)), Leaf { path, is_date }));
    }
    let mut all = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        add(field, vec![at], field.name().clone(), &mut all);
    }
    all.into_iter().unzip()
}

/// How far a file was read.
pub(crate) struct Reading {
    reader: Mutex<Reader>,
    decoder: FileDecoder,
    /// The next message.
    message: usize,
    /// Where the table's columns stand among those that are read.
    roots: HashMap<usize, usize>,
    /// The batches of this part: from which row on, and how many rows.
    part: Vec<(RecordBatch, usize, usize)>,
    /// What is left of the last one: from which row on.
    rest: Option<(RecordBatch, usize)>,
    /// Rows before this part, and with it.
    before: usize,
    rows: usize,
}

impl Reading {
    /// The cells of a record batch; none of a dictionary, which is kept.
    fn decode(&mut self, message: &Message) -> std::result::Result<Option<RecordBatch>, Fault> {
        let reader = self.reader.get_mut();
        let reader = reader.unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; message.length];
        reader.seek(SeekFrom::Start(message.start))?;
        reader.read_exact(&mut bytes)?;
        let bytes = Buffer::from_vec(bytes);
        let block = message.block();
        if message.rows.is_none() {
            self.decoder.read_dictionary(&block, &bytes)?;
            return Ok(None);
        }
        Ok(self.decoder.read_record_batch(&block, &bytes)?)
    }
}

impl Columnar for ArrowFile {
    type Reading = Reading;

    const AT_ONCE: usize = 1 << 16;

    fn typed(&self) -> &TypedFile {
        &self.typed
    }

    fn rows(&self) -> usize {
        self.messages.rows
    }

    fn is_typed_date(&self, at: usize) -> bool {
        self.columns[at].is_date
    }

    fn begin(&self, columns: &[usize]) -> Result<Reading> {
        let mut wanted: Vec<usize> = columns.iter().map(|&at| self.columns[at].path[0]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let roots = wanted.iter().enumerate().map(|(to, &from)| (from, to));
        let roots = roots.collect();
        let decoder = FileDecoder::new(self.messages.schema.clone(), self.messages.version);
        Ok(Reading {
            reader: Mutex::new(self.content.open()?),
            decoder: decoder.with_projection(wanted),
            message: 0,
            roots,
            part: Vec::new(),
            rest: None,
            before: 0,
            rows: 0,
        })
    }

    fn advance(&self, reading: &mut Reading, most: usize) -> Result<usize> {
        reading.part.clear();
        reading.before = reading.rows;
        let mut left = most;
        while left > 0 {
            let next = match reading.rest.take() {
                Some(rest) => Some(rest),
                None => self.next_batch(reading)?.map(|batch| (batch, 0)),
            };
            let Some((batch, from)) = next else {
                break;
            };
            let rows = (batch.num_rows() - from).min(left);
            left -= rows;
            if from + rows < batch.num_rows() {
                reading.rest = Some((batch.clone(), from + rows));
            }
            reading.part.push((batch, from, rows));
        }
        reading.rows += most - left;
        Ok(most - left)
    }

    fn pour(&self, reading: &Reading, at: usize, into: &mut dyn Cells) -> Result<()> {
        let path = &self.columns[at].path;
        let mut before = reading.before;
        let mut levels = Levels::default();
        for (batch, from, rows) in &reading.part {
            let mut column: &dyn Array = batch.column(reading.roots[&path[0]]);
            let mut above = Vec::new();
            for &field in &path[1..] {
                above.push(column);
                column = column.as_struct().column(field);
            }
            let slice = Slice {
                column,
                above,
                from: *from,
                rows: *rows,
                before,
            };
            slice.pour(into, &mut levels)?;
            before += rows;
        }
        Ok(())
    }

    fn skip(&self, reading: &mut Reading, rows: usize) -> Result<()> {
        let mut left = rows.min(self.rows() - reading.rows);
        // Dictionaries are needed, and whole batches are not.
        while let Some(message) = self.messages.all.get(reading.message)
            && message.rows.is_none_or(|rows| rows <= left)
        {
            match message.rows {
                Some(rows) => {
                    reading.message += 1;
                    reading.rows += rows;
                    left -= rows;
                }
                None => drop(self.decode(reading, message)?),
            }
        }
        self.advance(reading, left).map(drop)
    }
}
