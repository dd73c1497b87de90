//! The laws, for every model of the list.

mod generated;
mod image_data;
mod images;
mod laws;
mod training;
#[cfg(feature = "wgpu")]
mod wgpu;
