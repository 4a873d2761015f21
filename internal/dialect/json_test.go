package dialect

import (
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
	"github.com/lumenize/lmz/internal/value"
)

// socket is a link in a test: the messages sent over it, and how many it has written.
type socket struct {
	sent    []string
	written uint64
}

func (s *socket) Send(message []byte)        { s.sent = append(s.sent, string(message)) }
func (s *socket) Close(int, string)          {}
func (s *socket) Abandon(int, string) uint64 { return s.written }
func (s *socket) Written() uint64            { return s.written }

// newJSON returns a translator on a link.
func newJSON(gateway bool) (*messages, *socket) {
	d := &JSON{Messages: jsonwire.GoMessages{}, Gateway: gateway, Limit: time.Minute}
	t, l := d.Translator(proto.SessionID{9}).(*messages), new(socket)
	t.Begin(l)
	return t, l
}

// take passes a message to a translator.
func take(t *testing.T, to Translator, message string) (f proto.Frame, refused bool) {
	t.Helper()
	in, err := to.Dialect().Parse([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return to.Take(in)
}

const jsonCall = `{"type":"call","callId":"1","binding":"B","chain":{"json":[{"type":"get","key":"x"},{"type":"apply","args":[]}],"meta":{}}}`

func TestUnwrittenAnswerIsNotReceived(t *testing.T) {
	j, l := newJSON(true)
	take(t, j, jsonCall)
	j.Send((&proto.Frame{Kind: proto.KindAnswer, Seq: 1, Call: 1, Payload: []byte{0xf6}}).Append(nil))
	if len(l.sent) != 1 {
		t.Fatalf("sent %q", l.sent)
	}
	j.Send((&proto.Frame{Kind: proto.KindCancel, Seq: 2, Call: 9}).Append(nil)) // JSON has no such message
	if len(l.sent) != 1 {
		t.Fatalf("sent %q", l.sent)
	}
	if got := j.Received(0); got != 0 {
		t.Errorf("%d counts as received before anything was written", got)
	}
	l.written = 1
	j.Ended()
	if got := j.Received(0); got != 2 {
		t.Errorf("%d counts as received, want 2", got)
	}
}

func TestUnansweredCallIsForgotten(t *testing.T) {
	j, l := newJSON(true)
	s := session.New(proto.SessionID{1}, session.Limits{}, time.Now)
	s.Resume(0, 0)
	send := func(effects []session.Effect) {
		for _, e := range effects {
			if write, ok := e.(session.Write); ok {
				j.Send(write.Frame)
			}
		}
	}
	f := proto.Frame{To: lmz.At("G", "a.b"), Context: []byte{0xa0}, Payload: []byte("\x82\x61x\x80")}
	send(s.Call(1, f, false))
	send(s.Cancel(1, "given up"))
	f.NoReply = true
	send(s.Call(2, f, false))
	if len(l.sent) != 2 || len(j.ours) != 0 {
		t.Errorf("%d calls are kept after %q", len(j.ours), l.sent)
	}
	answer := func(id string) proto.Frame {
		f, _ := take(t, j, `{"type":"incoming_call_response","callId":"`+id+`","success":true}`)
		return f
	}
	for _, message := range l.sent { // late answers to them do not count as unknown frames
		_, id, _ := strings.Cut(message, `"callId":"`)
		id, _, _ = strings.Cut(id, `"`)
		f := answer(id)
		if f.Kind != proto.KindAnswer || len(s.Receive(f)) > 1 { // at most an acknowledgement
			t.Errorf("%s: %+v", id, f)
		}
	}
	for _, id := range []string{"", "x", j.prefix, j.prefix + "99", j.prefix + "-1", j.prefix + "18446744073709551617"} {
		if f := answer(id); f.Kind != 0 {
			t.Errorf("%q: %+v", id, f)
		}
	}
}

func TestCallThatJSONCannotExpress(t *testing.T) {
	j, l := newJSON(false)
	chain, err := value.MarshalChain(lmz.Ctn("x", []uint64{1}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []proto.Frame{
		{Kind: proto.KindCall, Seq: 1, To: lmz.Worker("B"), Context: []byte{0xa0}, Payload: chain},
		{Kind: proto.KindCall, Seq: 2, To: lmz.Worker("B"), Context: []byte{0xa0}, Payload: chain, Again: proto.CallID{Number: 1}},
	} {
		j.Send(f.Append(nil))
		back, ok := j.Back()
		if len(l.sent) != 0 || !ok || back.Call != f.Seq {
			t.Fatalf("frame %d: %q, %+v", f.Seq, l.sent, back)
		}
		want := lmz.CodeGateway
		if f.Again != (proto.CallID{}) {
			want = lmz.CodeUnknown
		}
		if back.Failed != want {
			t.Errorf("frame %d: %q, want %q", f.Seq, back.Failed, want)
		}
	}
}

// TestFramesWithoutAMessage sends frames over JSON that only lmz.cbor has.
func TestFramesWithoutAMessage(t *testing.T) {
	j, l := newJSON(true)
	for _, kind := range []proto.Kind{proto.KindHello, proto.KindAck, proto.KindAway, proto.KindRenewed, proto.KindToken} {
		if j.Send((&proto.Frame{Kind: kind}).Append(nil)); len(l.sent) > 0 {
			t.Errorf("kind %d: sent %q", kind, l.sent)
		}
	}
}

func TestWelcomeOverJSON(t *testing.T) {
	j, l := newJSON(true)
	welcome := func(resumed bool) string {
		j.Send((&proto.Frame{Kind: proto.KindWelcome, Resumed: resumed}).Append(nil))
		return l.sent[len(l.sent)-1]
	}
	const subscribe, resume = `{"type":"connection_status","subscriptionRequired":true}`, `{"type":"connection_status","subscriptionRequired":false}`
	if got := welcome(false); got != subscribe {
		t.Errorf("a new session: %s", got)
	}
	if got := welcome(true); got != resume {
		t.Errorf("resumed: %s", got)
	}
	client, _ := newJSON(false)
	in, _ := client.json.Parse([]byte(subscribe))
	if f, _ := client.Take(in); f.Kind != proto.KindWelcome || !f.Resumed || f.Heartbeat == 0 || !in.Subscribe {
		t.Errorf("%+v, subscribe %t", f, in.Subscribe)
	}
}

func TestUnreadableCallOverJSON(t *testing.T) {
	j, l := newJSON(true)
	if f, refused := take(t, j, `{"type":"call","callId":"7","binding":"B","chain":1}`); !refused || f.Kind != 0 {
		t.Errorf("%+v, refused %t", f, refused)
	}
	if len(l.sent) != 1 || !strings.Contains(l.sent[0], `"callId":"7","success":false`) {
		t.Errorf("sent %q", l.sent)
	}
	if f, refused := take(t, j, `{"type":"call","binding":"B","chain":1}`); refused || f.Kind != 0 {
		t.Errorf("without an id: %+v, refused %t", f, refused)
	}
}

// TestCallsOfALostLink settles calls that the gateway may have received, and keeps the rest.
func TestCallsOfALostLink(t *testing.T) {
	j, l := newJSON(false)
	for seq := range uint64(2) {
		j.Send((&proto.Frame{Kind: proto.KindCall, Seq: seq + 1, To: lmz.Worker("B"), Context: []byte{0xa0}, Payload: []byte("\x82\x61x\x80")}).Append(nil))
	}
	l.written = 1
	j.Ended()
	back, ok := j.Back()
	if !ok || back.Call != 1 || back.Failed != lmz.CodeUnknown {
		t.Errorf("%+v", back)
	}
	if back, more := j.Back(); more {
		t.Errorf("also %+v", back)
	}
	if got := j.Received(0); got != 1 {
		t.Errorf("%d frames count as received, want 1", got)
	}
}
