//! The file format: safetensors with JSON metadata, checked as a whole.
//!
//! A file holds arrays of 32-bit floats, networks that are not ours as the bytes of their own files, and one
//! JSON text under the metadata key `unlike`. Keys
//! beside it: `kind` (what the file is), `format` (version of this layout) and `sha256` (over kind,
//! format, JSON text and every array's name, shape and bytes), so that any change of any byte is
//! noticed. A file is data, never code.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::Path,
};

use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use unlike_core::{Arrays, Error, Location, Result, files::write_atomically};

/// The version of the layout that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// Files of networks that are not ours, by their SHA-256.
pub(crate) type Networks = BTreeMap<String, Vec<u8>>;

/// What kind of numbers a tensor is of, its shape, and its bytes.
type Stored<'a> = (Dtype, Vec<usize>, Cow<'a, [u8]>);

/// What the names of such bytes begin with.
const NETWORK: &str = "network.";

/// Writes a file as a whole or not at all.
pub(crate) fn write(
    path: &Path,
    kind: &str,
    header: &impl Serialize,
    arrays: &Arrays,
    networks: &Networks,
) -> Result<()> {
    let file = content(kind, header, arrays, networks)?;
    write_atomically(path, |w| {
        w.write_all(&file).map_err(Error::io("write", path))
    })
}

/// What a file holds, as bytes.
pub(crate) fn content(
    kind: &str,
    header: &impl Serialize,
    arrays: &Arrays,
    networks: &Networks,
) -> Result<Vec<u8>> {
    let unwritable = |e: String| Error::Setting {
        name: "model file".into(),
        found: e,
        expected: "content that can be written".into(),
        hint: None,
    };
    let json = serde_json::to_string(header).map_err(|e| unwritable(e.to_string()))?;
    let mut tensors: BTreeMap<String, Stored<'_>> = BTreeMap::new();
    for (name, array) in arrays.iter() {
        let bytes: Vec<u8> = array.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        tensors.insert(
            name.to_owned(),
            (Dtype::F32, array.shape.clone(), bytes.into()),
        );
    }
    for (digest, bytes) in networks {
        let tensor = (
            Dtype::U8,
            vec![bytes.len()],
            Cow::Borrowed(bytes.as_slice()),
        );
        tensors.insert(format!("{NETWORK}{digest}"), tensor);
    }
    let digest = digest(
        kind,
        FORMAT,
        &json,
        tensors
            .iter()
            .map(|(name, (_, shape, bytes))| (name.as_str(), shape.as_slice(), &**bytes)),
    );
    let metadata = HashMap::from([
        ("kind".to_owned(), kind.to_owned()),
        ("format".to_owned(), FORMAT.to_string()),
        ("sha256".to_owned(), digest),
        ("unlike".to_owned(), json),
    ]);
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            Ok((
                name.as_str(),
                TensorView::new(*dtype, shape.clone(), bytes)?,
            ))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| unwritable(e.to_string()))?;
    serialize(views, metadata).map_err(unwritable)
}

/// The same content gives the same bytes: safetensors itself orders the tensors, and the metadata,
/// which it writes in a hash map's random order, is put in order here.
fn serialize(
    views: Vec<(&str, TensorView<'_>)>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, String> {
    let ordered: std::collections::BTreeMap<_, _> = metadata.iter().collect();
    let ordered = serde_json::to_string(&ordered).map_err(|e| e.to_string())?;
    let file = safetensors::serialize(views, None).map_err(|e| e.to_string())?;
    let length = u64::from_le_bytes(file[..8].try_into().map_err(|_| "no header")?) as usize;
    let header = std::str::from_utf8(&file[8..8 + length])
        .map_err(|e| e.to_string())?
        .trim_end();
    let rest = header.strip_prefix('{').ok_or("no header")?;
    let comma = if rest == "}" { "" } else { "," };
    let mut header = format!("{{\"__metadata__\":{ordered}{comma}{rest}");
    // Array data starts at a multiple of 8 bytes, as the format asks.
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    let mut out = Vec::with_capacity(8 + header.len() + file.len());
    out.extend((header.len() as u64).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(&file[8 + length..]);
    Ok(out)
}

/// Reads a file of this kind.
///
/// # Errors
/// If it cannot be read, is of another kind, was written by a newer version, or is damaged.
pub(crate) fn read<H: DeserializeOwned>(path: &Path, kind: &str) -> Result<(H, Arrays, Networks)> {
    let file = std::fs::read(path).map_err(Error::io("read", path))?;
    parse(&file, path, kind)
}

/// The content of a file of this kind; `path` is what messages call it.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse<H: DeserializeOwned>(
    file: &[u8],
    path: &Path,
    kind: &str,
) -> Result<(H, Arrays, Networks)> {
    let malformed = |found: String, hint: &str| Error::Malformed {
        path: path.to_owned(),
        location: Location::default(),
        found,
        expected: match kind {
            "unlike-model" => "a model that unlike wrote".into(),
            _ => "the saved state of a training".to_owned(),
        },
        hint: (!hint.is_empty()).then(|| hint.into()),
    };
    let damaged = |what: &str| {
        malformed(
            format!("a damaged file ({what})"),
            "copy it again, or train again",
        )
    };
    let (_, header) =
        SafeTensors::read_metadata(file).map_err(|e| match looks_like_ours(file) {
            true => damaged(&e.to_string()),
            false => malformed("a file of another format".into(), ""),
        })?;
    let none = HashMap::new();
    let metadata = header.metadata().as_ref().unwrap_or(&none);
    let get = |key: &str| metadata.get(key).map(String::as_str);
    let Some(found_kind) = get("kind") else {
        return Err(malformed(
            "safetensors without the metadata of unlike".into(),
            "",
        ));
    };
    let version = get("format").and_then(|f| f.parse::<u32>().ok());
    if let Some(version) = version.filter(|&v| v > FORMAT) {
        return Err(malformed(
            format!("format version {version}, newer than {FORMAT}"),
            "install a newer unlike to read this file",
        ));
    }
    let tensors = SafeTensors::deserialize(file).map_err(|e| damaged(&e.to_string()))?;
    let json = get("unlike").ok_or_else(|| damaged("no description"))?;
    let mut names: Vec<&str> = tensors.names();
    names.sort_unstable();
    let mut views = Vec::with_capacity(names.len());
    for name in names {
        let view = tensors.tensor(name).map_err(|e| damaged(&e.to_string()))?;
        views.push((name, view));
    }
    let parts = views
        .iter()
        .map(|(name, view)| (*name, view.shape(), view.data()));
    let expected = digest(found_kind, version.unwrap_or(0), json, parts);
    if get("sha256") != Some(expected.as_str()) {
        return Err(damaged("its checksum does not match"));
    }
    if found_kind != kind {
        return Err(malformed(format!("a file of kind `{found_kind}`"), ""));
    }
    let mut arrays = Arrays::new();
    let mut networks = Networks::new();
    for (name, view) in views {
        if let (Some(digest), Dtype::U8) = (name.strip_prefix(NETWORK), view.dtype()) {
            networks.insert(digest.to_owned(), view.data().to_vec());
            continue;
        }
        if view.dtype() != Dtype::F32 {
            return Err(damaged(&format!("`{name}` is not of 32-bit floats")));
        }
        let values = view
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        arrays.insert(name, view.shape(), values);
    }
    let header = serde_json::from_str(json).map_err(|e| {
        malformed(
            format!("a description that does not fit ({e})"),
            "it may be from another version",
        )
    })?;
    Ok((header, arrays, networks))
}

/// Whether a file that does not parse is one of ours that was cut or changed.
fn looks_like_ours(file: &[u8]) -> bool {
    let head = &file[..file.len().min(4096)];
    file.len() < 16 || head.windows(12).any(|w| w == b"__metadata__")
}

fn digest<'a>(
    kind: &str,
    format: u32,
    json: &str,
    arrays: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])>,
) -> String {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    field(kind.as_bytes());
    field(&format.to_le_bytes());
    field(json.as_bytes());
    for (name, shape, bytes) in arrays {
        field(name.as_bytes());
        field(format!("{shape:?}").as_bytes());
        field(bytes);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Arrays {
        let mut arrays = Arrays::new();
        arrays.insert(
            "a.weight",
            &[2, 3],
            vec![1.0, -2.0, 0.5, f32::MIN_POSITIVE, 3.0, -0.0],
        );
        arrays.insert("b", &[0], vec![]);
        arrays
    }

    fn networks() -> Networks {
        Networks::from([("3a".to_owned(), vec![1, 2, 3]), ("b0".to_owned(), vec![])])
    }

    #[test]
    fn content_comes_back_and_the_bytes_are_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("1"), folder.path().join("2"));
        write(&first, "unlike-model", &"header", &example(), &networks()).unwrap();
        write(&second, "unlike-model", &"header", &example(), &networks()).unwrap();
        assert_eq!(
            std::fs::read(&first).unwrap(),
            std::fs::read(&second).unwrap()
        );
        let (header, arrays, held): (String, _, _) = read(&first, "unlike-model").unwrap();
        assert_eq!(
            (header.as_str(), arrays, held),
            ("header", example(), networks())
        );
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write(&path, "unlike-model", &"header", &example(), &networks()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let fails = |bytes: &[u8], what: &str| {
            std::fs::write(&path, bytes).unwrap();
            let result = read::<String>(&path, "unlike-model");
            let error = result
                .err()
                .unwrap_or_else(|| panic!("{what} went unnoticed"));
            assert!(error.to_string().contains("model`"), "{error}");
        };
        for length in 0..whole.len() {
            fails(&whole[..length], &format!("a cut at {length}"));
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            // A flipped bit may turn padding into other white space; the content is the same then.
            if !(whole[at] == b' ' && bytes[at].is_ascii_whitespace()) {
                fails(&bytes, &format!("a flip at {at}"));
            }
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write(&path, "unlike-model", &"header", &example(), &networks()).unwrap();
        let text = std::fs::read(&path).unwrap();
        let at = text
            .windows(12)
            .position(|w| w == b"\"format\":\"1\"")
            .unwrap();
        let mut newer = text.clone();
        newer[at + 10] = b'9';
        std::fs::write(&path, newer).unwrap();
        let error = read::<String>(&path, "unlike-model").unwrap_err();
        assert!(error.to_string().contains("format version 9"), "{error}");
    }
}
