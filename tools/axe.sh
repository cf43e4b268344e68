#!/usr/bin/env bash
# Lays axe-core, which judges pages for people who use them otherwise, into the folder $1: it is
# for tests only and never served. The checksum is the one of the npm registry, in hexadecimal.
set -euo pipefail
version=4.14.1
sha512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73\
4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
rm -rf "$1"
mkdir -p "$1"
cd "$1"
timeout 120 npm pack --silent --fetch-retries=1 --fetch-timeout=20000 "axe-core@$version" >/dev/null
packed=axe-core-$version.tgz
echo "$sha512  $packed" | sha512sum --check --quiet
tar -xzmf "$packed" --strip-components=1 package/axe.min.js package/LICENSE
rm "$packed"
