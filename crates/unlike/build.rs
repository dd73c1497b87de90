//! Makes nothing: without it there would be no place for the build dependency that asks for the features
//! which the Python package's macros ask for (Cargo.toml).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
