//! Where the bundled data is.

use std::path::{Path, PathBuf};

use unlike_core::{Error, Result};

const KDD: &str = "kddcup.data_10_percent.gz";

/// The bundled KDD Cup 99 file, or the file that the user names.
///
/// Looked for in `data` below the current folder, in `data` beside the program, and in `data` of
/// the repository that the program was built from.
pub(crate) fn kdd(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.to_owned()));
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [Some(PathBuf::new()), beside, repository.canonicalize().ok()];
    let candidates = folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join("data").join(KDD));
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| Error::NotEnough {
            what: "bundled data".into(),
            found: format!("no `data/{KDD}` here, beside the program, or where it was built"),
            expected: "the file that comes with unlike".into(),
            hint: Some("run it in a clone of the repository, or name the file with --data".into()),
        })
}
