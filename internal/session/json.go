package session

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// JSON makes a connection of the subprotocol lmz look like one of lmz.cbor: it turns
// the frames of a session into JSON messages and back. The messages have no numbers
// and no acknowledgements, so it numbers what comes in, and what it could write
// counts as received. It lives as long as its session, over all its links, on
// either end. It is not safe for concurrent use.
type JSON struct {
	codec   jsonwire.Messages
	gateway bool   // this end is the gateway
	prefix  string // of the ids of our calls
	limit   time.Duration

	heard    bool                // the other end has had a message of this end
	in       uint64              // number of the last message that came in
	written  uint64              // number of the last frame that was written
	pending  []uint64            // numbers of what the current link has not written, 0 for what has none
	wrote    uint64              // how many messages it has written
	last     uint64              // number of our last call
	ours     map[uint64]struct{} // our calls that wait for an answer
	incoming map[uint64]string   // ids of their calls without answer, by number
}

// NewJSON makes the dialect of one session, whose calls have ids that begin with id: any
// random one but the session's own. Calls have no deadline on the wire; incoming ones
// get limit.
func NewJSON(codec jsonwire.Messages, id proto.SessionID, gateway bool, limit time.Duration) *JSON {
	return &JSON{
		codec: codec, gateway: gateway, limit: limit, prefix: hex.EncodeToString(id[:]) + "-",
		ours: make(map[uint64]struct{}), incoming: make(map[uint64]string),
	}
}

// Written returns the number of the last frame that the other end can have, for
// [Session.Resume].
func (j *JSON) Written() uint64 { return j.written }

// Heard reports whether it is known that the client has had a connection_status in this
// session: it speaks only after that. Otherwise the status may have been lost with its link.
func (j *JSON) Heard() bool { return j.heard }

// Hear says that the client has had the connection_status, although it did not speak.
func (j *JSON) Hear() { j.heard = true }

// Wrote says how many of the messages that Encode made for the current link were
// written to its socket.
func (j *JSON) Wrote(n uint64) {
	for ; j.wrote < n && len(j.pending) > 0; j.wrote++ {
		j.written = max(j.written, j.pending[0])
		j.pending = j.pending[1:]
	}
}

// Linked begins a new link.
func (j *JSON) Linked() { j.pending, j.wrote = nil, 0 }

// skip says that there is nothing to write for a number: it is written when what was
// handed over before it is.
func (j *JSON) skip(number uint64) {
	if last := len(j.pending) - 1; last >= 0 {
		j.pending[last] = max(j.pending[last], number)
	} else {
		j.written = max(j.written, number)
	}
}

// Encode turns a frame into the message for it, nil if JSON has none. A call that
// JSON cannot hold comes back as its own answer.
func (j *JSON) Encode(frame []byte) (message []byte, back *proto.Frame) {
	f, err := proto.ParseFrame(frame)
	if err != nil {
		return nil, nil // frames of our own are never broken
	}
	switch f.Kind {
	case proto.KindPing:
		message = []byte(jsonwire.Ping)
	case proto.KindPong:
		message = []byte(jsonwire.Pong)
	case proto.KindCall:
		if f.Again == (proto.CallID{}) {
			message, err = j.encodeCall(f)
		} else {
			back = j.answer(f.Seq, proto.Failure(lmz.CodeUnknown, "", "the server cannot say whether the call ran before the connection was lost"))
		}
	case proto.KindAnswer:
		message = j.encodeAnswer(f)
	case proto.KindCancel:
		delete(j.ours, f.Call) // JSON has no message for it
	}
	if err != nil {
		back = j.answer(f.Seq, notSent(err))
	}
	if message == nil {
		j.skip(f.Seq)
		return nil, back
	}
	j.pending = append(j.pending, f.Seq)
	return message, nil
}

// notSent is the answer to a call that one of the two codecs cannot hold.
func notSent(err error) proto.Answer {
	if e, ok := err.(*lmz.Error); ok {
		return proto.Failure(lmz.CodeGateway, e.Name, e.Message)
	}
	return proto.Failure(lmz.CodeGateway, "TypeError", err.Error())
}

func (j *JSON) encodeCall(f proto.Frame) ([]byte, error) {
	m := jsonwire.Message{Type: jsonwire.MessageCall, CallID: j.prefix + strconv.FormatUint(f.Seq, 10), To: f.To, Context: f.Context, Chain: f.Payload}
	if j.gateway {
		m.Type = jsonwire.MessageIncomingCall
	}
	message, err := j.codec.Write(&m)
	if err == nil {
		j.last = f.Seq
		if !f.NoReply {
			j.ours[f.Seq] = struct{}{}
		}
	}
	return message, err
}

// numberOf returns the number of our call with this id.
func (j *JSON) numberOf(callID string) (number uint64, ok bool) {
	text, ours := strings.CutPrefix(callID, j.prefix)
	number, err := strconv.ParseUint(text, 10, 64)
	return number, ours && err == nil && number <= j.last
}

func (j *JSON) encodeAnswer(f proto.Frame) []byte {
	m := jsonwire.Message{
		Type: jsonwire.MessageIncomingCallResponse, CallID: j.incoming[f.Call],
		Answer: proto.Answer{Failed: f.Failed, Payload: f.Payload},
	}
	if j.gateway {
		m.Type = jsonwire.MessageCallResponse
	}
	delete(j.incoming, f.Call)
	message, _ := j.codec.Write(&m) // an answer always can be sent
	return message
}

// answer makes the frame that answers our call with this number.
func (j *JSON) answer(call uint64, a proto.Answer) *proto.Frame {
	j.in++
	return &proto.Frame{
		Kind: proto.KindAnswer, Seq: j.in, Ack: j.written, Call: call, Failed: a.Failed, Payload: a.Payload,
	}
}

// Parsed is a message that was read but not yet taken.
type Parsed struct {
	ping, pong bool
	message    jsonwire.Message
	err        error
}

// ParseJSON reads a message. It is the work that can be done before a session is
// locked.
func ParseJSON(codec jsonwire.Messages, message []byte) Parsed {
	switch string(message) {
	case jsonwire.Ping:
		return Parsed{ping: true}
	case jsonwire.Pong:
		return Parsed{pong: true}
	}
	var p Parsed
	p.message, p.err = codec.Read(message)
	if len(p.message.CallID) > maxCallID {
		return Parsed{} // no honest one is
	}
	if n := len(p.message.Chain); p.err == nil && n > proto.MaxPayload {
		p.err = value.ErrTooLarge
	}
	return p
}

// To returns whom the message calls, as far as that could be read.
func (p Parsed) To() lmz.Address { return p.message.To }

// Answer returns what the message answers: nothing if it is no answer.
func (p Parsed) Answer() proto.Answer { return p.message.Answer }

// SetAnswer changes what the message answers.
func (p *Parsed) SetAnswer(a proto.Answer) { p.message.Answer = a }

// maxCallID is the longest id of a call that is answered, in bytes.
const maxCallID = 256

// Decode turns a message into the frame for it. A message that means nothing here is
// one of an unknown kind. A call that cannot be read is not carried on: refusal is
// the message that answers it. subscribe is the flag of a connection_status, which
// is a welcome.
func (j *JSON) Decode(p Parsed) (f proto.Frame, subscribe bool, refusal []byte) {
	j.heard = true
	switch {
	case p.ping:
		return proto.Frame{Kind: proto.KindPing}, false, nil
	case p.pong:
		return proto.Frame{Kind: proto.KindPong}, false, nil
	}
	m, err := p.message, p.err
	call, response := jsonwire.MessageIncomingCall, jsonwire.MessageCallResponse
	if j.gateway {
		call, response = jsonwire.MessageCall, jsonwire.MessageIncomingCallResponse
	}
	switch {
	case m.Type == call && err == nil:
		return j.decodeCall(m), false, nil
	case m.Type == call && m.CallID != "":
		return proto.Frame{}, false, j.refuse(m.CallID, err)
	case m.Type == response && err == nil:
		if number, ok := j.numberOf(m.CallID); ok {
			delete(j.ours, number)
			return *j.answer(number, m.Answer), false, nil
		}
	case m.Type == jsonwire.MessageConnectionStatus && !j.gateway:
		return proto.Frame{Kind: proto.KindWelcome, Resumed: true, Ack: j.written}, m.SubscriptionRequired, nil
	}
	return proto.Frame{}, false, nil
}

func (j *JSON) decodeCall(m jsonwire.Message) proto.Frame {
	j.in++
	j.incoming[j.in] = m.CallID
	return proto.Frame{
		Kind: proto.KindCall, Seq: j.in, Ack: j.written, To: m.To, Timeout: j.limit, Context: m.Context, Payload: m.Chain,
	}
}

func (j *JSON) refuse(callID string, err error) []byte {
	m := jsonwire.Message{
		Type: jsonwire.MessageIncomingCallResponse, CallID: callID,
		Answer: notSent(err),
	}
	if j.gateway {
		m.Type = jsonwire.MessageCallResponse
	}
	message, _ := j.codec.Write(&m)
	j.pending = append(j.pending, 0)
	return message
}

// Status is the gateway's first message on a link.
func (j *JSON) Status(subscriptionRequired bool) []byte {
	m := jsonwire.Message{Type: jsonwire.MessageConnectionStatus, SubscriptionRequired: subscriptionRequired}
	message, _ := j.codec.Write(&m)
	j.pending = append(j.pending, 0)
	return message
}

// Lost is for the client's end, whose link is gone: the gateway answers on no other,
// so calls that were written come back as unknown.
func (j *JSON) Lost() []proto.Frame {
	var lost []proto.Frame
	for _, number := range sortedKeys(j.ours) {
		if number > j.written {
			continue // it will be written on the next link
		}
		lost = append(lost, *j.answer(number, proto.Failure(lmz.CodeUnknown, "", "the connection was lost; the call was sent and may have run")))
		delete(j.ours, number)
	}
	return lost
}
