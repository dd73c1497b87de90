//! From the names of files to parts, classes and masks.
//!
//! | layout | what is read |
//! | --- | --- |
//! | `train/good`, `test/good`, `test/hole`, `ground_truth/hole/000_mask.png` | parts, classes, masks |
//! | `Images/Normal`, `Images/Anomaly`, `Masks/Anomaly` | classes, masks |
//! | `train/0.normal`, `test/0.normal`, `test/1.abnormal` | parts, classes |
//! | `good` (or `ok`, `normal`) and others | classes |
//! | `train`, `val_normal`, `test_normal`, `test_anomalous` | parts, classes |
//! | `a.png` and `a_mask.png`; `a.jpg` and `a.png` | masks |

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use unlike_core::{Error, Note, Result};
use walkdir::WalkDir;

use super::{
    MaskRule,
    decode::skip,
    formats::{self, Kind},
    names::{self, Part},
    pages::Page,
    skipped::{Skipped, id},
};

/// An image, what its place says of it, and its masks.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) path: PathBuf,
    pub(super) page: Page,
    /// Which of how many pages of its file it is.
    pub(super) place: [usize; 2],
    /// The path within the folder.
    pub(super) id: String,
    pub(super) part: Option<Part>,
    /// The sub-folder that is its class, if there is one.
    pub(super) class: Option<String>,
    /// Files that mark it together.
    pub(super) masks: Vec<PathBuf>,
}

impl Image {
    /// An image of which nothing more is known.
    pub(super) fn new(root: &Path, path: PathBuf) -> Self {
        Self {
            id: id(root, &path),
            path,
            page: Page::First,
            place: [0, 1],
            part: None,
            class: None,
            masks: Vec::new(),
        }
    }
}

/// A file, and its name in pieces.
#[derive(Clone, Debug)]
struct Named {
    path: PathBuf,
    /// Folders below the root.
    folders: Vec<String>,
    /// The name without its ending, in lower case.
    stem: String,
    masks: Vec<PathBuf>,
}

impl Named {
    fn new(root: &Path, path: PathBuf) -> Self {
        let inside = path.strip_prefix(root).unwrap_or(&path);
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        let folders = inside.parent().into_iter().flat_map(Path::components);
        Self {
            folders: folders.map(|c| text(c.as_os_str())).collect(),
            stem: text(path.file_stem().unwrap_or_default()).to_lowercase(),
            masks: Vec::new(),
            path,
        }
    }

    fn is_png(&self) -> bool {
        formats::extension(&self.path).as_deref() == Some("png")
    }
}

/// Tells masks from images, and which part and class images are: those to train on first.
pub(super) fn arrange(
    root: &Path,
    files: Vec<PathBuf>,
    rule: MaskRule,
    skipped: &mut Skipped<'_>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Image>> {
    let files: Vec<Named> = files
        .into_iter()
        .map(|path| Named::new(root, path))
        .collect();
    let files = match rule {
        MaskRule::Ignore => files,
        MaskRule::ByName => {
            let files = in_mask_folders(root, files, notes);
            let mut images = beside(files, skipped)?;
            outside(root, &mut images);
            images
        }
    };
    Ok(classified(root, files))
}

/// Gives images the masks that lie in folders of their own below the root.
fn in_mask_folders(root: &Path, files: Vec<Named>, notes: &mut Vec<Note>) -> Vec<Named> {
    let folders = mask_folders(&files);
    if folders.is_empty() {
        return files;
    }
    let holder = |file: &Named| {
        folders
            .iter()
            .find(|f| file.folders.starts_with(f))
            .cloned()
    };
    let mut masks: BTreeMap<Vec<String>, Vec<Named>> = BTreeMap::new();
    let mut images = Vec::new();
    for file in files {
        match holder(&file) {
            Some(folder) => masks.entry(folder).or_default().push(file),
            None => images.push(file),
        }
    }
    let mut alone = Vec::new();
    for (folder, masks) in masks {
        let parent = &folder[..folder.len() - 1];
        let found = masks.into_iter().map(|mut mask| {
            mask.folders.drain(..folder.len());
            mask
        });
        let mut group = Masks::new(found);
        let below = |image: &Named| image.folders.strip_prefix(parent).map(<[String]>::to_vec);
        group.give(&mut images, below);
        alone.extend(group.unused());
    }
    if !alone.is_empty() {
        let named = alone.iter().map(|path| format!("`{}`", id(root, path)));
        notes.push(Note::new(format!(
            "{} without an image left out: {}",
            crate::words::counted(alone.len(), "mask"),
            crate::words::limited(named, 3)
        )));
    }
    images
}

/// The folders that hold masks: by name, if images lie elsewhere beside them.
fn mask_folders(files: &[Named]) -> BTreeSet<Vec<String>> {
    let named = |file: &Named| {
        let at = file
            .folders
            .iter()
            .position(|name| names::is_mask_folder(name))?;
        Some(file.folders[..=at].to_vec())
    };
    let folders: BTreeSet<Vec<String>> = files.iter().filter_map(named).collect();
    let holds = |folder: &Vec<String>| {
        let parent = &folder[..folder.len() - 1];
        let beside = || {
            let inside = files.iter().filter_map(|f| f.folders.strip_prefix(parent));
            inside.filter(|rest| rest.first() != folder.last())
        };
        // `mask` beside `no_mask` is a class.
        let classes = |rest: &[String]| {
            let name = rest.first().map(|name| name.to_lowercase());
            name.is_some_and(|name| name.contains("mask") && !names::is_mask_folder(&name))
        };
        beside().next().is_some() && !beside().any(classes)
    };
    folders.into_iter().filter(holds).collect()
}

/// Masks by where they lie in their folder and what they are called.
struct Masks {
    /// Folders below that of the masks, and a stem, in lower case.
    by_key: BTreeMap<Key, Vec<PathBuf>>,
    used: BTreeSet<Key>,
}

type Key = (Vec<String>, String);

impl Masks {
    /// Masks whose folders are those below the folder of masks.
    fn new(masks: impl Iterator<Item = Named>) -> Self {
        let mut by_key: BTreeMap<Key, Vec<PathBuf>> = BTreeMap::new();
        for mask in masks {
            let stem = names::masked_stem(&mask.stem);
            let stem = stem.or_else(|| names::masked_stem_before(&mask.stem));
            let stem = stem.unwrap_or(&mask.stem).to_owned();
            by_key
                .entry((lower(&mask.folders), stem))
                .or_default()
                .push(mask.path);
        }
        Self {
            by_key,
            used: BTreeSet::new(),
        }
    }

    /// Gives masks to the images that they belong to. `below` says which folders of an image count, if
    /// any of these masks can be its.
    fn give(&mut self, images: &mut [Named], below: impl Fn(&Named) -> Option<Vec<String>>) {
        // Which images could have a mask, and how well their names fit: the fewer folders were left
        // out, the better; then what is not normal, then what is not trained on.
        let mut claims: BTreeMap<Vec<Key>, Vec<([usize; 3], usize)>> = BTreeMap::new();
        for (at, image) in images.iter().enumerate() {
            let Some(folders) = below(image) else {
                continue;
            };
            let normal = folders.iter().any(|name| names::is_normal(name));
            let trained = folders.iter().filter_map(|name| names::part(name));
            let trained = trained.filter(|(part, _)| *part != Part::Test).count();
            if let Some((left_out, keys)) = self.find(&folders, &image.stem) {
                let claim = [left_out, usize::from(normal), trained];
                claims.entry(keys).or_default().push((claim, at));
            }
        }
        for (keys, claims) in claims {
            let best = claims.iter().map(|(claim, _)| *claim).min();
            for (_, at) in claims.iter().filter(|(claim, _)| Some(*claim) == best) {
                let paths = keys.iter().flat_map(|key| &self.by_key[key]);
                images[*at].masks.extend(paths.cloned());
            }
            self.used.extend(keys);
        }
    }

    /// The keys of an image's masks, and how many of its folders they leave out.
    fn find(&self, folders: &[String], stem: &str) -> Option<(usize, Vec<Key>)> {
        let folders = lower(folders);
        let plain: Vec<String> = folders
            .iter()
            .filter(|name| !names::is_image_folder(name))
            .cloned()
            .collect();
        let tails = (0..=folders.len()).map(|from| folders[from..].to_vec());
        let plain_tails = (0..=plain.len()).map(|from| plain[from..].to_vec());
        let mut ways: Vec<Vec<String>> = tails.chain(plain_tails).collect();
        ways.sort_by_key(|way| std::cmp::Reverse(way.len()));
        ways.dedup();
        ways.into_iter().find_map(|way| {
            let left_out = folders.len() - way.len();
            let key = (way.clone(), stem.to_owned());
            if self.by_key.contains_key(&key) {
                return Some((left_out, vec![key]));
            }
            // A folder of masks for one image.
            let group = [way, vec![stem.to_owned()]].concat();
            let inside = self.by_key.range((group.clone(), String::new())..);
            let inside = inside.map(|(key, _)| key).take_while(|key| key.0 == group);
            let inside: Vec<Key> = inside.cloned().collect();
            (!inside.is_empty()).then_some((left_out, inside))
        })
    }

    /// The masks that no image has.
    fn unused(self) -> Vec<PathBuf> {
        let unused = self
            .by_key
            .into_iter()
            .filter(|(key, _)| !self.used.contains(key));
        unused.flat_map(|(_, paths)| paths).collect()
    }
}

fn lower(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.to_lowercase()).collect()
}

/// Gives images the masks that lie in the same folder.
fn beside(files: Vec<Named>, skipped: &mut Skipped<'_>) -> Result<Vec<Named>> {
    let mut folders: BTreeMap<Vec<String>, Vec<Named>> = BTreeMap::new();
    for file in files {
        folders.entry(file.folders.clone()).or_default().push(file);
    }
    let mut images = Vec::new();
    for files in folders.into_values() {
        let stems: BTreeSet<String> = files.iter().map(|file| file.stem.clone()).collect();
        let is_mask =
            |file: &Named| names::masked_stem(&file.stem).is_some_and(|stem| stems.contains(stem));
        images.extend(match files.iter().any(is_mask) {
            true => suffixed(files, skipped)?,
            false => same_named(files, skipped)?,
        });
    }
    Ok(images)
}

/// `a.png` and `a_mask.png`.
fn suffixed(files: Vec<Named>, skipped: &mut Skipped<'_>) -> Result<Vec<Named>> {
    let (masks, mut images): (Vec<Named>, Vec<Named>) = files
        .into_iter()
        .partition(|file| names::masked_stem(&file.stem).is_some());
    for mask in masks {
        let stem = names::masked_stem(&mask.stem);
        match images
            .iter_mut()
            .find(|image| Some(image.stem.as_str()) == stem)
        {
            Some(image) => image.masks.push(mask.path),
            None => skipped.accept(alone(mask.path))?,
        }
    }
    Ok(images)
}

/// `a.jpg` and `a.png`.
fn same_named(files: Vec<Named>, skipped: &mut Skipped<'_>) -> Result<Vec<Named>> {
    let (pngs, others): (Vec<&Named>, Vec<&Named>) = files
        .iter()
        .filter(|file| file.masks.is_empty())
        .partition(|file| file.is_png());
    let stems: BTreeSet<&str> = others.iter().map(|file| file.stem.as_str()).collect();
    let paired = pngs
        .iter()
        .filter(|png| stems.contains(png.stem.as_str()))
        .count();
    // One stray file must not turn masks into samples, nor samples into masks.
    if paired * 2 < pngs.len().max(1) {
        return Ok(files);
    }
    let mut masks: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut images = Vec::new();
    for file in files {
        match file.is_png() && file.masks.is_empty() {
            true => _ = masks.insert(file.stem, file.path),
            false => images.push(file),
        }
    }
    let mut kept = Vec::new();
    for mut image in images {
        match masks.remove(&image.stem) {
            Some(mask) => image.masks.push(mask),
            None if !image.masks.is_empty() => {}
            None => {
                let error = unpaired(
                    image.path,
                    "an image without a mask",
                    "a `.png` of the same name beside it",
                );
                skipped.accept(error)?;
                continue;
            }
        }
        kept.push(image);
    }
    for mask in masks.into_values() {
        skipped.accept(alone(mask))?;
    }
    Ok(kept)
}

fn alone(mask: PathBuf) -> Error {
    unpaired(
        mask,
        "a mask without an image",
        "an image of the same name beside it",
    )
}

fn unpaired(path: PathBuf, found: &str, expected: &str) -> Error {
    Error::Malformed {
        path,
        location: Default::default(),
        found: found.into(),
        expected: format!("{expected}, as the other images of the folder have"),
        hint: Some(Note::new("add it, or ").then(skip())),
    }
}

/// Looks for masks beside the root, where only a part of a data set was named: `ground_truth` beside
/// `test`, `masks` beside `images`.
fn outside(root: &Path, images: &mut [Named]) {
    /// Folders up, at most: from `test/hole/first` to what lies beside `test`.
    const UP: usize = 3;
    if images.iter().any(|image| !image.masks.is_empty()) {
        return;
    }
    let Ok(root) = root.canonicalize() else {
        return;
    };
    let mut inner: Vec<String> = Vec::new();
    let mut folder = root.as_path();
    for _ in 0..UP {
        let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
            return;
        };
        inner.insert(0, name.to_string_lossy().into_owned());
        folder = parent;
        // Beside what is named as a test part or as images: elsewhere, such a folder is another's.
        let tested = names::part(&inner[0]).is_some_and(|(part, _)| part == Part::Test);
        let fits = tested || names::is_image_folder(&inner[0]);
        if !fits {
            continue;
        }
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        let masks = entries.filter_map(Result::ok).map(|entry| entry.path());
        let masks: BTreeSet<PathBuf> = masks
            .filter(|path| {
                let name = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                path.is_dir() && name.is_some_and(|name| names::is_mask_folder(&name))
            })
            .collect();
        for masks in &masks {
            let mut masks = Masks::new(files_below(masks).into_iter());
            masks.give(images, |image| Some([&inner[..], &image.folders].concat()));
        }
        if !masks.is_empty() {
            return;
        }
    }
}

/// The images of a folder and below. What cannot be read is none of the user's data.
fn files_below(folder: &Path) -> Vec<Named> {
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = entries
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_file());
    let images = files.filter(|entry| matches!(formats::of_file(entry.path()), Ok(Kind::Image(_))));
    images
        .map(|entry| Named::new(folder, entry.into_path()))
        .collect()
}

/// What the folders of an image say.
#[derive(Debug)]
struct Place {
    part: Option<Part>,
    /// The name of the folder that says so.
    part_folder: Option<String>,
    /// The others, from the root down.
    classes: Vec<String>,
}

impl Place {
    fn of(folders: &[String]) -> Self {
        let found = folders.iter().enumerate().find_map(|(at, name)| {
            let (part, rest) = names::part(name)?;
            let further = at + 1 < folders.len();
            match rest {
                None => Some((at, part, None)),
                Some(rest) if names::is_known_class(&rest) => Some((at, part, Some(rest))),
                // `test_public` with classes in it; without any, the whole name is one.
                Some(_) if further => Some((at, part, None)),
                Some(_) => None,
            }
        });
        let Some((at, part, class)) = found else {
            return Self {
                part: None,
                part_folder: None,
                classes: folders.to_vec(),
            };
        };
        let class = Vec::from_iter(class);
        Self {
            part: Some(part),
            part_folder: Some(folders[at].clone()),
            classes: [&folders[..at], &class, &folders[at + 1..]].concat(),
        }
    }
}

/// Decides which folder of each is its class, and puts those to train on first, those to test on last.
fn classified(root: &Path, files: Vec<Named>) -> Vec<Image> {
    let mut places: Vec<Place> = files.iter().map(|file| Place::of(&file.folders)).collect();
    // Without another part, and with nothing in it that says what is normal, `train` is a class like
    // those beside it.
    if !places.iter().any(|place| place.part > Some(Part::Train)) {
        for place in places.iter_mut().filter(|place| place.classes.is_empty()) {
            place.part = None;
            place.classes.extend(place.part_folder.take());
        }
    }
    // The first level at which a name says what is normal; else the uppermost.
    let deepest = places
        .iter()
        .map(|place| place.classes.len())
        .max()
        .unwrap_or(0);
    let says = |level: &usize| {
        let names = places.iter().filter_map(|place| place.classes.get(*level));
        names.into_iter().any(|name| names::is_normal(name))
    };
    let found = (0..deepest).find(says);
    let level = found.unwrap_or(0);
    let mut images: Vec<Image> = files
        .into_iter()
        .zip(places)
        .map(|(file, place)| {
            // A whole part to train on, beside others with classes, is normal.
            let trained = found.and(place.part).filter(|part| *part != Part::Test);
            let class = place.classes.get(level).cloned();
            let class = class.or_else(|| trained.and(place.part_folder));
            Image {
                part: place.part,
                class,
                masks: file.masks,
                ..Image::new(root, file.path)
            }
        })
        .collect();
    let order = |image: &Image| match image.part {
        Some(Part::Train) => 0,
        Some(Part::Validation) => 1,
        None => 2,
        Some(Part::Test) => 3,
    };
    // The files of a folder before those of the folders in it.
    let place = |image: &Image| (order(image), image.path.parent().map(Path::to_owned));
    images.sort_by_cached_key(|image| (place(image), image.path.clone()));
    images
}
