//! Sentences for people in which settings are marked, so that each interface words these its own
//! way: `--image-size 28` on a command line, `image_size=28` in Python.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A sentence, or a part of one, that may name settings: a hint of an [`Error`](crate::Error), or
/// what is worth knowing about data.
///
/// It reads as a `str` in the words of no interface, where a setting looks as in a file of settings:
/// `` `image-size = 28` ``. [`worded`](Self::worded) puts other words in their place.
///
/// ```
/// use unlike_core::Note;
///
/// let note = Note::new("read them at 28 × 28 with ").set("image-size", 28);
/// assert_eq!(&*note, "read them at 28 × 28 with `image-size = 28`");
/// let flags = note.worded(|name, value| match value {
///     Some(value) => format!("--{name} {value}"),
///     None => format!("--{name}"),
/// });
/// assert_eq!(flags, "read them at 28 × 28 with --image-size 28");
/// assert_eq!(note.settings().next(), Some(("image-size", Some("28"))));
/// ```
///
/// In files and documents a note is a string, in the words of no interface; read again, it has no
/// settings. Notes are equal if they read alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Note(
    // Errors are moved about a lot, and should be small.
    Box<Content>,
);

#[derive(Clone, Debug)]
struct Content {
    pieces: Vec<Piece>,
    /// All pieces in the words of no interface.
    plain: String,
    code: Option<&'static str>,
}

/// A note as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodedNote {
    /// [`Note::code`]: it stays the same whatever the words become.
    pub code: String,
    /// The sentence.
    pub text: String,
}

impl CodedNote {
    /// A note in the words of an interface; see [`Note::worded`].
    pub fn worded(note: &Note, setting: impl Fn(&str, Option<&str>) -> String) -> Self {
        Self {
            code: note.code().to_owned(),
            text: note.worded(setting),
        }
    }
}

/// In the words of no interface.
impl From<&Note> for CodedNote {
    fn from(note: &Note) -> Self {
        Self {
            code: note.code().to_owned(),
            text: note.to_string(),
        }
    }
}

/// For fields of documents: notes with their codes.
///
/// # Errors
/// If the serializer has one.
pub fn serialize_coded<S: serde::Serializer>(notes: &[Note], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(notes.iter().map(CodedNote::from))
}

/// What a note is made of.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Setting { name: String, value: Option<String> },
}

impl Note {
    /// A text without settings, as far as it goes.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of(vec![Piece::Text(text.into())])
    }

    /// Goes on with a text.
    #[must_use]
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.with(Piece::Text(text.as_ref().to_owned()))
    }

    /// Goes on with a setting whose value is the user's business. Names are those of
    /// [`Error::Setting`](crate::Error::Setting): words with hyphens.
    #[must_use]
    pub fn setting(self, name: &str) -> Self {
        self.with(Piece::Setting {
            name: name.to_owned(),
            value: None,
        })
    }

    /// Goes on with a setting and its value.
    #[must_use]
    pub fn set(self, name: &str, value: impl ToString) -> Self {
        self.with(Piece::Setting {
            name: name.to_owned(),
            value: Some(value.to_string()),
        })
    }

    /// Goes on with another note, whose code counts if this one has none.
    #[must_use]
    pub fn then(mut self, other: impl Into<Self>) -> Self {
        let other = other.into();
        self.0.code = self.0.code.or(other.0.code);
        self.0.pieces.extend(other.0.pieces);
        self.spelled()
    }

    /// The same under a code, by which programs know what it is about, whatever its words become: words
    /// with hyphens.
    #[must_use]
    pub fn coded(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    /// What it is about; `note` where nothing more is said.
    pub fn code(&self) -> &'static str {
        self.0.code.unwrap_or("note")
    }

    /// In the words of no interface.
    pub fn as_str(&self) -> &str {
        &self.0.plain
    }

    /// The settings that it names, in this order, with their values where it says one.
    pub fn settings(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Setting { name, value } => Some((name.as_str(), value.as_deref())),
        })
    }

    /// The whole text, with `setting` in place of each setting: it is given the name and, where the
    /// note says one, the value.
    pub fn worded(&self, setting: impl Fn(&str, Option<&str>) -> String) -> String {
        let word = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Setting { name, value } => setting(name, value.as_deref()),
        };
        self.0.pieces.iter().map(word).collect()
    }

    fn with(mut self, piece: Piece) -> Self {
        self.0.pieces.push(piece);
        self.spelled()
    }

    fn of(pieces: Vec<Piece>) -> Self {
        Self(Box::new(Content {
            pieces,
            plain: String::new(),
            code: None,
        }))
        .spelled()
    }

    fn spelled(mut self) -> Self {
        self.0.plain = self.worded(|name, value| match value {
            Some(value) => format!("`{name} = {value}`"),
            None => format!("`{name}`"),
        });
        self
    }
}

impl Deref for Note {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.plain
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.plain)
    }
}

impl PartialEq for Note {
    fn eq(&self, other: &Self) -> bool {
        self.0.plain == other.0.plain
    }
}

impl Eq for Note {}

/// In the words of no interface.
impl PartialEq<str> for Note {
    fn eq(&self, text: &str) -> bool {
        self.0.plain == text
    }
}

/// In the words of no interface.
impl PartialEq<&str> for Note {
    fn eq(&self, text: &&str) -> bool {
        self.0.plain == *text
    }
}

/// In the words of no interface.
impl PartialEq<String> for Note {
    fn eq(&self, text: &String) -> bool {
        self.0.plain == *text
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0.plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_and_back_ticks_in_a_users_words_stay_words() {
        let note = Note::new("leave out `{a}`, or say ")
            .set("category-columns", "{a}")
            .text(" if it is one");
        let python = note
            .worded(|name, value| format!("{}={:?}", name.replace('-', "_"), value.unwrap_or("…")));
        assert_eq!(
            python,
            "leave out `{a}`, or say category_columns=\"{a}\" if it is one"
        );
        assert_eq!(
            note.then(" alone").to_string(),
            "leave out `{a}`, or say `category-columns = {a}` if it is one alone"
        );
    }

    #[test]
    fn a_code_stays_whatever_is_said_around_it() {
        let note = Note::new("twice").coded("same-rows-twice");
        let longer = Note::new("`b.csv`: ").then(note.clone().text(", see ").setting("data"));
        assert_eq!(longer.code(), "same-rows-twice");
        assert_eq!(
            note.then(Note::new(" more").coded("other")).code(),
            "same-rows-twice"
        );
        assert_eq!(Note::new("plain").code(), "note");
    }

    #[test]
    fn in_files_a_note_is_a_string_and_comes_back_reading_the_same() {
        let note = Note::new("leave it out with ").set("drop-columns", "id");
        let text = serde_json::to_string(&note).unwrap();
        assert_eq!(text, "\"leave it out with `drop-columns = id`\"");
        let read: Note = serde_json::from_str(&text).unwrap();
        assert_eq!(read, note);
        assert_eq!(read.settings().count(), 0);
    }
}
