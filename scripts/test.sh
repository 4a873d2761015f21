#!/usr/bin/env bash
# Runs every part of the tests, also when an earlier one failed, and prints what each took
# and whether it passed. What failed first is named last.
set -uo pipefail
cd "$(dirname "$0")/.."

summary=()
first= # the part that failed first, and its first failing test
log=$(mktemp)
trap 'rm -f "$log"' EXIT

part() { # part NAME COMMAND...: runs a part of the tests and notes how it ended
  local name=$1 start=$SECONDS result=ok
  shift
  printf '\n== %s\n' "$name"
  if ! "$@" 2>&1 | tee "$log"; then
    result=FAILED
    [[ -n $first ]] || first="$name: $(grep -m1 -oE '^ *(--- FAIL: [^ ]+|not ok .*)|^FAIL\s.*|^.*: .*(error|cannot|need).*' "$log" | head -1)"
  fi
  summary+=("$(printf '%4d s  %-6s  %s' $((SECONDS - start)) "$result" "$name")")
}

finish() {
  printf '\n== what each part took\n'
  printf '%s\n' "${summary[@]}"
  [[ -z $first ]] && exit 0
  printf '\nfailed first: %s\n' "$first"
  exit 1
}

# Tests that start browsers, terminals and processes of their own run after the
# others, one package at a time, so that they do not compete for the processor.
slow='/(test|tui|web|cli)(/|$)'

limit="-timeout=40m" # only what hangs takes that long: how busy the machine is decides nothing

unit() { go test -race $limit $(go list ./... | grep -vE "$slow"); }
whole() { go test -p 1 $limit $(go list ./... | grep -E "$slow"); }
js() {
  PATH="$PATH:$(go env GOROOT)/lib/wasm" GOOS=js GOARCH=wasm \
    go test $limit . ./internal/value ./internal/proto ./internal/jsonwire ./internal/session ./internal/turn ./client
}
objects() { go test $limit ./object -run Killed\|AfterAKill -object.n 2000; } # in full, which takes too long with the race detector
sim() { go test $limit ./internal/sim -sim.n 2000 -sim.shards "$(nproc)" && go test $limit ./internal/sim -run RandomSchedules -sim.n 100 -sim.disk -sim.shards "$(nproc)"; }
editors() { go test $limit ./examples/editor -run Simulated -editor.n 300; }
face() { node --test wasmclient/js/*.test.mjs; }

part "setup" scripts/setup.sh
[[ -z $first ]] || finish # without its tools hardly a part can run
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
finish
