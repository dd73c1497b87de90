#!/usr/bin/env bash
# Formatting, lints, all tests, documentation examples. The same profile as `cargo run --release`,
# so that the tensor framework is compiled once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

cargo fmt --all --check
cargo test --release --workspace
cargo clippy --release --workspace --all-targets -- --deny warnings
