//! Reports as JSON, to be read by programs and to be rendered again.

use serde::{Deserialize, Serialize};
use unlike_core::{Error, Result};

use crate::{
    report::Report,
    verdict::{Verdict, verdict},
};

/// The version of the JSON layout, raised when a reader of the old one would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format_version: u32,
    verdict: Verdict,
    #[serde(flatten)]
    report: &'a Report,
}

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// The report's numbers, unrounded, with the verdict in words; `null` where a number is not finite.
///
/// # Errors
/// If the numbers cannot be written, which no value of the types is known to cause.
pub fn json(report: &Report) -> Result<String> {
    let document = Written {
        format_version: FORMAT_VERSION,
        verdict: verdict(report),
        report,
    };
    serde_json::to_string(&document).map_err(|e| Error::io("write", "report.json")(e.into()))
}

/// Reads what [`json`] wrote. `origin` names the text in messages.
///
/// # Errors
/// If the text is not a report, or one of a newer version.
pub fn from_json(origin: &str, text: &str) -> Result<Report> {
    let malformed = |e: serde_json::Error| Error::Mismatch {
        origin: Some(origin.to_owned()),
        found: format!("text that is not a report ({e})"),
        expected: "JSON as `unlike` writes it".into(),
        hint: None,
    };
    let Version { format_version } = serde_json::from_str(text).map_err(malformed)?;
    if format_version > FORMAT_VERSION {
        return Err(Error::Mismatch {
            origin: Some(origin.to_owned()),
            found: format!("a report of format version {format_version}"),
            expected: format!("at most version {FORMAT_VERSION}"),
            hint: Some("use the version of unlike that wrote it, or a newer one".into()),
        });
    }
    serde_json::from_str(text).map_err(malformed)
}

/// Bytes as base64 text.
pub(crate) mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}
