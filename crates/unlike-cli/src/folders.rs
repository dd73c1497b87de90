//! Folders and files for results: made when they are needed, gone again when nothing came of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use unlike_core::{
    Error, Result,
    files::{check_writable, write_atomically},
};

/// Folders that this process made; those that are still empty in the end are removed.
#[derive(Debug)]
pub(crate) struct NewFolders {
    /// Deepest first.
    made: Vec<PathBuf>,
}

impl NewFolders {
    /// Makes a folder, and those above it that are missing, and makes sure, before any work is
    /// done, that files can be written there.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let missing = |p: &&Path| !p.as_os_str().is_empty() && !p.exists();
        let made = folder
            .ancestors()
            .take_while(missing)
            .map(Path::to_owned)
            .collect();
        // From here on a failure takes back what was made.
        let folders = Self { made };
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        check_writable(&folder.join("result"))?;
        Ok(folders)
    }

    /// Whether this folder was not there before.
    pub(crate) fn contains(&self, folder: &Path) -> bool {
        self.made.iter().any(|made| made == folder)
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for folder in &self.made {
            // Refused by the system unless the folder is empty, which is what is wanted.
            _ = fs::remove_dir(folder);
        }
    }
}

/// Writes a text file as a whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |w| {
        w.write_all(text.as_bytes())
            .map_err(Error::io("write", path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_folders_are_taken_back_and_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("a").join("b");
        drop(NewFolders::create(&deep).unwrap());
        assert!(!place.path().join("a").exists());
        let folders = NewFolders::create(&deep).unwrap();
        assert!(folders.contains(&deep) && !folders.contains(place.path()));
        write_text(&deep.join("text"), "words").unwrap();
        drop(folders);
        assert!(deep.join("text").exists());
        drop(NewFolders::create(&deep).unwrap());
        assert!(deep.exists());
    }
}
