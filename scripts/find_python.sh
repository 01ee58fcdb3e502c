#!/bin/sh
# Print the first Python from 3.11 to 3.13 that really runs and can make environments.
# A name on the PATH proves nothing: version managers leave stubs there that only print an error.
set -eu

usable='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python \
  /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11 /usr/bin/python3; do
  path=$(command -v "$name") || continue
  if "$path" -c "$usable" >/dev/null 2>&1; then
    echo "$path"
    exit 0
  fi
done

echo "No usable Python 3.11, 3.12 or 3.13 found. On Debian: apt-get install python3 python3-venv." >&2
echo "Or name one: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
