#!/usr/bin/env bash
# Runs every part of the tests, even when an earlier one failed, and prints what each took
# and whether it passed. The test that failed first is named last. Two lanes run side by
# side, because one mostly computes and the other mostly waits for browsers, terminals and
# processes; each part prints its output when it ends.
set -umo pipefail # -m: each lane is a process group, which can be stopped as a whole
cd "$(dirname "$0")/.."

state=$(mktemp -d)
lanes=()
stop() {
  ((${#lanes[@]} == 0)) || kill -- "${lanes[@]/#/-}" 2>/dev/null
  rm -rf "$state"
}
trap stop EXIT
trap 'exit 130' INT TERM

part() { # part NAME COMMAND...: runs a part of the tests and notes how it ended
  local name=$1 start=$SECONDS result=ok log
  shift
  log=$(mktemp -p "$state")
  printf -- '-- %s: started\n' "$name"
  "$@" >"$log" 2>&1 </dev/null || result=FAILED
  {
    flock 9 # the other lane prints, too
    printf '\n== %s\n' "$name"
    cat "$log"
    printf '%4d s  %-6s  %s\n' $((SECONDS - start)) "$result" "$name" >>"$state/summary"
    [[ $result = ok || -e $state/first ]] ||
      printf '%s: %s\n' "$name" "$(grep -m1 -oE '^ *(--- FAIL: [^ ]+|not ok .*)|^FAIL\s.*|^.*: .*(error|cannot|need).*' "$log" | head -1)" >"$state/first"
  } 9>"$state/lock"
  [[ $result = ok ]]
}

finish() {
  printf '\n== what each part took: %d s in all\n' "$SECONDS"
  cat "$state/summary"
  [[ -e $state/first ]] || exit 0
  printf '\nfailed first: %s' "$(<"$state/first")"
  echo
  exit 1
}

# The packages whose tests start browsers, terminals and processes.
outside='/(test|tui|web|cli)$'

# Only what hangs takes as long as the timeout: how busy the machine is decides nothing.
# The part "lint" has vetted all packages.
gotest() { go test -timeout=40m -vet=off "$@"; }

unit() { gotest -race $(go list ./... | grep -vE "$outside"); }
js() {
  PATH="$PATH:$(go env GOROOT)/lib/wasm" GOOS=js GOARCH=wasm \
    gotest -trimpath . ./internal/cbordoc ./internal/value ./internal/proto ./internal/jsonwire ./internal/session ./internal/dialect ./internal/turn ./client
}
objects() { gotest ./object -run Killed\|AfterAKill -object.n 2000; } # in full, which takes too long with the race detector
sim() {
  gotest ./internal/sim -sim.n 2000 -sim.shards "$(nproc)" &&
    gotest ./internal/sim -run RandomSchedules -sim.n 100 -sim.disk -sim.shards "$(nproc)"
}
editors() { gotest ./examples/editor -run Simulated -editor.n 300; }
face() { node --test wasmclient/js/*.test.mjs; }
programs() { gotest -parallel 4 $(go list ./... | grep -E "$outside"); }

computing() {
  part "lint" make -s lint
  part "unit tests with the race detector" unit
  part "objects that are killed" objects
  part "random schedules" sim
  part "simulated editors" editors
  part "the client under GOOS=js" js
}

waiting() {
  part "size of the browser client" make -s wasm-size
  part "the JavaScript face" face
  part "programs, terminal, page" programs
}

part "setup" scripts/setup.sh || finish # without its tools hardly a part can run
part "page" make -s web # as the page and the program are for users: with -trimpath
computing & lanes+=($!)
waiting & lanes+=($!)
wait
lanes=()
finish
