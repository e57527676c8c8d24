#!/bin/sh
# Makes the virtual environment with the first Python 3.11 or later that it finds, or says what is missing.
set -eu
venv=$1
for candidate in "${PYTHON_FOR_VENV:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] || continue
    command -v "$candidate" >/dev/null 2>&1 || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    echo "Making $venv with $("$candidate" --version) ..."
    rm -rf "$venv"
    "$candidate" -m venv "$venv" && exit 0
    rm -rf "$venv"
    echo "$candidate cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2
    exit 1
done
echo "Python 3.11 or later is needed, and none was found on PATH." >&2
echo "Install one, or name it: make PYTHON_FOR_VENV=/path/to/python3.12 run" >&2
exit 1
