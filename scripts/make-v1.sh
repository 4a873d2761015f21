#!/usr/bin/env bash
# Makes testdata/v1 again, with the program of the version that made it first. See
# testdata/v1/README.md. Usage: scripts/make-v1.sh
set -euo pipefail
version=4f9b577
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'git -C "$root" worktree remove --force "$work/lmz"; rm -rf "$work"' EXIT
git -C "$root" worktree add --detach "$work/lmz" "$version"
mkdir -p "$work/lmz/testdata/v1"
cp -r "$root/testdata/v1/make" "$work/lmz/testdata/v1/"
cd "$work/lmz"
go test -count=1 -run '^TestMake$' ./testdata/v1/make -out "$root/testdata/v1"
