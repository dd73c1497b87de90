//! What the names of folders and files say: which are normal, which part of a data set they are, and
//! which are masks.

/// Folders of what is normal, in lower case and without a number before them.
const NORMAL: [&str; 15] = [
    "anomaly-free",
    "anomaly_free",
    "defect-free",
    "defect_free",
    "good",
    "no-defect",
    "no_defect",
    "non-defective",
    "non_defective",
    "nondefective",
    "normal",
    "normals",
    "ok",
    "okay",
    "pass",
];

/// Words for what is not, which say that a name is put together: `test_bad`.
const ANOMALOUS: [&str; 16] = [
    "abnormal",
    "abnormals",
    "anomalies",
    "anomalous",
    "anomaly",
    "bad",
    "defect",
    "defective",
    "defects",
    "fail",
    "faulty",
    "ng",
    "nok",
    "not_ok",
    "reject",
    "rejects",
];

/// Folders of masks.
const MASKS: [&str; 8] = [
    "ground-truth",
    "ground_truth",
    "groundtruth",
    "gt",
    "mask",
    "masks",
    "segmentation",
    "segmentations",
];

/// Folders of images beside those of masks.
const IMAGES: [&str; 6] = ["image", "images", "img", "imgs", "picture", "pictures"];

/// What a mask's name has more than its image's, after a mark between words.
const MASK_WORDS: [&str; 8] = [
    "ground_truth",
    "groundtruth",
    "gt",
    "label",
    "mask",
    "masks",
    "seg",
    "segmentation",
];

/// What stands between words of a name.
const MARKS: [char; 4] = ['_', '-', '.', ' '];

/// Which part of a data set images are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "train" | "training" | "trainset" => Self::Train,
            "val" | "valid" | "validation" | "valset" => Self::Validation,
            "test" | "testing" | "testset" => Self::Test,
            _ => return None,
        })
    }
}

/// Lower case, and without a number before the name: `0.normal` is `normal`.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let rest = lower.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(MARKS) {
        Some(rest) if rest.len() < lower.len() - 1 && !rest.is_empty() => rest.to_owned(),
        _ => lower,
    }
}

/// Whether a folder of this name holds what is normal.
pub(super) fn is_normal(name: &str) -> bool {
    NORMAL.contains(&plain(name).as_str())
}

/// Which classes are normal where folders are classes: by their names, and beside such ones also a whole
/// part to train on. `train` alone may as well be a vehicle.
pub(crate) fn normal_classes(names: &[String]) -> Vec<bool> {
    let named = names.iter().any(|name| is_normal(name));
    let trained =
        |name: &str| matches!(Part::of(&plain(name)), Some(Part::Train | Part::Validation));
    let normal = |name: &String| is_normal(name) || (named && trained(name));
    names.iter().map(normal).collect()
}

/// The part that a folder's name says, and what else it says: `test`, `normal_test`, `test_public`.
pub(super) fn part(name: &str) -> Option<(Part, Option<String>)> {
    let plain = plain(name);
    if let Some(part) = Part::of(&plain) {
        return Some((part, None));
    }
    let first = plain.split_once(MARKS);
    let last = plain.rsplit_once(MARKS).map(|(rest, word)| (word, rest));
    [first, last]
        .into_iter()
        .flatten()
        .find_map(|(word, rest)| Some((Part::of(word)?, Some(rest.to_owned()))))
}

/// Whether a word says that something is normal, or that it is not.
pub(super) fn is_known_class(word: &str) -> bool {
    is_normal(word) || ANOMALOUS.contains(&plain(word).as_str())
}

/// Whether a folder of this name holds masks, as far as its name goes.
pub(super) fn is_mask_folder(name: &str) -> bool {
    MASKS.contains(&plain(name).as_str())
}

/// Whether a folder of this name holds images, as its neighbour holds masks.
pub(super) fn is_image_folder(name: &str) -> bool {
    IMAGES.contains(&plain(name).as_str())
}

/// Of a name without its ending, in lower case: what is left when it says at its end that it is a mask's.
pub(super) fn masked_stem(stem: &str) -> Option<&str> {
    MASK_WORDS.iter().find_map(|word| {
        let rest = stem.strip_suffix(word)?.strip_suffix(MARKS)?;
        (!rest.is_empty()).then_some(rest)
    })
}

/// The same at its start, as some name their masks in folders of their own.
pub(super) fn masked_stem_before(stem: &str) -> Option<&str> {
    MASK_WORDS.iter().find_map(|word| {
        let rest = stem.strip_prefix(word)?.strip_prefix(MARKS)?;
        (!rest.is_empty()).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_normal() {
        for name in ["good", "OK", "0.normal", "00_good", "Normal", "defect-free"] {
            assert!(is_normal(name), "{name}");
        }
        for name in ["abnormal", "1.abnormal", "good2", "0", "", "0.", "goods_in"] {
            assert!(!is_normal(name), "{name}");
        }
    }

    #[test]
    fn names_say_which_part_images_are() {
        let whole = |part| Some((part, None));
        let more = |part, rest: &str| Some((part, Some(rest.to_owned())));
        assert_eq!(part("Train"), whole(Part::Train));
        assert_eq!(part("2_test"), whole(Part::Test));
        assert_eq!(part("normal_test"), more(Part::Test, "normal"));
        assert_eq!(part("val-normal"), more(Part::Validation, "normal"));
        assert_eq!(part("test_public"), more(Part::Test, "public"));
        assert_eq!(part("contest"), None);
    }

    #[test]
    fn names_say_which_file_is_a_mask() {
        assert_eq!(masked_stem("000_mask"), Some("000"));
        assert_eq!(masked_stem("a.b-gt"), Some("a.b"));
        assert_eq!(masked_stem("part0_label"), Some("part0"));
        assert_eq!(masked_stem("x_ground_truth"), Some("x"));
        assert_eq!(masked_stem("unmask"), None);
        assert_eq!(masked_stem("_mask"), None);
        assert_eq!(masked_stem_before("mask_17"), Some("17"));
    }
}
