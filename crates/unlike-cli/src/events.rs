//! Event files for TensorBoard: losses, held-out parts, speed and sheets, epoch by epoch.
//!
//! A file is a row of records (TensorFlow's `TFRecord`), each a protocol buffer message `Event`. The
//! few fields that are needed are written by hand; their numbers are those of TensorBoard's
//! `event.proto` and `summary.proto`.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use unlike::train::EpochReport;
use unlike_core::{Error, Result, files::write_atomically};

use unlike_results::Raster;

const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".unlike";

/// The event file of one training.
///
/// A run folder holds one file, with all epochs. A training that goes on writes a new one with the
/// epochs that are already done and removes the old one, so that no step is there twice, whatever a
/// killed process had written. The new one has a higher number, by which a TensorBoard that is
/// looking on finds it.
#[derive(Debug)]
pub(crate) struct EventFile {
    folder: PathBuf,
    /// Once training has begun.
    open: Option<(PathBuf, File)>,
}

impl EventFile {
    /// In this run folder; written when training begins.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            open: None,
        }
    }

    /// Begins with the epochs that are already done; `sheet` gives the PNG file of an epoch, if it
    /// has one.
    pub(crate) fn start(
        &mut self,
        history: &[EpochReport],
        sheet: impl Fn(usize) -> Result<Option<Vec<u8>>>,
    ) -> Result<()> {
        let earlier = files(&self.folder)?;
        let number = earlier.iter().map(|(number, _)| number + 1).max();
        let name = format!("{PREFIX}{:010}{SUFFIX}", number.unwrap_or(1));
        let path = self.folder.join(name);
        write_atomically(&path, |to| {
            let mut write = |event: Vec<u8>| {
                to.write_all(&record(&event))
                    .map_err(Error::io("write", &path))
            };
            write(version())?;
            write(started())?;
            for report in history {
                write(scalars(report))?;
                if let Some(png) = sheet(report.epoch)? {
                    write(image(report.epoch, &png))?;
                }
            }
            Ok(())
        })?;
        for (_, old) in earlier {
            fs::remove_file(&old).map_err(Error::io("remove", old))?;
        }
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(Error::io("write", &path))?;
        self.open = Some((path, file));
        Ok(())
    }

    /// Adds an epoch with its sheet.
    pub(crate) fn append(&mut self, report: &EpochReport, sheet: Option<&Raster>) -> Result<()> {
        let Some((path, file)) = &mut self.open else {
            return Ok(());
        };
        let mut bytes = record(&scalars(report));
        if let Some(sheet) = sheet {
            bytes.extend(record(&image(report.epoch, &sheet.png()?)));
        }
        file.write_all(&bytes)
            .map_err(Error::io("write", path.as_path()))
    }
}

/// Removes the event files of an earlier training.
pub(crate) fn remove(run: &Path) -> Result<()> {
    for (_, path) in files(run)? {
        fs::remove_file(&path).map_err(Error::io("remove", path))?;
    }
    Ok(())
}

/// Our event files in a folder, with their numbers.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(files);
    };
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name
            .strip_prefix(PREFIX)
            .and_then(|name| name.strip_suffix(SUFFIX))
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            files.push((number, path));
        }
    }
    Ok(files)
}

/// A record: length, its checksum, the data, their checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = Vec::with_capacity(data.len() + 16);
    bytes.extend(length);
    bytes.extend(masked_checksum(&length).to_le_bytes());
    bytes.extend(data);
    bytes.extend(masked_checksum(data).to_le_bytes());
    bytes
}

/// CRC-32C, turned and shifted as the format asks for.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// The first event of every file: `file_version`, 3.
fn version() -> Vec<u8> {
    let mut event = event(0);
    bytes_field(&mut event, 3, b"brain.Event:2");
    event
}

/// `session_log`, 7, with `status`, 1, `START`, 1: what was read before of this step and later ones
/// is void.
fn started() -> Vec<u8> {
    let mut status = Vec::new();
    number_field(&mut status, 1, 1);
    let mut event = event(1);
    bytes_field(&mut event, 7, &status);
    event
}

/// `summary`, 5, with one `value`, 1, per number: its `tag`, 1, and `simple_value`, 2.
fn scalars(report: &EpochReport) -> Vec<u8> {
    let EpochReport {
        epoch,
        losses,
        held_out,
        best_so_far: _,
        warnings: _,
        samples_per_second,
        seconds: _,
    } = report;
    let mut summary = Vec::new();
    let mut add = |tag: String, number: f64| {
        let mut value = Vec::new();
        bytes_field(&mut value, 1, tag.as_bytes());
        value.push(2 << 3 | 5);
        value.extend((number as f32).to_le_bytes());
        bytes_field(&mut summary, 1, &value);
    };
    for (name, value) in losses {
        add(format!("training/{name}"), *value);
    }
    for part in held_out {
        add(format!("held_out/{}", part.part), part.mean);
        add(format!("held_out_sd/{}", part.part), part.sd);
    }
    add("speed/samples_per_second".into(), *samples_per_second);
    let mut event = event(*epoch);
    bytes_field(&mut event, 5, &summary);
    event
}

/// `summary`, 5, with one `value`, 1: its `tag`, 1, and an `image`, 4, which has `height`, 1,
/// `width`, 2, `colorspace`, 3 (3 is RGB), and `encoded_image_string`, 4.
fn image(epoch: usize, png: &[u8]) -> Vec<u8> {
    // Width and height stand at fixed places of every PNG file.
    let side = |at: usize| {
        let bytes = png.get(at..at + 4).and_then(|b| b.try_into().ok());
        u64::from(bytes.map_or(0, u32::from_be_bytes))
    };
    let mut image = Vec::new();
    number_field(&mut image, 1, side(20));
    number_field(&mut image, 2, side(16));
    number_field(&mut image, 3, 3);
    bytes_field(&mut image, 4, png);
    let mut value = Vec::new();
    bytes_field(&mut value, 1, b"samples");
    bytes_field(&mut value, 4, &image);
    let mut summary = Vec::new();
    bytes_field(&mut summary, 1, &value);
    let mut event = event(epoch);
    bytes_field(&mut event, 5, &summary);
    event
}

/// `wall_time`, 1, in seconds since 1970, and `step`, 2.
fn event(step: usize) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut event = vec![1 << 3 | 1];
    event.extend(now.map_or(0.0, |d| d.as_secs_f64()).to_le_bytes());
    number_field(&mut event, 2, step as u64);
    event
}

/// A field that is a whole number.
fn number_field(message: &mut Vec<u8>, field: u8, number: u64) {
    message.push(field << 3);
    varint(message, number);
}

/// A field that is a text, bytes, or another message.
fn bytes_field(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

#[cfg(test)]
mod tests {
    use unlike::train::HeldOutPart;
    use unlike_core::Images;

    use super::*;

    /// What a reader makes of a file: step, tag, and the value or the image.
    #[derive(Debug, PartialEq)]
    enum Read {
        Version(String),
        Started(u64),
        Scalar(u64, String, f32),
        Image(u64, String, [u64; 2], Vec<u8>),
    }

    /// CRC-32C bit by bit (polynomial 0x1edc6f41, reflected).
    fn checksum(data: &[u8]) -> u32 {
        let mut crc = !0u32;
        for &byte in data {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    crc >> 1 ^ 0x82f6_3b78
                } else {
                    crc >> 1
                };
            }
        }
        let crc = !crc;
        crc.rotate_right(15).wrapping_add(0xa282_ead8)
    }

    fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            assert_eq!(number(8), checksum(&bytes[..8]));
            let data = &bytes[12..12 + length];
            assert_eq!(number(12 + length), checksum(data));
            records.push(data);
            bytes = &bytes[16 + length..];
        }
        records
    }

    /// The fields of a message: number, and the bytes or the little-endian number.
    fn fields(mut message: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut fields = Vec::new();
        let take = |message: &mut &[u8], count: usize| {
            let (taken, rest) = message.split_at(count);
            *message = rest;
            taken.to_vec()
        };
        let varint = |message: &mut &[u8]| {
            let (mut number, mut shift) = (0u64, 0);
            loop {
                let byte = take(message, 1)[0];
                number |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return number;
                }
            }
        };
        while !message.is_empty() {
            let key = take(&mut message, 1)[0];
            let content = match key & 7 {
                0 => varint(&mut message).to_le_bytes().to_vec(),
                1 => take(&mut message, 8),
                2 => {
                    let length = varint(&mut message) as usize;
                    take(&mut message, length)
                }
                5 => take(&mut message, 4),
                other => panic!("wire type {other}"),
            };
            fields.push((key >> 3, content));
        }
        fields
    }

    fn whole(bytes: &[u8]) -> u64 {
        u64::from_le_bytes(bytes.try_into().unwrap())
    }

    fn read(bytes: &[u8]) -> Vec<Read> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut all = Vec::new();
        for event in records(bytes).into_iter().map(fields) {
            assert_eq!(event[0].0, 1);
            assert!(f64::from_le_bytes(event[0].1[..].try_into().unwrap()) > 1.6e9);
            let step = whole(&event[1].1);
            for (field, content) in &event[2..] {
                match field {
                    3 => all.push(Read::Version(text(content))),
                    7 => {
                        assert_eq!(fields(content), [(1, 1u64.to_le_bytes().to_vec())]);
                        all.push(Read::Started(step));
                    }
                    5 => all.extend(fields(content).iter().map(|(_, value)| {
                        let value = fields(value);
                        let tag = text(&value[0].1);
                        match value[1].0 {
                            2 => {
                                let number = value[1].1[..].try_into().unwrap();
                                Read::Scalar(step, tag, f32::from_le_bytes(number))
                            }
                            4 => {
                                let image = fields(&value[1].1);
                                assert_eq!(whole(&image[2].1), 3);
                                let size = [whole(&image[1].1), whole(&image[0].1)];
                                Read::Image(step, tag, size, image[3].1.clone())
                            }
                            other => panic!("field {other}"),
                        }
                    })),
                    other => panic!("field {other}"),
                }
            }
        }
        all
    }

    fn report(epoch: usize) -> EpochReport {
        EpochReport {
            epoch,
            losses: vec![("generator".into(), 0.5 + epoch as f64)],
            held_out: vec![HeldOutPart {
                part: "residual".into(),
                mean: 2.0,
                sd: 0.25,
            }],
            best_so_far: true,
            warnings: Vec::new(),
            samples_per_second: 1000.0,
            seconds: 1.0,
        }
    }

    fn of_epoch(epoch: usize) -> Vec<Read> {
        let scalar = |tag: &str, v: f32| Read::Scalar(epoch as u64, tag.into(), v);
        vec![
            scalar("training/generator", 0.5 + epoch as f32),
            scalar("held_out/residual", 2.0),
            scalar("held_out_sd/residual", 0.25),
            scalar("speed/samples_per_second", 1000.0),
        ]
    }

    fn only_file(folder: &Path) -> Vec<Read> {
        let files = files(folder).unwrap();
        assert_eq!(files.len(), 1, "{files:?}");
        read(&fs::read(&files[0].1).unwrap())
    }

    #[test]
    fn a_reader_finds_every_number_and_image_once_however_often_training_was_killed() {
        let place = tempfile::tempdir().unwrap();
        let ids = vec!["a".to_owned()];
        let image = Images::new("i", [1, 2, 1], vec![-1.0, 1.0], ids).unwrap();
        let sheet = Raster::of_image(&image, 0).unwrap();
        let mut expected = vec![Read::Version("brain.Event:2".into()), Read::Started(1)];

        let mut file = EventFile::new(place.path());
        file.start(&[], |_| Ok(None)).unwrap();
        file.append(&report(1), Some(&sheet)).unwrap();
        file.append(&report(300), None).unwrap();
        expected.extend(of_epoch(1));
        let png = sheet.png().unwrap();
        expected.push(Read::Image(1, "samples".into(), [2, 1], png.clone()));
        let first = expected.len();
        expected.extend(of_epoch(300));
        assert_eq!(only_file(place.path()), expected);

        // Epoch 300 was written but not saved, and half a record after it.
        drop(file);
        let (number, path) = files(place.path()).unwrap().remove(0);
        let half = &record(b"half")[..9];
        OpenOptions::new()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(half)
            .unwrap();
        let mut file = EventFile::new(place.path());
        file.start(&[report(1)], |epoch| Ok((epoch == 1).then(|| png.clone())))
            .unwrap();
        expected.truncate(first);
        assert_eq!(only_file(place.path()), expected);
        assert!(files(place.path()).unwrap()[0].0 > number);
        file.append(&report(2), None).unwrap();
        expected.extend(of_epoch(2));
        assert_eq!(only_file(place.path()), expected);

        remove(place.path()).unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
