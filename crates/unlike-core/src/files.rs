//! Writing files so that a reader never sees half of one.

use std::{
    collections::BTreeSet,
    fs::{Metadata, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::error::{Error, Result};

/// Writes a file as a whole: to a temporary file beside it, flushed to the disk, then renamed.
///
/// If anything fails, what was at `path` before is still there and the temporary file is gone. A new
/// file gets the permissions that the process gives to new files (on Unix, its umask); one that is
/// there already keeps its own. A symbolic link stays, and the file that it leads to is written. What
/// is neither a file nor a folder (a pipe, a device) cannot be replaced and is written to directly.
/// Temporary files that a killed process left in the folder more than an hour ago are removed.
///
/// # Errors
/// Whatever `content` returns, or the operating system's refusal.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    let io = |action| Error::io(action, path);
    let old = std::fs::metadata(path).ok();
    if old.as_ref().is_some_and(is_special) {
        let special = OpenOptions::new().write(true).open(path);
        let mut writer = BufWriter::new(special.map_err(io("write"))?);
        content(&mut writer)?;
        return writer.flush().map_err(io("write"));
    }
    let target = target(path)?;
    let folder = folder_of(&target);
    clean(folder);
    let mut temporary = temporary_in(folder).map_err(io("create"))?;
    // Before anything is in it that not everybody may read. The read-only attribute of other systems
    // would keep the file from being replaced again.
    #[cfg(unix)]
    if let Some(old) = old {
        temporary
            .as_file()
            .set_permissions(old.permissions())
            .map_err(io("write"))?;
    }
    {
        let mut writer = BufWriter::new(temporary.as_file_mut());
        content(&mut writer)?;
        writer.flush().map_err(io("write"))?;
    }
    temporary.as_file().sync_all().map_err(io("write"))?;
    temporary
        .persist(&target)
        .map_err(|e| io("rename")(e.error))?;
    // The rename itself reaches the disk with the folder; not every file system allows this.
    if let Ok(folder) = std::fs::File::open(folder) {
        _ = folder.sync_all();
    }
    Ok(())
}

/// Fails now, rather than after hours of work, if a file could not be created at `path` later.
///
/// # Errors
/// If the folder is missing or read-only, or `path` is a folder.
pub fn check_writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Error::Setting {
            name: "output".into(),
            found: format!("the folder `{}`", path.display()),
            expected: "a file name".into(),
            hint: None,
        });
    }
    if std::fs::metadata(path).is_ok_and(|old| is_special(&old)) {
        return Ok(());
    }
    temporary_in(folder_of(&target(path)?))
        .map(drop)
        .map_err(Error::io("create", path))
}

/// Whether it is a pipe, a socket or a device.
fn is_special(found: &Metadata) -> bool {
    !found.is_file() && !found.is_dir()
}

/// Symbolic links that may lead one to the next, as many as Linux follows.
const LINKS: usize = 40;

/// The file that `path` stands for: where symbolic links lead, also if nothing is there yet.
fn target(path: &Path) -> Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..=LINKS {
        match std::fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            // Not a link.
            Err(_) => return Ok(target),
        }
    }
    let reason = std::io::Error::other("its symbolic links lead in a circle");
    Err(Error::io("write", path)(reason))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What names of temporary files begin with.
const PREFIX: &str = ".unlike-";

/// Removes temporary files of processes that were killed, once in each folder.
fn clean(folder: &Path) {
    static CLEANED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut cleaned = CLEANED.lock().unwrap_or_else(PoisonError::into_inner);
    if cleaned.insert(folder.to_owned()) {
        drop(cleaned);
        remove_left_before(folder, SystemTime::now() - LEFT);
    }
}

/// A file to which nothing was written for so long belongs to nobody: writing one takes no pause.
const LEFT: Duration = Duration::from_secs(3600);

/// What cannot be removed stays.
fn remove_left_before(folder: &Path, then: SystemTime) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes());
        let is_left = || {
            let found = entry.metadata().ok()?;
            Some(found.is_file() && found.modified().ok()? < then)
        };
        if is_ours && is_left() == Some(true) {
            _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file that is gone when it is dropped, with the permissions of any other new file: a temporary
/// file is private by default, and a result should not be.
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system takes the umask away from it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write_atomically(&path, |w| {
            w.write_all(b"old").map_err(Error::io("write", "model"))
        })
        .unwrap();
        let failed = write_atomically(&path, |w| {
            w.write_all(b"half").map_err(Error::io("write", "model"))?;
            Err(Error::Interrupted)
        });
        assert!(matches!(failed, Err(Error::Interrupted)));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [".unlike-old", ".unlike-new", ".other", "scores.csv"] {
            std::fs::write(at(name), name).unwrap();
        }
        std::fs::create_dir(at(".unlike-folder")).unwrap();
        let now = SystemTime::now();
        let old = now - Duration::from_secs(7200);
        for name in [".unlike-old", ".other", "scores.csv"] {
            let file = OpenOptions::new().write(true).open(at(name)).unwrap();
            file.set_modified(old).unwrap();
        }
        remove_left_before(folder.path(), now - LEFT);
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [".other", ".unlike-folder", ".unlike-new", "scores.csv"]
        );
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = check_writable(Path::new("no-such-folder/model")).unwrap_err();
        assert!(
            error.to_string().contains("no-such-folder/model"),
            "{error}"
        );
    }
    #[cfg(unix)]
    fn write(path: &Path, text: &str) -> Result<()> {
        write_atomically(path, |w| {
            w.write_all(text.as_bytes())
                .map_err(Error::io("write", path))
        })
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_was_there_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        for mode in [0o600, 0o640, 0o604, 0o755, 0o444] {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            write(&path, "new").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"new");
            let found = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o7777, mode, "{found:o}");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_symbolic_link_stays_and_what_it_leads_to_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("store")).unwrap();
        std::fs::write(at("store/old"), "old").unwrap();
        symlink("store/old", at("relative")).unwrap();
        symlink(at("relative"), at("absolute")).unwrap();
        symlink("store/new", at("dangling")).unwrap();
        for (link, file) in [
            ("relative", "store/old"),
            ("absolute", "store/old"),
            ("dangling", "store/new"),
        ] {
            check_writable(&at(link)).unwrap();
            write(&at(link), link).unwrap();
            assert!(at(link).is_symlink(), "{link}");
            assert!(!at(file).is_symlink(), "{link}");
            assert_eq!(std::fs::read(at(file)).unwrap(), link.as_bytes());
        }
        assert_eq!(std::fs::read_dir(at("store")).unwrap().count(), 2);

        symlink("no-such-folder/file", at("nowhere")).unwrap();
        symlink("circle", at("circle")).unwrap();
        for link in ["nowhere", "circle"] {
            let path = at(link);
            for result in [check_writable(&path), write(&path, "")] {
                let error = result.unwrap_err().to_string();
                assert!(error.contains(link), "{error}");
            }
            assert!(path.is_symlink(), "{link}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn what_is_no_file_is_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("scores.csv");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        check_writable(&link).unwrap();
        write(&link, "gone").unwrap();
        let null = std::fs::metadata("/dev/null").unwrap().file_type();
        assert!(null.is_char_device());
        assert!(link.is_symlink());
    }
}
