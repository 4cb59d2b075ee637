#!/bin/sh
# Renew the pinned requirements. No index host is written: uv.lock would name one in every entry.
set -eu
for target in run dev; do
  extra=""; [ "$target" = dev ] && extra="--group ../pyproject.toml:dev"
  # shellcheck disable=SC2086
  uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
    --override overrides.txt --extra demo $extra --python-version 3.11 \
    ../pyproject.toml --output-file "$target.txt"
done
uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 build.in --output-file build.txt
