//! The command line's options, each group in a file: what it takes, and what the library gets.

mod augment;
mod common;
mod data;
mod decision;
mod device;
mod features;
mod image;
mod paths;
mod preset;
mod split;

pub(crate) use augment::AugmentArgs;
pub(crate) use common::{Common, seed};
pub(crate) use data::DataArgs;
pub(crate) use decision::DecisionArgs;
pub(crate) use device::{CPU, DeviceArg};
pub(crate) use features::FeatureArgs;
pub(crate) use paths::DataPaths;
pub(crate) use preset::Preset;
pub(crate) use split::SplitArgs;
