//! Panics of decoders that are not ours, on damaged files.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

thread_local! {
    /// Whether a panic of this thread is awaited, and nobody needs to read of it.
    static AWAITED: Cell<bool> = const { Cell::new(false) };
}

/// What `decode` gives; `None` if it panics, of which nothing is printed. What `decode` changes must not
/// be used then.
pub(crate) fn caught<T>(decode: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !AWAITED.get() {
                usual(panic);
            }
        }));
    });
    let before = AWAITED.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    AWAITED.set(before);
    decoded.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_answer_and_leaves_nothing_behind() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| [1][std::hint::black_box(1)]), None);
        assert!(!AWAITED.get());
    }
}
