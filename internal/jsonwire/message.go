// Package jsonwire is the JSON dialect of the wire, the subprotocol lmz, which the original
// Lumenize speaks.
//
// A client of the original must be able to call our nodes and be called by them, and its values
// must mean the same. [ToJSON] and [FromJSON] translate documents between CBOR and JSON, which
// nothing else in the mesh sees, and a [Message] is a frame of the dialect. The package does not
// use encoding/json, which would make up a third of the browser's module, and neither preserves
// the order of members nor enforces limits.
package jsonwire

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// The heartbeat of the subprotocol lmz: text frames that are not JSON.
const (
	Ping = "lmz:ping"
	Pong = "lmz:pong"
)

// The types of [Message].
const (
	MessageCall                 = "call"                   // client to gateway
	MessageCallResponse         = "call_response"          // gateway to client
	MessageIncomingCall         = "incoming_call"          // gateway to client
	MessageIncomingCallResponse = "incoming_call_response" // client to gateway
	MessageConnectionStatus     = "connection_status"      // gateway to client
)

// Message is one text frame of the subprotocol lmz. Its contents are CBOR here and JSON on the
// wire. Which fields are used depends on its type.
type Message struct {
	Type   string
	CallID string // all but connection_status

	To      lmz.Address // call
	Context []byte      // call, incoming_call: encoded call context; nil for none
	Chain   []byte      // call, incoming_call: encoded chain

	Answer proto.Answer // call_response, incoming_call_response

	SubscriptionRequired bool // connection_status
}

// Messages writes and reads the text frames of the subprotocol lmz.
type Messages interface {
	// Write can fail only for calls: see [Message.Append].
	Write(*Message) ([]byte, error)
	// Read is [ParseMessage].
	Read(text []byte) (Message, error)
}

// GoMessages is [Messages] with the codec of this package.
type GoMessages struct{}

// Write is [Message.Append].
func (GoMessages) Write(m *Message) ([]byte, error) { return m.Append(nil) }

// Read is [ParseMessage].
func (GoMessages) Read(text []byte) (Message, error) { return ParseMessage(text) }

// Append appends the encoding of m to dst. Both kinds of answers can always be encoded: one that
// JSON cannot represent or that is longer than [proto.MaxFrame] becomes an error that says so. A
// call that cannot be sent is an error, which matches [ErrTooLarge] if it is too large.
func (m *Message) Append(dst []byte) ([]byte, error) {
	start := len(dst)
	w := messageWriter{append(dst, `{"type":`...)}
	w.text(m.Type)
	var err error
	switch m.Type {
	case MessageCall:
		w.textMember("callId", m.CallID)
		w.textMember("binding", m.To.Binding)
		if m.To.Instance != "" {
			w.textMember("instance", m.To.Instance)
		}
		err = w.call(m)
	case MessageIncomingCall:
		w.textMember("callId", m.CallID)
		err = w.call(m)
	case MessageCallResponse, MessageIncomingCallResponse:
		w.textMember("callId", m.CallID)
		w.answer(m.Answer, proto.MaxFrame-(len(w.buf)-start))
	case MessageConnectionStatus:
		w.member("subscriptionRequired")
		w.buf = strconv.AppendBool(w.buf, m.SubscriptionRequired)
	}
	w.buf = append(w.buf, '}')
	if err == nil && len(w.buf)-start > proto.MaxFrame {
		err = cbordoc.TooLarge(proto.MaxFrame)
	}
	if err != nil {
		return dst, err
	}
	return w.buf, nil
}

type messageWriter struct{ buf []byte }

func (w *messageWriter) text(s string) {
	w.buf = value.AppendJSONText(w.buf, []byte(strings.ToValidUTF8(s, "\ufffd")))
}

func (w *messageWriter) member(name string) {
	w.buf = append(w.buf, ',')
	w.text(name)
	w.buf = append(w.buf, ':')
}

func (w *messageWriter) textMember(name, v string) {
	w.member(name)
	w.text(v)
}

func (w *messageWriter) call(m *Message) error {
	chain, err := ChainToJSON(m.Chain)
	if err != nil {
		return err
	}
	w.member("chain")
	w.buf = append(w.buf, chain...)
	w.member("callContext")
	var c lmz.CallContext
	if m.Context != nil {
		if c, err = proto.UnmarshalContext(m.Context); err != nil {
			return cbordoc.At(err, "callContext")
		}
	}
	return cbordoc.At(w.context(c), "callContext")
}

// context writes a call context. The original has only one kind of state: state set by trusted
// nodes hides state set by the client, and a member of ours names the visible keys that the
// client set.
func (w *messageWriter) context(c lmz.CallContext) error {
	w.buf = append(w.buf, `{"callChain":[`...)
	for i, hop := range c.Chain {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, `{"type":`...)
		w.text(string(hop.Type))
		w.textMember("bindingName", hop.Binding)
		if hop.Instance != "" {
			w.textMember("instanceName", hop.Instance)
		}
		w.buf = append(w.buf, '}')
	}
	w.buf = append(w.buf, ']')
	if c.Auth != nil {
		if err := w.auth(c.Auth); err != nil {
			return cbordoc.At(err, "originAuth")
		}
	}
	w.member("state")
	state := make(map[string]lmz.Value, len(c.State)+len(c.ClientState))
	for _, part := range [...]map[string]lmz.Value{c.ClientState, c.State} {
		for key, v := range part {
			state[key] = v
		}
	}
	text, err := Encode(state)
	w.buf = append(w.buf, text...)
	if len(c.ClientState) > 0 {
		w.clientKeys(c)
	}
	w.buf = append(w.buf, '}')
	return cbordoc.At(err, "state")
}

// clientKeys writes the keys of the state that a client set.
func (w *messageWriter) clientKeys(c lmz.CallContext) {
	w.member("lmzClientState")
	w.buf = append(w.buf, '[')
	first := true
	for _, key := range slices.Sorted(maps.Keys(c.ClientState)) {
		if _, hidden := c.State[key]; hidden {
			continue
		}
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.text(key)
	}
	w.buf = append(w.buf, ']')
}

func (w *messageWriter) auth(a *lmz.Auth) error {
	w.member("originAuth")
	w.buf = append(w.buf, `{"sub":`...)
	w.text(a.Subject)
	if a.Claims != nil {
		claims, err := plainJSON(a.Claims)
		if err != nil {
			return cbordoc.At(err, "claims")
		}
		w.member("claims")
		w.buf = append(w.buf, claims...)
	}
	w.buf = append(w.buf, '}')
	return nil
}

// plainJSON encodes a value that consists of JSON types.
func plainJSON(v any) ([]byte, error) {
	doc, err := value.Marshal(v)
	if err != nil {
		return nil, err
	}
	w, err := newJSONWriter(doc)
	if err != nil {
		return nil, err
	}
	_, err = w.raw(0)
	return w.out, err
}

// answer writes an answer of at most room bytes.
func (w *messageWriter) answer(a proto.Answer, room int) {
	const names = len(`,"success":false,"result":}`)
	text, err := answerToJSON(a)
	if err == nil && len(text) > room-names {
		err = cbordoc.TooLarge(room - names)
	}
	if err != nil {
		code := lmz.CodeCallee
		a = proto.ErrorAnswer(&lmz.Error{Code: code, Name: "TypeError", Message: "the answer cannot be sent as JSON: " + err.Error()})
		text, _ = answerToJSON(a) // cannot fail: a name and a message
	}
	w.member("success")
	w.buf = strconv.AppendBool(w.buf, a.Failed == "")
	if a.Failed == "" {
		w.member("result")
	} else {
		w.member("error")
	}
	w.buf = append(w.buf, text...)
}

func answerToJSON(a proto.Answer) ([]byte, error) {
	if a.Failed == "" {
		return ToJSON(a.Payload)
	}
	return ErrorToJSON(a.Payload, a.Failed)
}

// ParseMessage decodes one text frame that is JSON. An unknown type is not an error: only Type is
// set then, to "" if the frame is not an object or its type is not a text. Unknown members are
// ignored.
//
// If it fails and CallID is set, the sender waits for an answer to that call: the error says why
// it cannot be executed. An unreadable answer still answers its call, with [lmz.CodeUnknown], so
// that nobody waits forever. A failed one that does not say who failed, as the original's do not,
// has [lmz.CodeCallee]: the method may have run.
//
// State counts as [lmz.CallContext.ClientState], because JSON does not record who set it.
func ParseMessage(text []byte) (Message, error) {
	doc, err := scanJSON(text)
	if err != nil || doc.tokens[0].kind != jsonObject {
		return Message{}, err
	}
	members, err := doc.membersOf(0)
	if err != nil {
		return Message{}, err
	}
	p := messageParser{doc, members}
	m := Message{Type: p.optional("type")}
	switch m.Type {
	case MessageConnectionStatus:
		flag := members.value("subscriptionRequired")
		m.SubscriptionRequired = flag >= 0 && doc.tokens[flag].kind == jsonTrue
		return m, nil
	case MessageCall, MessageIncomingCall, MessageCallResponse, MessageIncomingCallResponse:
	default:
		return m, nil
	}
	if m.CallID = p.optional("callId"); m.CallID == "" {
		return m, errors.New("the message " + m.Type + " has no callId")
	}
	switch m.Type {
	case MessageCall, MessageIncomingCall:
		err = p.call(&m)
	default:
		m.Answer = p.answer()
	}
	return m, err
}

// emptyContext is an encoded empty call context.
var emptyContext = []byte{cbordoc.MajorMap << 5}

type messageParser struct {
	doc     *jsonDoc
	members jsonMembers
}

// optional returns the text of a member, "" if it is absent.
func (p messageParser) optional(name string) string {
	i := p.members.value(name)
	if i < 0 || p.doc.tokens[i].kind != jsonText {
		return ""
	}
	text, _ := p.doc.string(i)
	return text
}

func (p messageParser) call(m *Message) (err error) {
	m.To.Binding, m.To.Instance = p.optional("binding"), p.optional("instance")
	if m.Type == MessageCall && m.To.Binding == "" {
		return errors.New("the call names no binding")
	}
	chain := p.members.value("chain")
	if chain < 0 {
		return proto.BadChain("the call has none")
	}
	if m.Chain, err = newJSONReader(p.doc).chainDocument(chain); err != nil {
		return cbordoc.At(err, "chain")
	}
	context := p.members.value("callContext")
	if context < 0 || p.doc.tokens[context].kind != jsonObject {
		m.Context = emptyContext
		return nil
	}
	inner := messageParser{doc: p.doc}
	if inner.members, err = p.doc.membersOf(context); err == nil {
		var c lmz.CallContext
		if c, err = inner.context(m.Type == MessageIncomingCall); err == nil {
			m.Context, err = proto.MarshalContext(c)
		}
	}
	return cbordoc.At(err, "callContext")
}

// context reads a call context as the sender states it. Only a gateway may state on whose behalf
// a call is made: such a claim by a client is ignored, but reported to the gateway as an Auth
// without subject.
func (p messageParser) context(fromGateway bool) (c lmz.CallContext, err error) {
	r := newJSONReader(p.doc)
	hops, _ := r.elements(p.members.value("callChain"))
	for i, hop := range hops {
		if p.doc.tokens[hop].kind != jsonObject {
			return c, cbordoc.At(cbordoc.At(&cbordoc.Error{What: "expected an object, got " + p.doc.describe(hop)}, cbordoc.Index(i)), "callChain")
		}
		inner := messageParser{doc: p.doc}
		if inner.members, err = p.doc.membersOf(hop); err != nil {
			return c, cbordoc.At(cbordoc.At(err, cbordoc.Index(i)), "callChain")
		}
		c.Chain = append(c.Chain, lmz.Identity{
			Type:    lmz.NodeType(inner.optional("type")),
			Address: lmz.At(inner.optional("bindingName"), inner.optional("instanceName")),
		})
	}
	switch auth := p.members.value("originAuth"); {
	case auth < 0:
	case !fromGateway:
		c.Auth = new(lmz.Auth)
	case p.doc.tokens[auth].kind == jsonObject:
		if c.Auth, err = p.auth(auth); err != nil {
			return c, cbordoc.At(err, "originAuth")
		}
	}
	if state := p.members.value("state"); state >= 0 && p.doc.tokens[state].kind == jsonObject {
		c.ClientState, err = p.state(state)
	}
	return c, cbordoc.At(err, "state")
}

func (p messageParser) auth(i int32) (*lmz.Auth, error) {
	members, err := p.doc.membersOf(i)
	if err != nil {
		return nil, err
	}
	auth := &lmz.Auth{Subject: messageParser{p.doc, members}.optional("sub")}
	claims := members.value("claims")
	if claims < 0 || p.doc.tokens[claims].kind != jsonObject {
		return auth, nil
	}
	r := newJSONReader(p.doc)
	if err := r.rawValue(claims); err != nil {
		return nil, cbordoc.At(err, "claims")
	}
	return auth, cbordoc.At(value.Unmarshal(r.Dst, &auth.Claims), "claims")
}

func (p messageParser) state(i int32) (map[string]lmz.Value, error) {
	doc, err := newJSONReader(p.doc).document(i, (*jsonReader).value)
	if err != nil {
		return nil, err
	}
	var items map[string]value.Item
	if err := value.Unmarshal(doc, &items); err != nil {
		return nil, err
	}
	return proto.StateValues(items), nil
}

func (p messageParser) answer() proto.Answer {
	success := p.members.value("success")
	result, failure := p.members.value("result"), p.members.value("error")
	switch {
	case success < 0 || p.doc.tokens[success].kind != jsonTrue && p.doc.tokens[success].kind != jsonFalse:
		return unreadable("it does not say whether the call succeeded")
	case p.doc.tokens[success].kind == jsonTrue:
		if result < 0 || p.doc.tokens[result].kind == jsonNull {
			return unreadable("it has no result")
		}
		payload, err := newJSONReader(p.doc).document(result, (*jsonReader).value)
		if err != nil {
			return unreadable(err.Error())
		}
		return proto.Answer{Payload: payload}
	case failure < 0 || p.doc.tokens[failure].kind == jsonNull:
		return proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeCallee, Message: "the call failed, and the answer does not say why"})
	}
	payload, code, err := newJSONReader(p.doc).failure(failure)
	if err != nil {
		return unreadable(err.Error())
	}
	if code == "" {
		code = lmz.CodeCallee
	}
	return proto.Answer{Failed: code, Payload: payload}
}

func unreadable(why string) proto.Answer {
	return proto.ErrorAnswer(&lmz.Error{Code: lmz.CodeUnknown, Message: "the answer cannot be read: " + why})
}
