#!/usr/bin/env bash
# Installs what the tests need: Debian packages where it may, npm packages by their lock
# files. It says what it adds, and does nothing where all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { echo "the tests need $1" >&2; exit 1; }

command -v node >/dev/null || missing "Node.js 20 or newer: https://nodejs.org"
command -v gcc >/dev/null || missing "gcc, for the race detector: install it with your system's package manager"

packages=()
command -v tmux >/dev/null || packages+=(tmux)
command -v chromium >/dev/null || packages+=(chromium)
if ((${#packages[@]})); then
  [[ $(id -u) = 0 ]] && command -v apt-get >/dev/null ||
    missing "${packages[*]}: install them with your system's package manager"
  echo "installing the Debian packages ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

for folder in internal/jsonwire/testdata/oracle text/testdata/oracle web/testdata/programs; do
  cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed" && continue
  echo "installing the npm packages of $folder"
  (cd "$folder" && npm ci --silent && cp package-lock.json node_modules/.installed)
done
