#!/usr/bin/env bash
# Tests that PyOD and nonconform take the Python package's detectors, and that these pass PyOD's own tests in place of
# PyOD's: installs a wheel and them into a virtual environment that is removed afterwards, and fetches the tests, which
# PyPI does not have, from GitHub; `PYOD_SOURCE` names another copy of PyOD's repository, with its tags.
# `scripts/peer-tests.sh FILE.whl` tests a wheel that is there already; otherwise it is built. Needs git, and Python 3.12
# or newer with `venv`, which nonconform asks for; `PYTHON` names it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/fresh-venv.sh "${1-}"
"$python" -m pip install --quiet --disable-pip-version-check "$wheel" \
    --requirement bindings/python/peer_tests/requirements.txt
cd bindings/python/peer_tests
version="$(sed -n 's/^pyod==//p' requirements.txt)"
git clone --quiet --depth 1 --branch "v$version" -c advice.detachedHead=false \
    "${PYOD_SOURCE:-https://github.com/yzhao062/pyod}" "$here/pyod"
# Apart from PyOD's sources, so that the package is tested that is installed.
mkdir "$here/theirs"
for name in knn iforest pca ecod ecod_parallel vae anogan alad; do
    cp "$here/pyod/pyod/test/test_$name.py" "$here/theirs/"
done

"$python" -m pytest --quiet -p no:cacheprovider test_peers.py
# Without our settings for pytest; what they warn of is theirs.
"$python" -m pytest --quiet -p no:cacheprovider -p in_pyods_place -c /dev/null -W ignore -rs "$here/theirs"
