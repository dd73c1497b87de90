//! What lies in a folder and below: images, images that are not read, and all else.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use unlike_core::{Error, Result};
use walkdir::WalkDir;

use super::{
    decode::skip,
    formats::{self, EXTENSIONS, Kind},
    skipped::Skipped,
};

/// What was found, sorted by name. Hidden files are left out.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) images: Vec<PathBuf>,
    /// Images of formats that are not read, with the formats' names.
    pub(super) unread: Vec<(PathBuf, &'static str)>,
    /// Folders and files that this project wrote: results are no data.
    pub(super) own: Vec<PathBuf>,
    /// How many files of other kinds there are, by ending.
    pub(super) other: BTreeMap<String, usize>,
}

/// Looks at every file in a folder and below.
pub(super) fn walk(root: &Path, skipped: &mut Skipped<'_>) -> Result<Walked> {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let own = RefCell::new(Vec::new());
    let astray = RefCell::new(Vec::new());
    let here = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let walk = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            if entry.depth() == 0 {
                return true;
            }
            if entry.path_is_symlink()
                && entry.file_type().is_dir()
                && let Some(target) = leads_astray(entry.path(), &here)
            {
                let link = entry.path().to_owned();
                astray.borrow_mut().push((link, target));
                return false;
            }
            let ours = entry.file_type().is_dir() && is_own_folder(entry.path());
            if ours {
                own.borrow_mut().push(entry.path().to_owned());
            }
            !ours && !hidden(entry.file_name())
        });
    let mut files = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => skipped.accept(walk_error(root, error))?,
        }
    }
    for (link, target) in astray.into_inner() {
        skipped.accept(Error::Malformed {
            path: link,
            location: Default::default(),
            found: format!("a symbolic link to `{}`", target.display()),
            expected: "links to folders of images".into(),
            hint: Some(skip()),
        })?;
    }
    let kinds: Vec<Kind> = files.par_iter().map(|path| kind(path)).collect();
    let mut walked = Walked::default();
    for (path, kind) in files.into_iter().zip(kinds) {
        match kind {
            Kind::Image(_) => walked.images.push(path),
            Kind::Unread(name) => walked.unread.push((path, name)),
            Kind::Own => own.borrow_mut().push(path),
            Kind::Other => {
                let ending = formats::extension(&path).unwrap_or_default();
                *walked.other.entry(ending).or_default() += 1;
            }
        }
    }
    walked.own = own.into_inner();
    Ok(walked)
}

/// Where a link leads, if that is above the folder that is looked at, or where the system tells of itself:
/// nobody keeps images there, and looking at all of it would never end.
fn leads_astray(link: &Path, here: &Path) -> Option<PathBuf> {
    const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];
    let target = std::fs::canonicalize(link).ok()?;
    let is_system = SYSTEM.iter().any(|folder| target.starts_with(folder));
    (is_system || (here.starts_with(&target) && here != target)).then_some(target)
}

/// A file that cannot be read is what its name says; reading it tells why.
fn kind(path: &Path) -> Kind {
    formats::of_file(path).unwrap_or_else(|_| {
        let ending = formats::extension(path);
        let named = EXTENSIONS
            .iter()
            .find(|(e, _)| Some(*e) == ending.as_deref());
        named.map_or(Kind::Other, |(_, format)| Kind::Image(*format))
    })
}

/// Whether a folder is that of a training, or of explanations: by what their files hold.
fn is_own_folder(folder: &Path) -> bool {
    let models = ["model.safetensors", "resume/state.safetensors"];
    let explanations = ["maps.npy", "most-anomalous.png", "overlays"];
    models.iter().any(|name| is_own_model(&folder.join(name)))
        || explanations.iter().all(|name| folder.join(name).exists())
}

/// Whether a file is a model or the state of a training: its first bytes name the kind.
fn is_own_model(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(256).read_to_end(&mut head));
    let kind = br#""kind":"unlike-"#;
    read.is_ok() && head.windows(kind.len()).any(|bytes| bytes == kind)
}

fn walk_error(root: &Path, error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(root).to_owned();
    if let Some(ancestor) = error.loop_ancestor() {
        return Error::Malformed {
            path,
            location: Default::default(),
            found: format!("a symbolic link back to `{}`", ancestor.display()),
            expected: "folders without loops".into(),
            hint: Some(skip()),
        };
    }
    let text = error.to_string();
    let source = error
        .into_io_error()
        .unwrap_or_else(|| std::io::Error::other(text));
    Error::Io {
        action: "read",
        path,
        source,
    }
}
