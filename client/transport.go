package client

import (
	"strconv"
	"time"
)

// Transport is one socket that carries messages. A peer calls Read from one goroutine, Write
// from another, and Close from any, more than once; Close unblocks both.
type Transport interface {
	// Read returns the next message, in a buffer that the caller owns. After the last
	// one it returns a *CloseError if the other side said why it closed.
	Read() ([]byte, error)

	// Write sends one message. It must not retain it.
	Write(message []byte) error

	// Close says goodbye with a WebSocket close code (RFC 6455 section 7.4).
	Close(code int, reason string) error
}

// CloseError is how the other side closed a socket: the WebSocket close code and its reason
// (PROTOCOL.md, "Close codes").
type CloseError struct {
	Code   int
	Reason string
}

// Error returns the close code and the reason.
func (e *CloseError) Error() string {
	return "closed with " + strconv.Itoa(e.Code) + " " + e.Reason
}

// DialError says why a socket could not be opened. Browsers never report the status.
type DialError struct {
	Status     int           // HTTP status of the refused upgrade, or 0
	Reason     string        // what the gateway said, if it did
	RetryAfter time.Duration // the peer waits at least this long, up to 30 s, if it is not 0
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
