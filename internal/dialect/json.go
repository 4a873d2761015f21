package dialect

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
)

// JSON is the subprotocol lmz. Its messages have no sequence numbers and no acknowledgements.
// Its translator numbers incoming messages, and counts as received what the socket has
// accepted.
type JSON struct {
	Messages jsonwire.Messages
	Gateway  bool          // this end is the gateway
	Limit    time.Duration // the deadline of incoming calls, since JSON has none
}

// Traits implements [Dialect].
func (*JSON) Traits() Traits {
	return Traits{Subprotocol: proto.SubprotocolJSON, Text: true, Chain: true}
}

// jsonHeartbeat is how often clients send lmz:ping (PROTOCOL.md, "The subprotocol lmz").
const jsonHeartbeat = 30 * time.Second

// maxCallID is the longest id of a call, in bytes. A message with a longer one is ignored.
const maxCallID = 256

// Parse implements [Dialect]. It never fails.
func (d *JSON) Parse(message []byte) (in Incoming, _ error) {
	f := &in.Frame
	switch string(message) {
	case jsonwire.Ping:
		f.Kind = proto.KindPing
		return in, nil
	case jsonwire.Pong:
		f.Kind = proto.KindPong
		return in, nil
	}
	m, err := d.Messages.Read(message)
	if len(m.CallID) > maxCallID {
		return in, nil // no honest peer sends one
	}
	if err == nil && len(m.Chain) > proto.MaxPayload {
		err = cbordoc.ErrTooLarge
	}
	call, response := jsonwire.MessageIncomingCall, jsonwire.MessageCallResponse
	if d.Gateway {
		call, response = jsonwire.MessageCall, jsonwire.MessageIncomingCallResponse
	}
	in.id, in.Err = m.CallID, err
	switch {
	case m.Type == call && (err == nil || m.CallID != ""):
		f.Kind, f.To, f.Timeout, f.Context, f.Payload = proto.KindCall, m.To, d.Limit, m.Context, m.Chain
	case err != nil:
	case m.Type == response:
		f.Kind, f.Failed, f.Payload = proto.KindAnswer, m.Answer.Failed, m.Answer.Payload
	case m.Type == jsonwire.MessageConnectionStatus && !d.Gateway:
		f.Kind, f.Resumed, f.Heartbeat = proto.KindWelcome, true, jsonHeartbeat
		in.Subscribe = m.SubscriptionRequired
	}
	return in, nil
}

// Translator implements [Dialect].
func (d *JSON) Translator(id proto.SessionID) Translator {
	return &messages{
		json: d, prefix: hex.EncodeToString(id[:]) + "-",
		incoming: make(map[uint64]string),
	}
}

// messages is the translator of [JSON].
type messages struct {
	json   *JSON
	prefix string // of the ids of our calls

	link     Link
	greeted  bool              // a client speaks only after the gateway's connection_status
	back     []proto.Frame     // for Back
	in       uint64            // number of the last incoming message
	written  uint64            // number of the last frame written
	pending  []uint64          // numbers of messages that the current link has not written, 0 if none
	wrote    uint64            // messages that the current link has written
	last     uint64            // number of our last call
	ours     []uint64          // our calls that wait for an answer, ascending
	incoming map[uint64]string // ids of incoming calls in progress, by number
}

func (t *messages) Dialect() Dialect { return t.json }

func (t *messages) Begin(l Link) { t.link, t.pending, t.wrote = l, nil, 0 }

func (t *messages) Back() (f proto.Frame, ok bool) {
	if len(t.back) == 0 {
		return f, false
	}
	f, t.back = t.back[0], t.back[1:]
	return f, true
}

func (t *messages) Received(uint64) uint64 { return t.written }

func (t *messages) Greeted() bool { return t.greeted }
func (t *messages) SetGreeted()   { t.greeted = true }

// Close flushes nothing: unwritten messages are written to the next link.
func (t *messages) Close(code int, reason string) { t.Abandon(code, reason) }

func (t *messages) Abandon(code int, reason string) { t.count(t.link.Abandon(code, reason)) }

// Ended settles, at a client, the calls already written as unknown: the gateway answers on no
// other link.
func (t *messages) Ended() {
	if t.json.Gateway {
		t.count(t.link.Written())
	} else {
		t.Abandon(proto.CloseNormal, "")                // messages being written may have arrived
		for len(t.ours) > 0 && t.ours[0] <= t.written { // the others will be written to the next link
			t.answer(t.ours[0], proto.Failure(lmz.CodeUnknown, "", "the connection was lost; the call was sent and may have run"))
			t.ours = t.ours[1:]
		}
	}
	t.link = nil
}

// count records how many messages the current link has written.
func (t *messages) count(n uint64) {
	for ; t.wrote < n && len(t.pending) > 0; t.wrote++ {
		t.written = max(t.written, t.pending[0])
		t.pending = t.pending[1:]
	}
}

// send sends the message for the frame with this number, 0 if it has none.
func (t *messages) send(number uint64, message []byte) {
	t.pending = append(t.pending, number)
	t.link.Send(message)
}

// skip records that a number has no message: it counts as written when the messages before it
// are.
func (t *messages) skip(number uint64) {
	if last := len(t.pending) - 1; last >= 0 {
		t.pending[last] = max(t.pending[last], number)
	} else {
		t.written = max(t.written, number)
	}
}

// Send itself answers a call that JSON cannot express.
func (t *messages) Send(frame []byte) {
	f, err := proto.ParseFrame(frame)
	if err != nil {
		return // cannot happen: our own frames are valid
	}
	var message []byte
	switch f.Kind {
	case proto.KindPing:
		message = []byte(jsonwire.Ping)
	case proto.KindPong:
		message = []byte(jsonwire.Pong)
	case proto.KindWelcome:
		m := jsonwire.Message{Type: jsonwire.MessageConnectionStatus, SubscriptionRequired: !f.Resumed}
		message, _ = t.json.Messages.Write(&m)
	case proto.KindCall:
		if f.Again != (proto.CallID{}) {
			t.answer(f.Seq, proto.Failure(lmz.CodeUnknown, "", "the server cannot say whether the call ran before the connection was lost"))
			break
		}
		if message, err = t.encodeCall(&f); err != nil {
			t.answer(f.Seq, notSent(err))
		}
	case proto.KindAnswer:
		message = t.response(t.incoming[f.Call], proto.Answer{Failed: f.Failed, Payload: f.Payload})
		delete(t.incoming, f.Call)
	case proto.KindCancel:
		t.settled(f.Call) // JSON has no message for it
	}
	if message == nil {
		t.skip(f.Seq)
		return
	}
	t.send(f.Seq, message)
}

// notSent returns the answer to a call that cannot be encoded in CBOR or JSON.
func notSent(err error) proto.Answer {
	if e, ok := err.(*lmz.Error); ok {
		return proto.Failure(lmz.CodeGateway, e.Name, e.Message)
	}
	return proto.Failure(lmz.CodeGateway, "TypeError", err.Error())
}

func (t *messages) encodeCall(f *proto.Frame) ([]byte, error) {
	m := jsonwire.Message{Type: jsonwire.MessageCall, CallID: t.prefix + strconv.FormatUint(f.Seq, 10), To: f.To, Context: f.Context, Chain: f.Payload}
	if t.json.Gateway {
		m.Type = jsonwire.MessageIncomingCall
	}
	message, err := t.json.Messages.Write(&m)
	if err != nil {
		return nil, err
	}
	t.last = f.Seq
	if !f.NoReply {
		t.ours = append(t.ours, f.Seq)
	}
	return message, nil
}

// response returns the message that answers a call of the other end.
func (t *messages) response(callID string, a proto.Answer) []byte {
	m := jsonwire.Message{Type: jsonwire.MessageIncomingCallResponse, CallID: callID, Answer: a}
	if t.json.Gateway {
		m.Type = jsonwire.MessageCallResponse
	}
	message, _ := t.json.Messages.Write(&m) // cannot fail for an answer
	return message
}

// numberOf returns the number of our call with this id.
func (t *messages) numberOf(callID string) (number uint64, ok bool) {
	text, ours := strings.CutPrefix(callID, t.prefix)
	number, err := strconv.ParseUint(text, 10, 64)
	return number, ours && err == nil && number <= t.last
}

// settled records that our call with this number no longer waits for an answer. Like answer
// it is not inlined: a browser would load its code several times.
//
//go:noinline
func (t *messages) settled(number uint64) {
	if i := slices.Index(t.ours, number); i >= 0 {
		t.ours = slices.Delete(t.ours, i, i+1)
	}
}

// answer queues an answer of this end to our own call with this number; see Back.
//
//go:noinline
func (t *messages) answer(call uint64, a proto.Answer) {
	t.in++
	t.back = append(t.back, proto.Frame{
		Kind: proto.KindAnswer, Seq: t.in, Ack: t.written, Call: call, Failed: a.Failed, Payload: a.Payload,
	})
}

func (t *messages) Take(in Incoming) (_ proto.Frame, refused bool) {
	t.greeted = true
	t.count(t.link.Written())
	f := &in.Frame
	switch f.Kind {
	case proto.KindCall:
		if in.Err != nil {
			t.send(0, t.response(in.id, notSent(in.Err)))
			return proto.Frame{}, true
		}
		t.in++
		t.incoming[t.in] = in.id
		f.Seq = t.in
	case proto.KindAnswer:
		number, ok := t.numberOf(in.id)
		if !ok {
			return proto.Frame{}, false
		}
		t.settled(number)
		t.in++
		f.Seq, f.Call = t.in, number
	}
	f.Ack = t.written
	return *f, false
}
