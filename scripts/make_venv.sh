#!/bin/sh
# Make the environment of contributors, or bring it up to date: exact versions, this tree as it stands.
# usage: scripts/make_venv.sh <folder>
set -eu

venv=$1
cd "$(dirname "$0")/.."

if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
  python=$(scripts/find_python.sh)
  echo "Making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
# the lock file holds everything that this tree needs, the build backend included
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --no-deps --no-build-isolation --editable .
