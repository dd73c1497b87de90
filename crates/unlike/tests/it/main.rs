//! The laws, for every model of the list.

mod features;
mod generated;
mod image_data;
mod images;
mod laws;
mod training;
#[cfg(feature = "wgpu")]
mod wgpu;
