//! One file a command.

pub(crate) mod bench;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod data_info;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod inspect;
pub(crate) mod quickstart;
pub(crate) mod report;
pub(crate) mod score;
pub(crate) mod sweep;
pub(crate) mod train;
