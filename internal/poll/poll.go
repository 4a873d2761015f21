// Package poll waits in tests for what other processes do, or the operating system: nothing
// tells a test that a screen has changed, a file is there or a process listens. What happens
// within the process of a test is waited for with channels, or in virtual time
// (testing/synctest).
package poll

import (
	"errors"
	"time"
)

// Patience is how long a test waits for something to happen. Only what hangs takes that long,
// however busy the machine is.
const Patience = 2 * time.Minute

const every = 10 * time.Millisecond

// T is a test, a benchmark or a test script.
type T interface {
	Fatalf(format string, args ...any)
}

// Until returns when ok returns true. It fails the test, naming what it waited for, if that takes
// longer than [Patience].
func Until(t T, what string, ok func() bool) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	missing := errors.New(what)
	UntilNil(t, func() error {
		if ok() {
			return nil
		}
		return missing
	})
}

// UntilNil returns when look returns nil. It fails the test with the last error if that takes
// longer than [Patience].
func UntilNil(t T, look func() error) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	for deadline := time.Now().Add(Patience); ; {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", Patience, err)
		}
		time.Sleep(every) // nothing tells when it happens
	}
}
