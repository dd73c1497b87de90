//! Writing files so that a reader never sees half of one.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use crate::error::{Error, Result};

/// Writes a file as a whole: to a temporary file beside it, flushed to the disk, then renamed.
///
/// If anything fails, what was at `path` before is still there and the temporary file is gone.
///
/// # Errors
/// Whatever `content` returns, or the operating system's refusal.
pub fn write_atomically(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let io = |action| Error::io(action, path);
    let mut temporary = tempfile::Builder::new()
        .prefix(".unlike-")
        .tempfile_in(folder)
        .map_err(io("create"))?;
    {
        let mut writer = BufWriter::new(temporary.as_file_mut());
        content(&mut writer)?;
        writer.flush().map_err(io("write"))?;
    }
    #[cfg(unix)]
    {
        // Temporary files are private; a result should be as readable as any other new file.
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0o644, |old| old.permissions().mode());
        let permissions = std::fs::Permissions::from_mode(mode);
        temporary
            .as_file()
            .set_permissions(permissions)
            .map_err(io("write"))?;
    }
    temporary.as_file().sync_all().map_err(io("write"))?;
    temporary.persist(path).map_err(|e| io("rename")(e.error))?;
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
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    tempfile::Builder::new()
        .prefix(".unlike-")
        .tempfile_in(folder)
        .map(drop)
        .map_err(Error::io("create", path))
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
    fn a_missing_folder_is_named() {
        let error = check_writable(Path::new("no-such-folder/model")).unwrap_err();
        assert!(
            error.to_string().contains("no-such-folder/model"),
            "{error}"
        );
    }
}
