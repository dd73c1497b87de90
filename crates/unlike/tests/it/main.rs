//! The laws, for every model of the list.

mod image_data;
mod images;
mod laws;
mod pictures;
mod training;
#[cfg(feature = "wgpu")]
mod wgpu;
