#!/usr/bin/env bash
# ./test.sh       formatting, lints, all tests, documentation and its links: what every change needs. The
#                 same profile as `cargo run --release`, so that the tensor framework is compiled once.
#                 Reports are also driven in Chromium; where there is none, it is said what is skipped.
# ./test.sh wgpu  the tests on a graphics processor, and lints of what only they compile. Needs a
#                 Vulkan, Metal or DirectX 12 driver, without which the tests say that they are skipped.
# ./test.sh asan  the kernels' tests under AddressSanitizer. Needs Linux or macOS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

case "${1-}" in
"")
    cargo fmt --all --check
    cargo test --release --workspace
    cargo clippy --release --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc --release --workspace --exclude unlike-python --lib --no-deps
    ;;
wgpu)
    cargo test --release --workspace --features wgpu --lib --bins --tests -- wgpu device
    cargo clippy --release --workspace --features wgpu --all-targets -- --deny warnings
    ;;
asan)
    # Sanitizers are unstable options of rustc, which the variable lets a stable one take.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test --release \
        --package unlike-kernels --lib --test threads \
        --target "$(rustc --version --verbose | sed -n 's/^host: //p')"
    ;;
*)
    echo "usage: ./test.sh [wgpu | asan]" >&2
    exit 2
    ;;
esac
