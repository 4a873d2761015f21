// Package dialect hides from the state machines of a session and their shells which
// subprotocol a WebSocket speaks: they see only frames. A [Dialect] is a subprotocol: [CBOR],
// whose messages are the frames, or [JSON], the protocol of the original, which has neither
// sequence numbers nor acknowledgements. A [Translator] turns the frames of one session into
// messages and back.
package dialect

import "github.com/lumenize/lmz/internal/proto"

// Dialect is a subprotocol.
type Dialect interface {
	// Traits returns the differences from other dialects that shells must know.
	Traits() Traits

	// Parse reads a message. It needs no session, so the caller need not hold the session's
	// lock. An error is a violation of the protocol, after which the link is useless.
	Parse(message []byte) (Incoming, error)

	// Translator returns the translator of a session. It may name calls of the session after
	// id, which is random and not the id of the session.
	Translator(id proto.SessionID) Translator
}

// Traits are the differences between dialects that shells must know.
type Traits struct {
	Subprotocol string // the name that the ends of a WebSocket negotiate
	Text        bool   // messages are text frames

	// Hello says that a client begins with a hello, which names its session, and that the
	// gateway's welcome tells the client its instance name. Otherwise a client gets the current
	// session of its address, and must know its name.
	Hello bool

	// Again says that a client presents unanswered calls again in its next session, and
	// abandons calls at their deadlines.
	Again bool

	Renewal bool // a client can send its next token over the link
	Chain   bool // calls of a client repeat the chain that it was called with
}

// Incoming is a parsed message, before a [Translator] takes it.
type Incoming struct {
	Frame     proto.Frame // without numbers if the dialect has none; of kind 0 if meaningless
	Subscribe bool        // a welcome asks the client to subscribe
	Err       error       // why the call in Frame cannot be read; Take refuses it

	id string // the id of the call in the message
}

// Link is a socket as a translator uses it: see [github.com/lumenize/lmz/internal/link.Link].
type Link interface {
	Send(message []byte)
	Close(code int, reason string)
	Abandon(code int, reason string) (begun uint64)
	Written() uint64
}

// Translator turns the frames of one session into messages and back. It lives as long as the
// session, over all its links, and is not safe for concurrent use.
type Translator interface {
	// Dialect returns the dialect of the messages.
	Dialect() Dialect

	// Begin makes l the current link.
	Begin(l Link)

	// Send sends an encoded frame over the current link. A frame for which the dialect has no
	// message counts as sent.
	Send(frame []byte)

	// Back returns the next frame with which the dialect itself answers what was sent, on
	// behalf of the other end; false if there is none.
	Back() (proto.Frame, bool)

	// Take returns the frame of a message of the current link. refused means that it was an
	// unreadable call, and that its refusal was sent.
	Take(in Incoming) (f proto.Frame, refused bool)

	// Received returns the number of the last frame that the other end has received. said is
	// the number in its greeting, if the dialect has one.
	Received(said uint64) uint64

	// Close closes the current link. Anything sent before that may get lost is repeated over
	// the next link.
	Close(code int, reason string)

	// Abandon closes the current link without sending anything more.
	Abandon(code int, reason string)

	// Ended reports that the current link is no longer used.
	Ended()

	// Greeted reports whether the other end is known to have received the greeting of this end,
	// and SetGreeted records that it has.
	Greeted() bool
	SetGreeted()
}
