//! What the comparisons with PyTorch share: reading fixtures, and how close is close enough.

use std::collections::BTreeSet;

use unlike_core::{Arrays, FeatureShape, Features, ScoreParts, Scorer};

use super::{averaged, gradients, live, rows, scorer};
use crate::{
    backend::{Device, Tensor},
    method::{Method, Playing},
};

/// The arrays of a fixture whose names begin with `prefix`, without it.
pub(crate) fn fixture(bytes: &[u8], prefix: &str) -> Arrays {
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let mut arrays = Arrays::new();
    for (name, view) in file.tensors() {
        if let Some(name) = name.strip_prefix(prefix) {
            let (chunks, _) = view.data().as_chunks::<4>();
            let values = chunks.iter().map(|b| f32::from_le_bytes(*b)).collect();
            arrays.insert(name, view.shape(), values);
        }
    }
    assert!(!arrays.is_empty(), "nothing under `{prefix}`");
    arrays
}

/// Arrays whose names begin with `prefix` and a dot, without these.
pub(crate) fn under(arrays: &Arrays, prefix: &str) -> Arrays {
    arrays.under(&format!("{prefix}."))
}

/// Holds every number of ours to within `allowed` of theirs. What is not finite, on either side, is
/// never close.
fn compare(ours: &[f32], theirs: &[f32], allowed: f32) -> Result<(), String> {
    if ours.len() != theirs.len() {
        return Err(format!("{} numbers; expected {}", ours.len(), theirs.len()));
    }
    let close = |(a, b): (&f32, &f32)| a.is_finite() && b.is_finite() && (a - b).abs() <= allowed;
    let pairs = ours.iter().zip(theirs).enumerate();
    let off: Vec<_> = pairs.filter(|(_, pair)| !close(*pair)).collect();
    if off.is_empty() {
        return Ok(());
    }
    let first: Vec<String> = off
        .iter()
        .take(5)
        .map(|(at, (a, b))| format!("[{at}] {a:e}, theirs {b:e}, apart {:e}", (*a - *b).abs()))
        .collect();
    Err(format!(
        "{} of {} numbers are further than {allowed:e} from theirs: {}",
        off.len(),
        ours.len(),
        first.join("; ")
    ))
}

/// The largest magnitude; NaN if one number is not finite, which is close to nothing.
fn largest(values: &[f32]) -> f32 {
    match values.iter().all(|v| v.is_finite()) {
        true => values.iter().fold(0.0, |most, v| v.abs().max(most)),
        false => f32::NAN,
    }
}

/// Ours within `tolerance` of theirs, in units of their largest number.
#[track_caller]
pub(crate) fn assert_close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    if let Err(found) = compare(ours, theirs, tolerance * largest(theirs)) {
        panic!("{what}: {found}");
    }
}

/// The same names on both sides.
#[track_caller]
pub(crate) fn assert_names(what: &str, ours: &Arrays, theirs: &Arrays) {
    let names = |arrays: &Arrays| -> BTreeSet<String> {
        arrays.iter().map(|(name, _)| name.to_owned()).collect()
    };
    let (ours, theirs) = (names(ours), names(theirs));
    assert!(!theirs.is_empty(), "{what}: no arrays");
    let only = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect::<Vec<_>>();
    let apart = [only(&ours, &theirs), only(&theirs, &ours)];
    assert!(
        apart.iter().all(Vec::is_empty),
        "{what}: only ours and only theirs: {apart:?}"
    );
}

/// Every array of the same name, shape and, within `tolerance` of the array's largest number, value.
#[track_caller]
pub(crate) fn assert_arrays(what: &str, ours: &Arrays, theirs: &Arrays, tolerance: f32) {
    assert_names(what, ours, theirs);
    for (name, array) in theirs.iter() {
        let ours = ours.get(name, &array.shape).unwrap();
        assert_close(&format!("{what}, {name}"), ours, &array.values, tolerance);
    }
}

/// Every array has moved as theirs has: the differences from `before`, within `tolerance` of the
/// largest. A weight that should have moved by a thousandth, and did not, is so as far off as it can
/// be. What single precision cannot hold is let pass.
#[track_caller]
pub(crate) fn assert_moved_alike(
    what: &str,
    before: &Arrays,
    [ours, theirs]: [&Arrays; 2],
    tolerance: f32,
) {
    assert_names(what, ours, theirs);
    assert_names(what, before, theirs);
    let mut moved = 0;
    for (name, array) in theirs.iter() {
        let before = before.get(name, &array.shape).unwrap();
        let ours = ours.get(name, &array.shape).unwrap();
        let movement =
            |after: &[f32]| -> Vec<f32> { after.iter().zip(before).map(|(a, b)| a - b).collect() };
        let (ours, theirs) = (movement(ours), movement(&array.values));
        let rounding = 4.0 * f32::EPSILON * largest(&array.values);
        let allowed = tolerance * largest(&theirs) + rounding;
        if let Err(found) = compare(&ours, &theirs, allowed) {
            panic!("{what}, the movement of {name}: {found}");
        }
        moved += usize::from(largest(&theirs) > 100.0 * rounding);
    }
    // Singular vectors of one number, and those of averages, hardly move.
    assert!(
        4 * moved > 3 * theirs.len(),
        "{what}: {moved} of {} arrays moved",
        theirs.len()
    );
}

/// One variant of a fixture.
pub(super) struct Golden {
    pub(super) variant: String,
    arrays: Arrays,
}

impl Golden {
    pub(super) fn load(bytes: &[u8], variant: &str) -> Self {
        Self {
            variant: variant.to_owned(),
            arrays: fixture(bytes, &format!("{variant}.")),
        }
    }

    pub(super) fn get(&self, name: &str) -> &[f32] {
        &self.arrays.any_shape(name).unwrap().values
    }

    /// Arrays under `prefix`, their names without it.
    pub(super) fn under(&self, prefix: &str) -> Arrays {
        under(&self.arrays, prefix)
    }

    /// The `index`-th batch out of those under `name`: `len` rows of `width`.
    pub(super) fn batch(&self, name: &str, index: usize, [len, width]: [usize; 2]) -> &[f32] {
        let size = len * width;
        &self.get(name)[index * size..][..size]
    }

    /// Fresh networks with the fixture's numbers in them, and in their averages.
    pub(super) fn playing<M: Method>(&self, method: &M, shape: &FeatureShape) -> Playing<M> {
        let mut playing = Playing::new(method, shape, 0, &Device::flex()).unwrap();
        let weights = self.under("weights");
        assert_names(&self.variant, &live(&playing.nets), &weights);
        let mut saved = playing.nets.save();
        for (name, array) in weights.iter() {
            for kind in ["networks", "average"] {
                saved.insert(format!("{kind}.{name}"), &array.shape, array.values.clone());
            }
        }
        playing.nets.restore(&saved).unwrap();
        playing
    }

    #[track_caller]
    pub(super) fn assert_output(&self, name: &str, ours: Tensor<2>, tolerance: f32) {
        let what = format!("{}, {name}", self.variant);
        let ours = crate::backend::values(ours);
        assert_close(&what, &ours, self.get(name), tolerance);
    }

    #[track_caller]
    pub(super) fn assert_number(&self, what: &str, ours: f64, theirs: f32, tolerance: f32) {
        let what = format!("{}, {what}", self.variant);
        assert_close(&what, &[ours as f32], &[theirs], tolerance);
    }

    /// The gradients of losses, all together those of the fixture, each of other arrays.
    #[track_caller]
    pub(super) fn assert_gradients<M: Method, const N: usize>(
        &self,
        losses: &[(&Playing<M>, &Tensor<1>)],
        tolerance: f32,
    ) {
        let mut all = Arrays::new();
        for (playing, loss) in losses {
            for (name, array) in gradients::<M, N>(playing, loss).iter() {
                assert!(all.any_shape(name).is_err(), "two losses move {name}");
                all.insert(name, &array.shape, array.values.clone());
            }
        }
        let what = format!("{}, the gradient of", self.variant);
        assert_arrays(&what, &all, &self.under("gradient"), tolerance);
    }

    /// Every array of the networks, and of their averages, has moved as the fixture's.
    #[track_caller]
    pub(super) fn assert_trained<M: Method>(&self, playing: &Playing<M>, tolerance: f32) {
        let (before, nets) = (self.under("weights"), &playing.nets);
        for (kind, ours) in [("trained", live(nets)), ("average", averaged(nets))] {
            let what = format!("{}, {kind}", self.variant);
            assert_moved_alike(&what, &before, [&ours, &self.under(kind)], tolerance);
        }
    }

    /// The parts of the fixture's queries, and what is made of them where the fixture says so.
    #[track_caller]
    pub(super) fn assert_parts<M: Method>(
        &self,
        playing: &Playing<M>,
        parts: &[&str],
        tolerance: f32,
    ) {
        let query = self.query(playing);
        let scorer = scorer(playing);
        let found = scorer.parts(&query).unwrap();
        for part in parts {
            let ours = found.get(part).unwrap();
            let theirs = self.get(&format!("part.{part}"));
            assert_close(
                &format!("{}, {part}", self.variant),
                ours,
                theirs,
                tolerance,
            );
        }
        if let Ok(theirs) = self.arrays.any_shape("reconstruction") {
            let ours = scorer.reconstructions(&query).unwrap().unwrap();
            let what = format!("{}, x̂", self.variant);
            assert_close(&what, &ours, &theirs.values, tolerance);
        }
    }

    /// A score, from the parts of the fixture's queries.
    #[track_caller]
    pub(super) fn assert_score<M: Method>(
        &self,
        playing: &Playing<M>,
        score: &str,
        tolerance: f32,
    ) {
        let found = scorer(playing).parts(&self.query(playing)).unwrap();
        let ours = score_of(&playing.method, score, &found);
        let theirs = self.get("paper_score");
        assert_close(
            &format!("{}, {score}", self.variant),
            &ours,
            theirs,
            tolerance,
        );
    }

    fn query<M: Method>(&self, playing: &Playing<M>) -> Features {
        Features::new(playing.nets.shape().clone(), self.get("query").to_vec())
    }

    pub(super) fn rows(&self, name: &str, index: usize, size: [usize; 2]) -> Tensor<2> {
        rows(self.batch(name, index, size), size[1])
    }
}

/// A score of these parts.
pub(super) fn score_of<M: Method>(method: &M, score: &str, parts: &ScoreParts) -> Vec<f32> {
    let scores = method.scores();
    let score = scores.iter().find(|s| s.name == score).unwrap();
    single(&score.rule(parts).unwrap().apply(parts).unwrap())
}

pub(super) fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

#[test]
fn what_is_not_finite_or_not_there_is_never_close() {
    let theirs = [1.0, -2.0, 3.0];
    assert!(compare(&theirs, &theirs, 0.0).is_ok());
    assert!(compare(&[1.05, -2.05, 2.95], &theirs, 0.1).is_ok());
    for ours in [
        &[1.0, -2.0][..],
        &[1.0, -2.0, 3.0, 4.0],
        &[],
        &[f32::NAN; 3],
        &[1.0, f32::NAN, 3.0],
        &[1.0, -2.0, f32::INFINITY],
        &[1.0, -2.0, 3.2],
    ] {
        assert!(compare(ours, &theirs, 0.1).is_err(), "{ours:?}");
    }
    let found = compare(&[0.0, -2.0, 9.0], &theirs, 0.1).unwrap_err();
    assert!(
        found.starts_with("2 of 3 numbers") && found.contains("[2] 9e0"),
        "{found}"
    );
    // A reference that is not finite is one of nothing, and so is a tolerance of it.
    for bad in [f32::NAN, f32::INFINITY] {
        let theirs = [1.0, bad];
        assert!(compare(&theirs, &theirs, f32::INFINITY).is_err());
        assert!(compare(&[1.0, 1.0], &[1.0, 1.0], 0.1 * largest(&theirs)).is_err());
    }
    assert_eq!(largest(&[1.0, -4.0]), 4.0);
}

#[test]
#[should_panic(expected = "1 of 2 numbers")]
fn one_bad_number_fails() {
    assert_close("a test", &[1.0, f32::NAN], &[1.0, 1.0], 1e3);
}

#[test]
#[should_panic(expected = "the movement of w")]
fn weights_that_stay_where_they_were_fail() {
    let arrays = |w: f32| {
        let mut arrays = Arrays::new();
        arrays.insert("w", &[1], vec![w]);
        arrays
    };
    let before = arrays(1.0);
    assert_moved_alike("a test", &before, [&before, &arrays(1.001)], 0.1);
}

#[test]
#[should_panic(expected = "only theirs")]
fn an_array_that_is_not_compared_fails() {
    let mut theirs = Arrays::new();
    theirs.insert("w", &[1], vec![1.0]);
    let ours = theirs.clone();
    theirs.insert("b", &[1], vec![1.0]);
    assert_arrays("a test", &ours, &theirs, 1.0);
}
