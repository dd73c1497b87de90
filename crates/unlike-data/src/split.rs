//! Seeded splits. Positions are ascending, parts are disjoint, and the same seed gives the same split.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use unlike_core::{Error, Label, LabelledSamples, Note, Result, Samples};

use crate::{dataset::DataSet, rows, words};

/// A random part of `0..n`, and the rest: `(train, held out)`.
///
/// `fraction` of the positions are held out, rounded, but at least one on each side.
///
/// # Errors
/// If `fraction` is not between 0 and 1, or `n` is below 2.
pub fn hold_out(n: usize, fraction: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::Setting {
            name: "held-out fraction".into(),
            found: fraction.to_string(),
            expected: "a number between 0 and 1".into(),
            hint: None,
        });
    }
    if n < 2 {
        return Err(Error::NotEnough {
            what: "samples to split".into(),
            found: n.to_string(),
            expected: "at least 2".into(),
            hint: None,
        });
    }
    let held_out = ((n as f64 * fraction).round() as usize).clamp(1, n - 1);
    Ok(cut(
        (0..n).collect(),
        held_out,
        &mut ChaCha8Rng::seed_from_u64(seed),
    ))
}

/// A random `second` of the positions, and the rest: `(rest, second)`.
fn cut(mut positions: Vec<usize>, second: usize, rng: &mut ChaCha8Rng) -> (Vec<usize>, Vec<usize>) {
    positions.shuffle(rng);
    let mut taken = positions.split_off(positions.len() - second);
    positions.sort_unstable();
    taken.sort_unstable();
    assert!(disjoint(&positions, &taken), "no position on both sides");
    (positions, taken)
}

fn disjoint(these: &[usize], ascending: &[usize]) -> bool {
    these.iter().all(|p| ascending.binary_search(p).is_err())
}

/// Training normals and a labelled test set, as positions in the samples that were split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    train: Vec<usize>,
    test: Vec<usize>,
    test_labels: Vec<Label>,
    description: String,
}

impl Split {
    /// The positions to train on: normals only, ascending.
    pub fn train(&self) -> &[usize] {
        &self.train
    }

    /// The positions to test on, ascending.
    pub fn test(&self) -> &[usize] {
        &self.test
    }

    /// One label per position of [`test`](Self::test).
    pub fn test_labels(&self) -> &[Label] {
        &self.test_labels
    }

    /// What was done, with counts, as sentences that a report can print.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// How many rows to test on equal rows to train on, if any does: what is known of them is no news.
    /// Images are not compared.
    pub fn shared_note(&self, all: &Samples) -> Option<Note> {
        let shared = rows::shared(all, &self.test, &self.train);
        let text = format!(
            "{} of {} to test on {} rows to train on, value for value",
            words::count(shared),
            words::counted(self.test.len(), all.noun()),
            if shared == 1 { "equals" } else { "equal" },
        );
        (shared > 0).then(|| Note::new(text).coded("rows-in-both-parts"))
    }

    /// The training normals.
    pub fn train_samples(&self, all: &Samples) -> Samples {
        all.select(&self.train)
    }

    /// The test set.
    ///
    /// # Errors
    /// Never for the samples that were split.
    pub fn test_samples(&self, all: &Samples) -> Result<LabelledSamples> {
        LabelledSamples::new(all.select(&self.test), self.test_labels.clone())
    }

    fn new(labels: &[Label], train: Vec<usize>, test: Vec<usize>, description: String) -> Self {
        assert!(
            train.iter().all(|p| test.binary_search(p).is_err()),
            "disjoint parts"
        );
        assert!(
            train.iter().all(|&p| labels[p] == Label::Normal),
            "training sees normals only"
        );
        let test_labels = test.iter().map(|&p| labels[p]).collect();
        Self {
            train,
            test,
            test_labels,
            description,
        }
    }
}

/// The split of EGBAD and GANomaly on class data: 80 % of the normals train; the other 20 % and all
/// anomalies test.
///
/// # Errors
/// If there are fewer than two normals, or no anomalies.
pub fn merged_80_20(labels: &[Label], seed: u64) -> Result<Split> {
    let [normals, mut anomalies] = by_label(labels)?;
    let held_out = ((normals.len() as f64 * 0.2).round() as usize).clamp(1, normals.len() - 1);
    let n_anomalies = anomalies.len();
    let (train, mut test) = cut(normals, held_out, &mut ChaCha8Rng::seed_from_u64(seed));
    let description = format!(
        "merged 80/20 split (seed {seed}): training on {} normals (80 %), testing on the other {} and \
         all {} anomalies",
        words::count(train.len()),
        words::count(test.len()),
        words::count(n_anomalies),
    );
    test.append(&mut anomalies);
    test.sort_unstable();
    Ok(Split::new(labels, train, test, description))
}

/// The parts that a data set is published in, as MNIST's and CIFAR-10's files are: the normals of
/// the training part train, and the test part tests.
///
/// # Errors
/// If the data set has no such parts or no labels, the training part has no normals, or the test
/// part lacks normals or anomalies.
pub fn official(data: &DataSet) -> Result<Split> {
    match data.labels() {
        Some(labels) => official_parts(data, labels.values()),
        // Says what is missing.
        None => official_parts(data, data.labelled()?.labels()),
    }
}

/// As [`official`], with a label for each sample of the data set in place of its own.
///
/// # Errors
/// As [`official`], but that labels are there.
///
/// # Panics
/// If there is not a label for each sample.
pub fn official_parts(data: &DataSet, labels: &[Label]) -> Result<Split> {
    assert_eq!(
        labels.len(),
        data.samples().len(),
        "a label for each sample"
    );
    let of = |starts: [&str; 2]| -> Vec<usize> {
        let named = |name: &str| starts.iter().any(|start| name.starts_with(start));
        let parts = data.parts().iter().filter(|(name, _)| named(name));
        parts.flat_map(|(_, range)| range.clone()).collect()
    };
    let (first, test) = (of(["train", "data_batch"]), of(["t10k", "test"]));
    if first.is_empty() || test.is_empty() {
        return Err(Error::Mismatch {
            origin: Some(format!("`{}`", data.path().display())),
            found: "samples without a training and a test part".into(),
            expected: "both parts of MNIST, Fashion-MNIST, CIFAR-10 or a set of MedMNIST".into(),
            hint: Some(Note::new("other data can be split with ").set("split", "merged-80-20")),
        });
    }
    let is_normal = |&p: &usize| labels[p] == Label::Normal;
    let (train, unused): (Vec<usize>, Vec<usize>) = first.into_iter().partition(is_normal);
    let normal = test.iter().copied().filter(|p| is_normal(p)).count();
    if train.is_empty() || normal == 0 || normal == test.len() {
        return Err(Error::NotEnough {
            what: "labelled samples in the official parts".into(),
            found: format!(
                "{} normal to train on; {} normal and {} anomalous to test on",
                words::count(train.len()),
                words::count(normal),
                words::count(test.len() - normal)
            ),
            expected: "at least 1 of each".into(),
            hint: None,
        });
    }
    let description = format!(
        "the official parts: training on the {} normals of the training part, without its {} \
         anomalies; testing on the test part, {} normals and {} anomalies",
        words::count(train.len()),
        words::count(unused.len()),
        words::count(normal),
        words::count(test.len() - normal),
    );
    Ok(Split::new(labels, train, test, description))
}

/// DAGMM's protocol, which EGBAD and ALAD share: the normals of a random half train; the other half
/// tests, with anomalies dropped at random until they are at most `share` of it.
///
/// As in the published code, nothing but anomalies is dropped: where they are fewer than `share`,
/// all of them stay.
///
/// # Errors
/// If `share` is not between 0 and 1, or a half has no normals or no anomalies.
pub fn half_split(labels: &[Label], share: f64, seed: u64) -> Result<Split> {
    halves(labels, share, seed, ["normals", "anomalies"])
}

/// The survey's protocol for KDD Cup 99: attacks are what is learned and `normal.` records are the
/// anomalies, because attacks are the majority; then [`half_split`] with 20 % anomalies.
///
/// # Errors
/// If the data set has no class `normal.`, or no other.
pub fn kdd_survey(data: &DataSet, seed: u64) -> Result<Split> {
    let other = |found: String| Error::Mismatch {
        origin: Some(format!("`{}`", data.path().display())),
        found,
        expected: "KDD Cup 99 records, `normal.` among their labels".into(),
        hint: None,
    };
    let classes = data
        .classes()
        .ok_or_else(|| other("samples without classes".into()))?;
    let Some(normal) = classes
        .levels()
        .iter()
        .position(|l| l == "normal." || l == "normal")
    else {
        return Err(other(format!("the classes {}", classes.listed())));
    };
    let swapped = |&code: &u32| match code as usize == normal {
        true => Label::Anomalous,
        false => Label::Normal,
    };
    let labels: Vec<Label> = classes.codes().iter().map(swapped).collect();
    let records = format!("`{}` records", classes.levels()[normal]);
    let mut split = halves(&labels, 0.2, seed, ["attacks", &records])?;
    split.description = format!(
        "the survey's KDD99 protocol: attacks, the majority, are what is learned, and {records} are \
         the anomalies; {}",
        split.description
    );
    Ok(split)
}

/// [`half_split`], calling normals and anomalies by these names.
fn halves(
    labels: &[Label],
    share: f64,
    seed: u64,
    [normal, anomalous]: [&str; 2],
) -> Result<Split> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::Setting {
            name: "share of anomalies".into(),
            found: share.to_string(),
            expected: "a number between 0 and 1".into(),
            hint: None,
        });
    }
    by_label(labels)?;
    let is_normal = |&p: &usize| labels[p] == Label::Normal;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (first, second) = cut((0..labels.len()).collect(), labels.len() / 2, &mut rng);
    let (train, unused): (Vec<usize>, Vec<usize>) = first.into_iter().partition(is_normal);
    let (mut test, anomalies): (Vec<usize>, Vec<usize>) = second.into_iter().partition(is_normal);
    if train.is_empty() || test.is_empty() || anomalies.is_empty() {
        return Err(Error::NotEnough {
            what: "samples to split in halves".into(),
            found: format!("{} labelled samples", words::count(labels.len())),
            expected: "normals in both halves and anomalies in the second".into(),
            hint: None,
        });
    }
    let (n_normal, n_anomalous) = (test.len(), anomalies.len());
    let room = ((n_normal as f64 * share / (1.0 - share)) as usize).max(1);
    let dropped = n_anomalous.saturating_sub(room);
    let (mut kept, _) = cut(anomalies, dropped, &mut rng);
    let n_kept = kept.len();
    test.append(&mut kept);
    test.sort_unstable();
    let thinning = match dropped {
        0 => format!(
            "none dropped, because no more than {} % are {anomalous} anyway",
            percent(share)
        ),
        _ => format!(
            "{} other {anomalous} dropped at random so that no more than {} % are left",
            words::count(dropped),
            percent(share)
        ),
    };
    let description = format!(
        "random halves (seed {seed}): training on the {} {normal} of one half, without its {} \
         {anomalous}; testing on the other half, {} {normal} and {} {anomalous} ({} %), {thinning}",
        words::count(train.len()),
        words::count(unused.len()),
        words::count(n_normal),
        words::count(n_kept),
        percent(n_kept as f64 / (n_normal + n_kept) as f64),
    );
    Ok(Split::new(labels, train, test, description))
}

/// The positions of normals and anomalies, at least two and one of them.
fn by_label(labels: &[Label]) -> Result<[Vec<usize>; 2]> {
    let (normals, anomalies): (Vec<usize>, Vec<usize>) =
        (0..labels.len()).partition(|&p| labels[p] == Label::Normal);
    if normals.len() < 2 || anomalies.is_empty() {
        return Err(Error::NotEnough {
            what: "labelled samples to split".into(),
            found: format!(
                "{} normal, {} anomalous",
                words::count(normals.len()),
                words::count(anomalies.len())
            ),
            expected: "at least 2 normal and 1 anomalous".into(),
            hint: None,
        });
    }
    Ok([normals, anomalies])
}

fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
