//! Scores of some rows, as they wait for the decision that all rows make together.

use std::io::Read;

use serde::{Deserialize, Serialize};
use unlike::{Placed, groups::GroupCounts};
use unlike_core::{Place, ScoreParts};
use unlike_data::{Noticed, Position, Remarks, Skipped};

/// What is known of some rows before anything is decided.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) notes: FrameNotes,
    pub(super) scores: Vec<f64>,
    pub(super) places: Vec<Place>,
    pub(super) parts: ScoreParts,
    pub(super) ids: Texts,
    /// The reasons of each row; empty where none are asked for.
    pub(super) reasons: Texts,
}

/// What is worth knowing about them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FrameNotes {
    /// Where the next rows begin.
    pub(super) end: Position,
    pub(super) remarks: Remarks,
    pub(super) noticed: Noticed,
    pub(super) groups: GroupCounts,
    /// Rows that cannot be read, and before how many of the others each stands.
    pub(super) skipped: Vec<(u32, Skipped)>,
}

/// Texts, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Texts {
    /// Where each ends.
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend(text);
        self.ends.push(self.bytes.len() as u64);
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    fn is_sound(&self) -> bool {
        let ascending = self.ends.windows(2).all(|pair| pair[0] <= pair[1]);
        ascending && self.ends.last().copied().unwrap_or(0) == self.bytes.len() as u64
    }
}

/// A frame in a file: a length, a checksum, and so many bytes.
const HEAD: usize = 12;
/// More than any frame takes.
const MOST: u64 = 1 << 36;

impl Frame {
    pub(super) fn new(placed: Placed, reasons: Texts, notes: FrameNotes) -> Self {
        let mut ids = Texts::default();
        placed.ids.iter().for_each(|id| ids.push(id.as_bytes()));
        Self {
            scores: placed.scores,
            places: placed.places,
            parts: placed.parts,
            ids,
            reasons,
            notes,
        }
    }

    /// How many rows have scores.
    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(super) fn id(&self, at: usize) -> String {
        String::from_utf8_lossy(self.ids.get(at)).into_owned()
    }

    /// As it stands in a file.
    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = vec![0; HEAD];
        let put = |bytes: &mut Vec<u8>, number: u64| bytes.extend(number.to_le_bytes());
        let notes = serde_json::to_vec(&self.notes)?;
        put(&mut bytes, notes.len() as u64);
        bytes.extend(notes);
        put(&mut bytes, self.len() as u64);
        for score in &self.scores {
            bytes.extend(score.to_le_bytes());
        }
        for place in &self.places {
            for number in place.fraction() {
                put(&mut bytes, number);
            }
        }
        for (_, values) in self.parts.iter() {
            for value in values {
                bytes.extend(value.to_le_bytes());
            }
        }
        for texts in [&self.ids, &self.reasons] {
            put(&mut bytes, texts.ends.len() as u64);
            for &end in &texts.ends {
                put(&mut bytes, end);
            }
            bytes.extend(&texts.bytes);
        }
        let checksum = crc32fast::hash(&bytes[HEAD..]);
        let length = (bytes.len() - HEAD) as u64;
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        bytes[8..HEAD].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }

    /// The next frame of a file whose scores have these parts, and its size; none at the end, and where
    /// what follows is no whole frame.
    pub(super) fn read(
        from: &mut dyn Read,
        parts: &[String],
    ) -> std::io::Result<Option<(Self, u64)>> {
        let mut head = [0; HEAD];
        if !fill(from, &mut head)? {
            return Ok(None);
        }
        let mut numbers = Bytes(&head);
        let (Some(length), Some(checksum)) = (numbers.number(), numbers.take::<4>()) else {
            return Ok(None);
        };
        if length > MOST {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        from.take(length).read_to_end(&mut bytes)?;
        let is_whole =
            bytes.len() as u64 == length && crc32fast::hash(&bytes) == u32::from_le_bytes(checksum);
        let frame = is_whole.then(|| Self::of(&bytes, parts)).flatten();
        Ok(frame.map(|frame| (frame, HEAD as u64 + length)))
    }

    fn of(bytes: &[u8], names: &[String]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let length = bytes.count()?;
        let notes = serde_json::from_slice(bytes.some(length)?).ok()?;
        let rows = bytes.count()?;
        let scores = bytes.list(rows, f64::from_le_bytes)?;
        let fractions = bytes.list(rows.checked_mul(2)?, u64::from_le_bytes)?;
        let fractions = fractions.as_chunks::<2>().0.iter();
        let places = fractions.map(|&fraction| Place::of_fraction(fraction));
        let places = places.collect::<Option<Vec<_>>>()?;
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            parts.push((name.clone(), bytes.list(rows, f32::from_le_bytes)?));
        }
        let mut texts = || {
            let count = bytes.count()?;
            let ends = bytes.list(count, u64::from_le_bytes)?;
            let length = usize::try_from(ends.last().copied().unwrap_or(0)).ok()?;
            let bytes = bytes.some(length)?.to_vec();
            Some(Texts { ends, bytes }).filter(Texts::is_sound)
        };
        let (ids, reasons) = (texts()?, texts()?);
        let fits = ids.ends.len() == rows && [0, rows].contains(&reasons.ends.len());
        fits.then_some(Self {
            notes,
            scores,
            places,
            parts: ScoreParts::checked(parts).ok()?,
            ids,
            reasons,
        })
    }
}

/// Fills a buffer; says whether there was enough.
pub(super) fn fill(from: &mut dyn Read, into: &mut [u8]) -> std::io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// Bytes that are read one thing after the other.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn some(&mut self, count: usize) -> Option<&'a [u8]> {
        let (some, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(some)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.some(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn list<const N: usize, T>(&mut self, count: usize, of: fn([u8; N]) -> T) -> Option<Vec<T>> {
        let bytes = self.some(count.checked_mul(N)?)?;
        Some(bytes.as_chunks::<N>().0.iter().map(|&b| of(b)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let mut texts = [Texts::default(), Texts::default()];
        for (at, text) in ["a", "", "süß"].iter().enumerate() {
            texts[0].push(text.as_bytes());
            texts[1].push(&vec![b'x'; at]);
        }
        let [ids, reasons] = texts;
        Frame {
            notes: FrameNotes::default(),
            scores: vec![1.5, -0.0, f64::MAX],
            places: [2, 7, 10]
                .map(|twice| Place::of_fraction([twice, 5]).unwrap())
                .to_vec(),
            parts: ScoreParts::new(vec![("p".into(), vec![0.5, 1.0, -2.0])]),
            ids,
            reasons,
        }
    }

    #[test]
    fn what_was_written_reads_back_and_what_is_damaged_does_not() {
        let bytes = frame().to_bytes().unwrap();
        let names = ["p".to_owned()];
        let read = |bytes: &[u8]| Frame::read(&mut &*bytes, &names).unwrap();
        let twice = [bytes.clone(), bytes.clone()].concat();
        let mut from = &twice[..];
        for _ in 0..2 {
            let (found, size) = Frame::read(&mut from, &names).unwrap().unwrap();
            assert_eq!((found, size), (frame(), bytes.len() as u64));
        }
        assert!(Frame::read(&mut from, &names).unwrap().is_none());
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_none(), "{cut}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(read(&damaged).is_none(), "{at}");
        }
        assert_eq!(frame().id(2), "süß");
    }
}
