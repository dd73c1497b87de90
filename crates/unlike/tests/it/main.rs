//! The laws, for every model of the list.

mod laws;
mod training;
