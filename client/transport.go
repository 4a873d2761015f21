package client

import (
	"strconv"
	"time"

	"github.com/lumenize/lmz/internal/link"
)

// Transport is one socket that carries messages. Read is called from one
// goroutine, Write from another; Close from any, more than once, and unblocks both.
// Read returns each message in a buffer of its own, and a *CloseError after the
// last one if the other side said why it closed.
type Transport = link.Transport

// CloseError is how the other side closed a socket.
type CloseError = link.CloseError

// DialError is why a socket could not be opened. Browsers never tell the status.
type DialError struct {
	Status     int           // HTTP status of the refused upgrade, or 0
	Reason     string        // what the gateway said, if it did
	RetryAfter time.Duration // when the gateway wants another attempt, which comes no sooner than that or 30 s; or 0
	Err        error
}

// Error says what the server answered, or why there was no answer.
func (e *DialError) Error() string {
	if e.Status == 0 {
		return e.Err.Error()
	}
	return "the server answered " + strconv.Itoa(e.Status) + " " + e.Reason
}

// Unwrap returns the platform's error.
func (e *DialError) Unwrap() error { return e.Err }
