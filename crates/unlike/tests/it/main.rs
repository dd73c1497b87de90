//! The laws, for every model of the list.

mod laws;
mod pictures;
mod training;
