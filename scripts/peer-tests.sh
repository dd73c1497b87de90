#!/usr/bin/env bash
# Tests that PyOD and nonconform take the Python package's detectors: installs a wheel and them into a virtual
# environment that is removed afterwards. `scripts/peer-tests.sh FILE.whl` tests a wheel that is there already;
# otherwise it is built. Needs Python 3.12 or newer with `venv`, which nonconform asks for; `PYTHON` names it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/fresh-venv.sh "${1-}"
"$python" -m pip install --quiet --disable-pip-version-check "$wheel" \
    --requirement bindings/python/peer_tests/requirements.txt
cd bindings/python
"$python" -m pytest --quiet -p no:cacheprovider peer_tests
