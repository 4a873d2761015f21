// Package poll waits, in tests, for other processes or the operating system, which do not notify
// a test that a screen has changed, a file exists or a process listens. For events within the
// test's own process use channels or virtual time (testing/synctest).
package poll

import (
	"errors"
	"time"
)

// Patience is how long a test waits for an event. Only a hang takes that long, however busy the
// machine is.
const Patience = 2 * time.Minute

const every = 10 * time.Millisecond

// T is the part of a test, a benchmark or a test script that this package uses.
type T interface {
	Fatalf(format string, args ...any)
}

// Until returns when ok returns true. It fails the test with a message that names what if that
// takes longer than [Patience].
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
		time.Sleep(every) // there is no notification to wait for
	}
}
