// Package dialect lets the state machines of a session and their shells see frames only,
// whichever subprotocol a WebSocket speaks. A [Dialect] is a subprotocol: [CBOR], whose
// messages are the frames, or [JSON], the protocol of the original, which has neither numbers
// nor acknowledgements. A [Translator] turns the frames of one session into messages and back.
package dialect

import "github.com/lumenize/lmz/internal/proto"

// Dialect is a subprotocol.
type Dialect interface {
	// Traits returns its differences from other dialects that shells have to know.
	Traits() Traits

	// Parse reads a message. It needs no session, so the caller need not hold the session's
	// lock. An error is a violation of the protocol, after which the link is useless.
	Parse(message []byte) (Incoming, error)

	// Translator makes the translator of a session. Calls of the session may be named after
	// id, which is random and not the id of the session.
	Translator(id proto.SessionID) Translator
}

// Traits are the differences between dialects that shells have to know.
type Traits struct {
	Subprotocol string // the name on which the ends of a WebSocket agree
	Text        bool   // messages are text frames

	// Hello says that a client begins with a hello, which names its session, and that the
	// gateway's welcome tells the client its instance name. Otherwise a client has the session
	// that its address has, and has to know its name.
	Hello bool

	// Again says that a client presents calls without an answer again in its next session, and
	// gives calls up at their deadlines.
	Again bool

	Renewal bool // a client can send its next token over the link
	Chain   bool // calls of a client repeat the chain by which it was called
}

// Incoming is a message that was read, but not yet taken by a [Translator].
type Incoming struct {
	Frame     proto.Frame // without numbers if the dialect has none; of kind 0 if it means nothing
	Subscribe bool        // a welcome asks the client to subscribe
	Err       error       // why the call in Frame cannot be read; Take refuses it

	id string // the message's name for a call
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
	// Dialect returns the dialect into which the frames are translated.
	Dialect() Dialect

	// Begin makes l the current link.
	Begin(l Link)

	// Send sends an encoded frame over the current link. A frame for which the dialect has no
	// message counts as sent.
	Send(frame []byte)

	// Back returns the next frame by which the dialect itself answers what was sent, in place of
	// the other end; false if there is none.
	Back() (proto.Frame, bool)

	// Take returns the frame of a message of the current link. Refused says that it was a call
	// that could not be read, and that its refusal was sent.
	Take(in Incoming) (f proto.Frame, refused bool)

	// Received returns the number of the last frame that the other end has received, according
	// to its greeting, where there is one.
	Received(said uint64) uint64

	// Close closes the current link. What was sent before, and may get lost, will be repeated
	// over the next link.
	Close(code int, reason string)

	// Abandon closes the current link without sending anything more.
	Abandon(code int, reason string)

	// Ended says that the current link is no longer used.
	Ended()

	// Greeted reports whether the other end is known to have received the greeting of this end,
	// and SetGreeted says that it has.
	Greeted() bool
	SetGreeted()
}
