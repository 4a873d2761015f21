package link

import "strconv"

// Transport is one socket that carries messages. Read is called from one
// goroutine, Write from another; Close from any, more than once, and unblocks both.
type Transport interface {
	// Read returns the next message, in a buffer that is the caller's. After the last
	// one it returns a *CloseError if the other side said why it closed.
	Read() ([]byte, error)
	// Write sends one message. It may keep no reference to it.
	Write(message []byte) error
	// Close says goodbye with a WebSocket close code (RFC 6455 section 7.4).
	Close(code int, reason string) error
}

// CloseError is how the other side closed a socket.
type CloseError struct {
	Code   int
	Reason string
}

// Error names the close code.
func (e *CloseError) Error() string {
	return "closed with " + strconv.Itoa(e.Code) + " " + e.Reason
}
