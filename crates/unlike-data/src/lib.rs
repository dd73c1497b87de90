//! From files to features: readers, labels, splits and fitted preprocessing.
//!
//! ```no_run
//! use unlike_data::{Preprocessing, PreprocessingConfig, ReadOptions, read};
//!
//! # fn main() -> unlike_core::Result<()> {
//! let data = read("data/kddcup.data_10_percent.gz", &ReadOptions::default())?;
//! let normals = data.normals_for_training()?;
//! let preprocessing = Preprocessing::fit(&normals.samples, &PreprocessingConfig::default())?;
//! let features = preprocessing.transform(&normals.samples)?.features;
//! # Ok(())
//! # }
//! ```

mod builder;
#[cfg(test)]
mod counted;
mod dataset;
pub mod images;
pub mod info;
mod kdd;
mod labels;
mod npy;
pub mod preprocess;
mod read;
mod roles;
mod sniff;
mod source;
pub mod split;
mod table;
mod text;
mod words;

pub use dataset::{DataSet, NormalsForTraining};
pub use images::{Duplicates, Fit, ImageOptions, ImageSize, MaskRule, Masks, Survey, Unread};
pub use info::DataInfo;
pub use labels::{Classes, Labels};
pub use preprocess::{
    Bound, Preprocessing, PreprocessingConfig, Scaling, TablePreprocessing, Transformed,
};
pub use read::{DEFAULT_MISSING, Format, ReadOptions, read};
