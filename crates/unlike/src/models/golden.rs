//! What the comparisons with PyTorch share: reading fixtures, and how close is close enough.

use unlike_core::Arrays;

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
    arrays
}

/// Arrays whose names begin with `prefix` and a dot, without these.
pub(crate) fn under(arrays: &Arrays, prefix: &str) -> Arrays {
    let prefix = format!("{prefix}.");
    let mut found = Arrays::new();
    for (name, array) in arrays.iter() {
        if let Some(name) = name.strip_prefix(&prefix) {
            found.insert(name, &array.shape, array.values.clone());
        }
    }
    found
}

/// Compares within a relative tolerance (of the largest value, for values near zero).
pub(crate) fn assert_close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let worst = ours
        .iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0f32, f32::max);
    assert!(
        worst <= tolerance * scale,
        "{what}: off by {worst:e} at scale {scale:e}\n{ours:?}\n{theirs:?}"
    );
}
