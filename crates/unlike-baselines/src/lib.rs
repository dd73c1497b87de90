//! The classic detectors that every result stands beside, on the same features as the networks.
//!
//! | name      | normal means                                     | part        |
//! |-----------|--------------------------------------------------|-------------|
//! | `pca`     | near the plane that most of the variance spans   | `residual`  |
//! | `knn`     | near other normal samples                        | `distance`  |
//! | `patchcore` | near one of few samples that cover all          | `distance`  |
//! | `padim`   | near the mean, in units of the spread             | `distance`  |
//! | `iforest` | hard to separate from the rest by random splits  | `isolation` |
//! | `ecod`    | not in the tails of the features' distributions  | `tail`      |
//!
//! Each has a configuration with `fit`, and implements [`Scorer`](unlike_core::Scorer). All of them
//! ignore the layout of images: a pixel is a feature. The score of a sample has the same bits in
//! every batch and on any number of threads.

mod components;
mod ecod;
mod iforest;
mod knn;
mod linear;
mod padim;
mod patchcore;
mod pca;
mod samples;
mod search;
mod tree;
mod whitening;

pub use ecod::{Ecod, EcodConfig};
pub use iforest::{Iforest, IforestConfig};
pub use knn::{Aggregate, Knn, KnnConfig};
pub use padim::{Padim, PadimConfig};
pub use patchcore::PatchcoreConfig;
pub use pca::{Pca, PcaConfig};
pub use whitening::Whitening;
