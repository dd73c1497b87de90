# To be sourced from the repository's root, with a wheel or nothing: makes a virtual environment that is removed when
# the script ends, and builds the wheel if none is given. Sets `wheel`, `here` (a folder that is removed, too) and
# `python`; `PYTHON` names the Python to take.
wheel="${1-}"
if [ -z "$wheel" ]; then
    scripts/wheel.sh
    wheel="$(echo dist/unlike-*.whl)"
fi
here="$(mktemp -d)"
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3}" -m venv "$here/venv"
python="$here/venv/bin/python"
