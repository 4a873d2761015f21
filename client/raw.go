package client

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/turn"
)

// This file is for language bindings of the peer, which have their own codec: calls and
// answers pass through undecoded. Go programs use [New], [Peer.CallRaw], [Peer.Send] and
// [Options].Handler.

// CallEncoded makes a call whose chain and call context are already encoded; it does not
// check them. The gateway uses only the state of the context; nil means an empty one.
// CallEncoded returns at once, and the calls are made in the order of CallEncoded. done is
// called once, on its own goroutine, with the encoded result, or with an encoded error and
// who failed. If done is nil, the call is one-way.
func (p *Peer) CallEncoded(ctx context.Context, to lmz.Address, callContext, chain []byte, done func(failed lmz.Code, payload []byte)) {
	ctx, cancel := proto.WithDeadline(ctx)
	if callContext == nil {
		callContext = emptyContext
	}
	call, err := p.startEncoded(ctx, to, chain, callContext, done == nil)
	if done == nil {
		cancel()
		return
	}
	p.spawn(func() {
		defer cancel()
		var a proto.Answer
		if err != nil {
			a = proto.Failure(lmz.CodeGateway, "", "not sent: "+err.Error())
		} else {
			a, _ = p.awaitEncoded(ctx, call)
		}
		done(a.Failed, a.Payload)
	})
}

// Raw replaces Go's handlers and codec in a language binding. All fields are required.
type Raw struct {
	// Handle starts an incoming call from its encoded call context and chain (PROTOCOL.md,
	// "Call context" and "Continuations"). It is called on one goroutine at a time, in the
	// order in which the calls arrived, and must not wait for the call to finish. It must
	// arrange that done is called once, from any goroutine, with the encoded result, or with an
	// encoded error and who failed. ctx ends with the call's deadline.
	Handle func(ctx context.Context, callContext, chain []byte, done func(failed lmz.Code, payload []byte))

	// ToJSON and FromJSON translate the messages of a server that speaks only the original's
	// protocol (internal/jsonwire, ForeignMessages). They must not block.
	ToJSON   func(message []byte) (text []byte, err error)
	FromJSON func(text []byte) (message []byte, err error)

	// Claims reads an access token without verifying it: its subject, or "" if the token has
	// none, and its expiry, or zero if the token has none. It must not block.
	Claims func(token string) (subject string, expires time.Time)
}

// NewRaw returns a peer for a language binding. It does not use Options.Handler and
// Options.OnBeforeCall. A program that uses only NewRaw and [Peer.CallEncoded] is linked
// without the codec for Go values, which is half of a browser's module.
func NewRaw(o Options, raw Raw) (*Peer, error) {
	p, err := newPeer(o)
	if err != nil {
		return nil, err
	}
	p.serve = func(ctx context.Context, place *turn.Place, _ lmz.Identity, f proto.Frame) proto.Answer {
		if f.Kind == proto.KindMissed {
			defer place.Done()
			o.OnMissed(ctx, f.From, int(f.Count))
			return proto.Answer{}
		}
		return raw.serve(ctx, place, f)
	}
	p.claims = func(token string) (c claims) {
		c.subject, c.expires = raw.Claims(token)
		return c
	}
	p.json.Messages = jsonwire.ForeignMessages{ToJSON: raw.ToJSON, FromJSON: raw.FromJSON}
	return p, nil
}

// serve starts the call in its turn, and waits for its end without the turn.
func (raw Raw) serve(ctx context.Context, place *turn.Place, f proto.Frame) proto.Answer {
	answer := make(chan proto.Answer, 1)
	raw.Handle(ctx, f.Context, f.Payload, func(failed lmz.Code, payload []byte) {
		answer <- proto.Answer{Failed: failed, Payload: payload}
	})
	place.Done()
	select {
	case a := <-answer:
		return a
	case <-ctx.Done():
		return proto.Failure(lmz.CodeUnknown, "", "the method did not finish in time")
	}
}
