#!/usr/bin/env bash
# Tests the Python package on Ray and Spark, each with two workers on this machine: installs a wheel and the engines
# (about 600 MB) into a virtual environment that is removed afterwards. `scripts/cluster-tests.sh FILE.whl` tests a
# wheel that is there already; otherwise it is built. Needs Linux, Python 3.10 or newer with `venv`, and Java 17.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/fresh-venv.sh "${1-}"
"$python" -m pip install --quiet --disable-pip-version-check "${wheel}[ray,spark]" \
    --requirement bindings/python/cluster_tests/requirements.txt
cd bindings/python
"$python" -m mypy --package unlike --cache-dir "$here/mypy"
"$python" -m pytest --quiet -p no:cacheprovider cluster_tests
