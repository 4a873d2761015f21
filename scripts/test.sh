#!/usr/bin/env bash
# Runs every test, and prints what each part took. A missing tool is installed where
# that is possible, and otherwise fails the run: nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

summary=()
part() { # part NAME COMMAND...: runs a part of the tests and notes how long it took
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@"
  summary+=("$(printf '%4d s  %s' $((SECONDS - start)) "$name")")
}

tools() {
  local missing=()
  command -v tmux >/dev/null || missing+=(tmux)
  command -v chromium >/dev/null || missing+=(chromium)
  if ((${#missing[@]})); then
    if [[ $(id -u) = 0 ]] && command -v apt-get >/dev/null; then
      apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    else
      echo "the tests need ${missing[*]}: install them with your system's package manager" >&2
      exit 1
    fi
  fi
  command -v node >/dev/null || { echo "the tests need Node.js 20 or newer: https://nodejs.org" >&2; exit 1; }
  for folder in internal/proto/testdata/oracle text/testdata/oracle web/testdata/programs; do (cd $folder && npm ci --silent); done
  command -v gcc >/dev/null || { echo "the race detector needs gcc: install it with your system's package manager" >&2; exit 1; }
}

# Tests that start browsers, terminals and processes of their own run after the
# others, one package at a time, so that they do not compete for the processor.
slow='/(test|tui|web|cli)(/|$)'

unit() { go test -race $(go list ./... | grep -vE "$slow"); }
whole() { go test -p 1 $(go list ./... | grep -E "$slow"); }
js() {
  PATH="$PATH:$(go env GOROOT)/lib/wasm" GOOS=js GOARCH=wasm \
    go test . ./internal/proto ./internal/session ./internal/turn ./client
}
objects() { go test ./object -run Killed\|AfterAKill -object.n 2000; } # in full, which takes too long with the race detector
sim() { go test ./internal/sim -sim.n 2000 -sim.shards "$(nproc)" && go test ./internal/sim -run RandomSchedules -sim.n 100 -sim.disk -sim.shards "$(nproc)"; }
editors() { go test ./examples/editor -run Simulated -editor.n 300; }
face() { node --test wasmclient/js/*.test.mjs; }

part "tools" tools
part "lint" make -s lint
part "build" make -s build
part "size of the browser client" make -s wasm-size
part "unit tests with the race detector" unit
part "objects that are killed" objects
part "random schedules" sim
part "simulated editors" editors
part "the client under GOOS=js" js
part "the JavaScript face" face
part "programs, terminal, page" whole

printf '\n== what each part took\n'
printf '%s\n' "${summary[@]}"
