#!/usr/bin/env bash
# Lays Debian's Chromium without a window into the folder $1, with the libraries that this machine
# lacks. It needs apt-get and a mirror, and no rights: nothing is installed, nothing runs.
set -euo pipefail
folder=$(realpath -m "$1")
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/debs"
options=(
  -qq -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache"
  -o APT::Sandbox::User= -o Acquire::Retries=1
  -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20
)
limit="timeout 240"
$limit apt-get "${options[@]}" update
names=$(apt-get "${options[@]}" --yes --no-install-recommends --print-uris install \
  chromium-headless-shell fonts-dejavu-core | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p")
(cd "$folder/apt/debs" && $limit apt-get "${options[@]}" download $names)
for package in "$folder"/apt/debs/*.deb; do
  dpkg-deb --extract "$package" "$folder"
done
rm -rf "$folder/apt"
touch "$folder/complete"
