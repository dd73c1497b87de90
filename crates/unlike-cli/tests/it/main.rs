//! The command as a user meets it: every test runs the binary in a folder of its own.

mod bad_input;
mod bad_model;
mod bad_output;
mod bench;
mod chunks;
mod deciding;
mod device;
mod evaluating;
mod files;
mod help;
mod image_data;
mod images;
mod quickstart;
mod reading;
mod resuming;
mod scoring;
mod support;
mod sweeping;
mod training;
