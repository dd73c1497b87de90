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

mod arrow_cells;
mod arrow_file;
mod arrow_messages;
mod builder;
mod caught;
mod chunks;
mod clean;
mod column_remarks;
#[cfg(test)]
mod counted;
mod dataset;
mod dates;
mod decimal;
mod encoding;
mod half;
pub mod images;
pub mod info;
mod json;
mod kdd;
mod kept;
mod labels;
mod moment;
mod npy;
mod npz;
mod packed;
mod parquet_content;
mod parquet_file;
pub mod preprocess;
mod read;
mod reading;
mod roles;
mod rows;
mod several;
mod sniff;
mod source;
pub mod split;
mod table;
mod text;
mod typed;
mod words;

pub use chunks::{Chunk, Chunks, Draw, Drawn, Position, Remarks, read_drawn};
pub use dataset::{DataSet, NormalsForTraining, Skipped};
pub use dates::{DateColumns, DatePart};
pub use decimal::Decimal;
pub use encoding::Encoding;
pub use images::{
    CIFAR10_CLASSES, Duplicates, Fit, ImageOptions, ImageSize, MaskRule, Masks, Survey, Unread,
    read_images,
};
pub use info::DataInfo;
pub use labels::{Classes, Labels};
pub use moment::{Moment, Order};
pub use preprocess::{
    Bound, Noticed, Preprocessing, PreprocessingConfig, Scaling, TablePreprocessing, Tails,
    Transformed,
};
pub use read::{BadRows, DEFAULT_MISSING, Format, ReadOptions, read};
pub use reading::Reading;
pub use several::{found, read_all};
