package object

import (
	"fmt"
	"runtime"
)

// errGoroutine is returned when a goroutine that a handler started uses storage: it has the
// handler's ctx, but not its turn.
var errGoroutine = fmt.Errorf("%w: a goroutine that a handler started (or iter.Pull did) has no turn; "+
	"have it return its results, and store them in the handler", ErrNoTurn)

// handlerPC is the address in do to which a handler returns. It is on the stack of a
// goroutine exactly while that runs a handler.
var handlerPC = func() (pc uintptr) {
	do(func() {
		var pcs [1]uintptr
		runtime.Callers(2, pcs[:])
		pc = pcs[0]
	})
	return pc
}()

// do runs a handler. It is never inlined and calls f at only one place, for inHandler.
//
//go:noinline
func do(f func()) {
	f()
	runtime.KeepAlive(f) // so that the call is not a tail call
}

// inHandler reports whether the calling goroutine itself runs a handler, rather than having
// been started by one. Go exposes no goroutine identity, but it exposes the call stack, and
// a handler's stack contains do. This takes about 20 ns per stack frame.
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
