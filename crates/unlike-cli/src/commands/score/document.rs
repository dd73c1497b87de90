//! The document of `unlike score --json`.

use std::{cell::RefCell, io::Write};

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Map, Value};
use unlike_core::Error;
use unlike_results::BatchScores;

/// What `--json` prints. The scores of a table of any size are made while they are written.
pub(super) struct Document<'a, 'b> {
    pub(super) fields: Map<String, Value>,
    pub(super) scores: Option<RefCell<&'a mut BatchScores<'b>>>,
}

impl Document<'_, '_> {
    const SCORES: &'static str = "scores";

    /// Writes it.
    pub(super) fn write(&self, to: &mut dyn Write) -> unlike_core::Result<()> {
        let io = Error::io("write", "stdout");
        let written = serde_json::to_writer_pretty(&mut *to, self);
        written
            .map_err(std::io::Error::from)
            .and_then(|()| to.write_all(b"\n"))
            .map_err(io)
    }
}

impl Serialize for Document<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        let (before, after): (Vec<_>, Vec<_>) = self
            .fields
            .iter()
            .partition(|(name, _)| name.as_str() < Self::SCORES);
        for (name, value) in before {
            map.serialize_entry(name, value)?;
        }
        if let Some(scores) = &self.scores {
            map.serialize_entry(Self::SCORES, &Objects(scores))?;
        }
        for (name, value) in after {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An object for each row.
struct Objects<'a, 'b, 'c>(&'a RefCell<&'b mut BatchScores<'c>>);

impl Serialize for Objects<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut sequence = to.serialize_seq(None)?;
        let mut failed = None;
        let each = self.0.borrow_mut().each_object(|object| {
            sequence.serialize_element(&object).map_err(|error| {
                failed = Some(error);
                Error::Interrupted
            })
        });
        match (failed, each) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(serde::ser::Error::custom(error)),
            (None, Ok(())) => sequence.end(),
        }
    }
}
