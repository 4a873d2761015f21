package dialect

import "github.com/lumenize/lmz/internal/proto"

// CBOR is the subprotocol lmz.cbor, whose messages are encoded frames.
var CBOR Dialect = new(cbor)

type cbor struct{}

func (*cbor) Traits() Traits {
	return Traits{Subprotocol: proto.SubprotocolCBOR, Hello: true, Again: true, Renewal: true}
}

func (*cbor) Parse(message []byte) (Incoming, error) {
	f, err := proto.ParseFrame(message)
	return Incoming{Frame: f, Subscribe: !f.Resumed}, err
}

func (*cbor) Translator(proto.SessionID) Translator { return new(frames) }

// frames is the translator of [CBOR].
type frames struct{ link Link }

func (t *frames) Dialect() Dialect                         { return CBOR }
func (t *frames) Begin(l Link)                             { t.link = l }
func (t *frames) Send(frame []byte)                        { t.link.Send(frame) }
func (t *frames) Back() (f proto.Frame, ok bool)           { return f, false }
func (t *frames) Take(in Incoming) (_ proto.Frame, _ bool) { return in.Frame, false }
func (t *frames) Received(said uint64) uint64              { return said }
func (t *frames) Close(code int, reason string)            { t.link.Close(code, reason) }
func (t *frames) Abandon(code int, reason string)          { t.link.Abandon(code, reason) }
func (t *frames) Ended()                                   { t.link = nil }
func (t *frames) Greeted() bool                            { return true }
func (t *frames) SetGreeted()                              {}
