#!/usr/bin/env bash
# Builds the Python package into dist/: one wheel for every Python from 3.10 on, with the command `unlike` in it.
# Shares its build with `cargo run --release`. Needs the Rust toolchain and Python; installs maturin for itself,
# beside what Cargo builds. Arguments go to `maturin build`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools="${CARGO_TARGET_DIR:-target}/maturin"
if [ ! -x "$tools/bin/maturin" ]; then
    "${PYTHON:-python3}" -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.16,<2'
fi
rm -f dist/unlike-*.whl
"$tools/bin/maturin" build --release --manifest-path bindings/python/Cargo.toml --out dist "$@"
