//! Texts in other encodings than UTF-8.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unlike_core::{Error, Note, Result};

use crate::{sniff, source::Source};

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8; files without a mark of another are read so.
    Utf8,
    /// UTF-16, of the byte order that its mark or else its first characters say; little-endian where
    /// neither does.
    Utf16,
    /// ISO 8859-1.
    Latin1,
    /// What Windows writes in western Europe and America.
    Windows1252,
}

/// What stands for bytes 0x80 to 0x9f in Windows-1252 (Unicode consortium, CP1252.TXT); five of them are
/// not assigned.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Encoding {
    /// All encodings, in the order in which messages list them.
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Utf16, Self::Latin1, Self::Windows1252];

    /// The name that the setting `encoding` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The text as UTF-8; `None` if the bytes are no such text, or are UTF-8 already.
    pub(crate) fn to_utf8(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => None,
            Self::Utf16 => {
                let (big, rest) = match bytes {
                    [0xfe, 0xff, rest @ ..] => (true, rest),
                    [0xff, 0xfe, rest @ ..] => (false, rest),
                    _ => (sniff::utf16_mark(bytes) == Some([0xfe, 0xff]), bytes),
                };
                let (pairs, odd) = rest.as_chunks::<2>();
                let unit = |&pair: &[u8; 2]| match big {
                    true => u16::from_be_bytes(pair),
                    false => u16::from_le_bytes(pair),
                };
                let text: std::result::Result<String, _> =
                    char::decode_utf16(pairs.iter().map(unit)).collect();
                text.ok().filter(|_| odd.is_empty()).map(String::into_bytes)
            }
            Self::Latin1 => Some(single(bytes, char::from)),
            Self::Windows1252 => Some(single(bytes, |byte| match byte {
                0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
                _ => char::from(byte),
            })),
        }
    }
}

impl Encoding {
    /// The text as UTF-8, of a file for messages.
    pub(crate) fn decoded(self, bytes: &[u8], source: &Source) -> Result<Vec<u8>> {
        self.to_utf8(bytes).ok_or_else(|| {
            source.malformed(
                format!("bytes that are no {self} text"),
                format!("{self} text"),
            )
        })
    }

    /// That a file is so, though nobody said so.
    pub(crate) fn found_in(self, source: &Source) -> Note {
        let text = format!("`{}` is {self} text and read as such", source.name());
        Note::new(text).coded("encoding-found")
    }
}

fn single(bytes: &[u8], character: impl Fn(u8) -> char) -> Vec<u8> {
    let text: String = bytes.iter().map(|&byte| character(byte)).collect();
    text.into_bytes()
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
        let wanted = match plain(text).as_str() {
            "iso88591" => "latin1".to_owned(),
            "cp1252" => "windows1252".to_owned(),
            other => other.to_owned(),
        };
        let named = Self::ALL.into_iter().find(|e| plain(e.name()) == wanted);
        named.ok_or_else(|| Error::Setting {
            name: "encoding".into(),
            found: format!("`{text}`"),
            expected: format!("one of {}", Self::ALL.map(Self::name).join(", ")),
            hint: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_utf_8() {
        let utf16 = |big: bool, mark: bool| -> Vec<u8> {
            let text = if mark {
                "\u{feff}größe €"
            } else {
                "größe €"
            };
            let bytes = |unit: u16| match big {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            };
            text.encode_utf16().flat_map(bytes).collect()
        };
        for (big, mark) in [(true, true), (false, true), (false, false)] {
            let found = Encoding::Utf16.to_utf8(&utf16(big, mark)).unwrap();
            assert_eq!(found, "größe €".as_bytes());
        }
        let plain = [0, b'a', 0, b',', 0x20, 0xac];
        assert_eq!(Encoding::Utf16.to_utf8(&plain[..4]).unwrap(), b"a,");
        assert_eq!(Encoding::Utf16.to_utf8(b"abc"), None);
        assert_eq!(
            Encoding::Latin1.to_utf8(b"gr\xf6\xdfe"),
            Some("größe".into())
        );
        assert_eq!(Encoding::Windows1252.to_utf8(b"5 \x80"), Some("5 €".into()));
        assert_eq!("ISO-8859-1".parse::<Encoding>().unwrap(), Encoding::Latin1);
        assert_eq!("cp1252".parse::<Encoding>().unwrap(), Encoding::Windows1252);
        assert!("ebcdic".parse::<Encoding>().is_err());
    }
}
