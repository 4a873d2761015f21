package link

import (
	"strconv"
	"strings"
)

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

// Single returns t without its [Batcher]: each message is written by itself. So it must be where
// messages are not acknowledged, and in simulations: how many messages wait together depends on
// the scheduler, and there nothing may depend on that.
func Single(t Transport) Transport { return struct{ Transport }{t} }

// maxReason is how many bytes fit into a close frame beside the code (RFC 6455 section
// 5.5).
const maxReason = 123

// Reason cuts the reason of a close to what fits into its frame.
func Reason(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxReason)], "") }

// CloseError is how the other side closed a socket.
type CloseError struct {
	Code   int
	Reason string
}

// Error names the close code.
func (e *CloseError) Error() string {
	return "closed with " + strconv.Itoa(e.Code) + " " + e.Reason
}
