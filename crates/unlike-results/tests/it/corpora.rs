//! What fuzzing starts from, and what it found: all of it is read without a panic.

#[path = "../../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own, elsewhere")]
mod fuzz;

use std::{fs, path::Path};

#[test]
fn corpora_are_read() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for target in fuzz::TARGETS {
        let mut count = 0;
        for entry in fs::read_dir(corpora.join(target)).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            fuzz::run(target, &bytes);
            // What is cut short is seldom in a corpus.
            for cut in [0, bytes.len() / 3, bytes.len() - bytes.len().min(1)] {
                fuzz::run(target, &bytes[..cut]);
            }
            count += 1;
        }
        assert!(count > 0, "nothing for `{target}`");
    }
}
