//! What is done with bytes of unknown origin: everything that unlike reads, to the end. Errors are expected;
//! panics, endless loops and memory without bounds are what is looked for.
//!
//! ```sh
//! cargo +nightly fuzz run --sanitizer none csv        # of csv, json, npy, npz, parquet, idx, list
//! cargo +nightly fuzz run --sanitizer none --features models model        # of model, config, resume
//! ```
//!
//! Nearly all of what is compiled is safe code, so a sanitizer finds little and costs half the speed. The
//! feature brings the tensor framework, which takes far longer to compile than all readers.
//!
//! What was found goes into `corpus/<target>/`, which the ordinary tests read, too.

#[cfg(feature = "models")]
pub mod models;
pub mod readers;
