package link

import (
	"strconv"
	"strings"
)

// Transport is one socket that carries messages. Read is called from one goroutine and Write
// from another; Close from any, more than once, and it unblocks both.
type Transport interface {
	// Read returns the next message, in a buffer that the caller owns. After the last
	// one it returns a *CloseError if the other side said why it closed.
	Read() ([]byte, error)
	// Write sends one message. It must not retain it.
	Write(message []byte) error
	// Close says goodbye with a WebSocket close code (RFC 6455 section 7.4).
	Close(code int, reason string) error
}

// Single returns t without its [Batcher]: each message is written on its own. It is for links
// whose messages are not acknowledged, and for simulations, where nothing may depend on how
// many messages wait together, since the scheduler decides that.
func Single(t Transport) Transport { return struct{ Transport }{t} }

// maxReason is how many bytes fit in a close frame besides the code (RFC 6455 section 5.5).
const maxReason = 123

// Reason truncates the reason of a close to what fits in its frame.
func Reason(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxReason)], "") }

// CloseError is how the other side closed a socket.
type CloseError struct {
	Code   int
	Reason string
}

// Error returns the close code and the reason.
func (e *CloseError) Error() string {
	return "closed with " + strconv.Itoa(e.Code) + " " + e.Reason
}
