#!/usr/bin/env bash
# Tests the Python package as its users get it: builds the wheel, installs it into a fresh virtual environment,
# and runs the tests and examples there. `scripts/python-tests.sh FILE.whl` tests a wheel that is there already.
# Needs Python 3.10 or newer with `venv`; everything else is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/fresh-venv.sh "${1-}"
"$python" -m pip install --quiet --disable-pip-version-check "$wheel"

# The package alone: NumPy is all that it needs.
"$python" -W error -c 'import unlike'
"$here/venv/bin/unlike" --version

"$python" -m pip install --quiet --disable-pip-version-check --requirement bindings/python/tests/requirements.txt
cd bindings/python
"$python" -m mypy --package unlike --cache-dir "$here/mypy"
"$python" -m mypy examples --cache-dir "$here/mypy"
"$python" -m mypy.stubtest unlike._unlike --mypy-config-file pyproject.toml
"$python" -m pytest --quiet -p no:cacheprovider
