package session

import (
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

func TestAnAnswerThatWasNotWrittenIsNotCountedBecauseOfWhatFollowed(t *testing.T) {
	j := NewJSON(jsonwire.GoMessages{}, proto.SessionID{1}, true, time.Minute)
	j.Linked()
	j.Decode(ParseJSON(jsonwire.GoMessages{}, []byte(`{"type":"call","callId":"1","binding":"B","chain":{"json":[{"type":"get","key":"x"},{"type":"apply","args":[]}],"meta":{}}}`)))
	answer := proto.Frame{Kind: proto.KindAnswer, Seq: 1, Call: 1, Payload: []byte{0xf6}}
	if message, _ := j.Encode(answer.Append(nil)); message == nil {
		t.Fatal("no message")
	}
	cancel := proto.Frame{Kind: proto.KindCancel, Seq: 2, Call: 9} // JSON has none
	if message, _ := j.Encode(cancel.Append(nil)); message != nil {
		t.Fatalf("a message %s", message)
	}
	if j.Written() != 0 {
		t.Errorf("%d counts as written before anything was", j.Written())
	}
	j.Wrote(1)
	if j.Written() != 2 {
		t.Errorf("%d counts as written, want 2", j.Written())
	}
}

func TestACallThatIsNeverAnsweredIsNotKept(t *testing.T) {
	j := NewJSON(jsonwire.GoMessages{}, proto.SessionID{9}, true, time.Minute)
	s := New(proto.SessionID{1}, Limits{}, time.Now)
	s.Resume(0, 0)
	encode := func(effects []Effect) (messages []string) {
		for _, e := range effects {
			if write, ok := e.(Write); ok {
				if message, _ := j.Encode(write.Frame); message != nil {
					messages = append(messages, string(message))
				}
			}
		}
		return messages
	}
	f := proto.Frame{To: lmz.At("G", "a.b"), Context: []byte{0xa0}, Payload: []byte("\x82\x61x\x80")}
	call := encode(s.Call(1, f, false))
	encode(s.Cancel(1, "given up"))
	f.NoReply = true
	send := encode(s.Call(2, f, false))
	if len(call) != 1 || len(send) != 1 || len(j.ours) != 0 {
		t.Errorf("%d calls are kept after %q, %q", len(j.ours), call, send)
	}
	for _, message := range append(call, send...) { // their late answers are nothing unknown
		_, id, _ := strings.Cut(message, `"callId":"`)
		id, _, _ = strings.Cut(id, `"`)
		f, _, _ := j.Decode(ParseJSON(jsonwire.GoMessages{}, []byte(`{"type":"incoming_call_response","callId":"`+id+`","success":true}`)))
		if f.Kind != proto.KindAnswer || len(s.Receive(f)) > 1 { // but for the acknowledgement
			t.Errorf("%s: %+v", id, f)
		}
	}
	for _, id := range []string{"", "x", j.prefix, j.prefix + "99", j.prefix + "-1", j.prefix + "18446744073709551617"} {
		f, _, _ := j.Decode(ParseJSON(jsonwire.GoMessages{}, []byte(`{"type":"incoming_call_response","callId":"`+id+`","success":true}`)))
		if f.Kind != 0 {
			t.Errorf("%q: %+v", id, f)
		}
	}
}

func TestCallsThatJSONCannotHoldComeBack(t *testing.T) {
	j := NewJSON(jsonwire.GoMessages{}, proto.SessionID{1}, false, time.Minute)
	j.Linked()
	chain, err := value.MarshalChain(lmz.Ctn("x", []uint64{1}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []proto.Frame{
		{Kind: proto.KindCall, Seq: 1, To: lmz.Worker("B"), Context: []byte{0xa0}, Payload: chain},
		{Kind: proto.KindCall, Seq: 2, To: lmz.Worker("B"), Context: []byte{0xa0}, Payload: chain, Again: proto.CallID{Number: 1}},
	} {
		message, back := j.Encode(f.Append(nil))
		if message != nil || back == nil || back.Call != f.Seq {
			t.Fatalf("frame %d: %s, %+v", f.Seq, message, back)
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
