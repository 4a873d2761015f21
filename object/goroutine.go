package object

import (
	"fmt"
	"runtime"
)

// errGoroutine is storage used by a goroutine that a handler started, which has the
// handler's ctx, but not its turn.
var errGoroutine = fmt.Errorf("%w: a goroutine that a handler started (or iter.Pull did) has no turn; "+
	"have it return its results, and store them in the handler", ErrNoTurn)

// handlerPC is where do returns to from a handler: an address that is on the stack of
// a goroutine exactly while it runs one.
var handlerPC = func() (pc uintptr) {
	do(func() {
		var pcs [1]uintptr
		runtime.Callers(2, pcs[:])
		pc = pcs[0]
	})
	return pc
}()

// do runs a handler. It is never inlined and calls f at one place only, for
// inHandler.
//
//go:noinline
func do(f func()) {
	f()
	runtime.KeepAlive(f) // so that the call is not the last thing it does
}

// inHandler reports whether the calling goroutine itself runs a handler, and is not one
// that a handler started. Go tells nobody which goroutine runs, but who called whom: the
// stack of a handler has do in it. That takes about 20 ns for each function on it.
func inHandler() bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			if pc == handlerPC {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
