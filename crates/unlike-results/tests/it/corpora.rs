//! What fuzzing starts from, and what it found: all of it is read without a panic.

#[path = "../../../../fuzz/src/models.rs"]
#[allow(unreachable_pub, reason = "part of a crate of its own, elsewhere")]
mod models;
#[path = "../../../../fuzz/src/readers.rs"]
#[allow(unreachable_pub, reason = "part of a crate of its own, elsewhere")]
mod readers;

use std::{fs, path::Path};

#[test]
fn corpora_are_read() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let readers = readers::TARGETS.map(|target| (target, readers::run as fn(&str, &[u8])));
    let models = models::TARGETS.map(|target| (target, models::run as fn(&str, &[u8])));
    for (target, run) in readers.into_iter().chain(models) {
        let mut count = 0;
        for entry in fs::read_dir(corpora.join(target)).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            run(target, &bytes);
            // What is cut short is seldom in a corpus.
            for cut in [0, bytes.len() / 3, bytes.len() - bytes.len().min(1)] {
                run(target, &bytes[..cut]);
            }
            count += 1;
        }
        assert!(count > 0, "nothing for `{target}`");
    }
}
