package jsonwire

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := value.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustChain(t *testing.T, c lmz.Continuation) []byte {
	t.Helper()
	data, err := value.MarshalChain(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestMessagesAreTheOriginals(t *testing.T) {
	client := lmz.Identity{Type: lmz.TypeClient, Address: lmz.At("LUMENIZE_CLIENT_GATEWAY", "u.t")}
	object := lmz.Identity{Type: lmz.TypeObject, Address: lmz.At("D", "d1")}
	for _, test := range []struct {
		m    Message
		text string
	}{
		{Message{Type: MessageCall, CallID: "28820342-1651-4030-b1f1-9bb4cb655e0f", To: lmz.At("A", "1"),
			Chain: valuetest.Unhex("81 66 7365636f6e64"), Context: mustContext(t, lmz.CallContext{Chain: []lmz.Identity{client}})},
			`{"type":"call","callId":"28820342-1651-4030-b1f1-9bb4cb655e0f","binding":"A","instance":"1",` +
				`"chain":{"json":[{"type":"get","key":"second"}],"meta":{}},"callContext":{"callChain":[{"type":"LumenizeClient",` +
				`"bindingName":"LUMENIZE_CLIENT_GATEWAY","instanceName":"u.t"}],"state":{"json":{},"meta":{}}}}`},
		{Message{Type: MessageCall, CallID: "w", To: lmz.Worker("WORKER"), Chain: mustChain(t, lmz.Ctn("m"))},
			`{"type":"call","callId":"w","binding":"WORKER","chain":{"json":[{"type":"get","key":"m"},{"type":"apply","args":[]}],"meta":{}},` +
				`"callContext":{"callChain":[],"state":{"json":{},"meta":{}}}}`},
		{Message{Type: MessageCallResponse, CallID: "3", Answer: proto.Answer{Payload: mustMarshal(t, lmz.Undefined{})}},
			`{"type":"call_response","callId":"3","success":true,"result":{"json":{"$type":"undefined"},"meta":{}}}`},
		{Message{Type: MessageCallResponse, CallID: "3", Answer: proto.ErrorAnswer(&lmz.Error{
			Code: lmz.CodeCallee, Message: "bad", Fields: map[string]any{"stack": "...", "code": 7}})},
			`{"type":"call_response","callId":"3","success":false,"error":{"json":{"$type":"error","name":"Error","message":"bad",` +
				`"stack":"...","code":7,"lmzCode":"callee"},"meta":{}}}`},
		{Message{Type: MessageIncomingCall, CallID: "a7972cbe-23a9-41f5-bace-59b629527ac9", Chain: mustChain(t, lmz.Ctn("hi", 1)),
			Context: mustContext(t, lmz.CallContext{Chain: []lmz.Identity{object},
				Auth:  &lmz.Auth{Subject: "u", Claims: map[string]any{"isAdmin": true, "list": []any{1.5, nil}}},
				State: map[string]lmz.Value{"s": item(t, time.Unix(0, 0))}})},
			`{"type":"incoming_call","callId":"a7972cbe-23a9-41f5-bace-59b629527ac9","chain":{"json":[{"type":"get","key":"hi"},` +
				`{"type":"apply","args":[1]}],"meta":{}},"callContext":{"callChain":[{"type":"LumenizeDO","bindingName":"D","instanceName":"d1"}],` +
				`"originAuth":{"sub":"u","claims":{"isAdmin":true,"list":[1.5,null]}},` +
				`"state":{"json":{"s":{"$type":"date","iso":"1970-01-01T00:00:00.000Z"}},"meta":{}}}}`},
		{Message{Type: MessageIncomingCallResponse, CallID: "x", Answer: proto.Answer{Payload: mustMarshal(t, []any{1, "a"})}},
			`{"type":"incoming_call_response","callId":"x","success":true,"result":{"json":[1,"a"],"meta":{}}}`},
		{Message{Type: MessageConnectionStatus, SubscriptionRequired: true}, `{"type":"connection_status","subscriptionRequired":true}`},
		{Message{Type: MessageConnectionStatus}, `{"type":"connection_status","subscriptionRequired":false}`},
	} {
		text, err := test.m.Append(nil)
		if err != nil || string(text) != test.text {
			t.Errorf("wrote\n%s (%v), want\n%s", text, err, test.text)
		}
		back, err := ParseMessage([]byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		back.Context = withStateOfNodes(t, back.Context) // JSON does not record who set it
		if again, err := back.Append(nil); err != nil || string(again) != test.text {
			t.Errorf("%s became %s (%v)", test.text, again, err)
		}
		want := test.m
		if want.Answer.Failed != "" { // the properties of an error are reordered
			want.Answer.Payload = back.Answer.Payload
		}
		if want.Context == nil && want.Chain != nil {
			want.Context = emptyContext
		}
		if diff := cmp.Diff(want, back, cmp.Comparer(sameItem)); diff != "" {
			t.Errorf("%s:\n%s", test.text, diff)
		}
	}
}

func mustContext(t *testing.T, c lmz.CallContext) []byte {
	t.Helper()
	data, err := proto.MarshalContext(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withStateOfNodes turns state that a client set into state that nodes set.
func withStateOfNodes(t *testing.T, context []byte) []byte {
	t.Helper()
	if context == nil {
		return nil
	}
	c, err := proto.UnmarshalContext(context)
	if err != nil {
		t.Fatal(err)
	}
	c.State, c.ClientState = c.ClientState, nil
	return mustContext(t, c)
}

func item(t *testing.T, v any) value.Item {
	t.Helper()
	it, err := value.Parse(mustMarshal(t, v))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func sameItem(a, b value.Item) bool { return string(a.Raw()) == string(b.Raw()) }

func TestMessagesThatAreNoneAreNoErrors(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "", `5`: "", `[]`: "", `"call"`: "", `{}`: "", `{"type":5}`: "", `{"type":"later","callId":7}`: "later",
		`{"type":"connection_status","subscriptionRequired":"yes","more":{}}`: MessageConnectionStatus,
	} {
		if m, err := ParseMessage([]byte(text)); err != nil || m.Type != want || m.SubscriptionRequired {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
	for _, text := range []string{"", Ping, Pong, "{", `{"type":"call"`, "\xff"} {
		if _, err := ParseMessage([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestABadCallNamesWhoWaitsForItsAnswer(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"call","callId":"7"}`:                                                                        "names no binding",
		`{"type":"call","callId":"7","binding":"B"}`:                                                          "the call has none",
		`{"type":"call","callId":"7","binding":"B","chain":null}`:                                             "null where an encoded value belongs",
		`{"type":"call","callId":"7","binding":"B","chain":"x"}`:                                              "operations must be an array",
		`{"type":"incoming_call","callId":"7","chain":{"json":[{"type":"get"}]}}`:                             "the key of an operation is nothing",
		`{"type":"call","callId":"7","binding":"B","chain":{"json":[]},"callContext":{"callChain":[5]}}`:      "callContext.callChain[0]",
		`{"type":"call","callId":"7","binding":"B","chain":{"json":[]},"callContext":{"state":{"json":[1]}}}`: "callContext.state: expected object, got array",
	} {
		m, err := ParseMessage([]byte(text))
		if m.CallID != "7" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: call %q, %v; want %q", text, m.CallID, err, want)
		}
	}
	for _, text := range []string{`{"type":"call"}`, `{"type":"call_response","callId":7}`} {
		if m, err := ParseMessage([]byte(text)); m.CallID != "" || err == nil {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
}

func TestWhatAClientSaysOfItselfIsIgnored(t *testing.T) {
	m, err := ParseMessage([]byte(`{"type":"call","callId":"7","binding":"B","instance":5,"chain":{"json":[]},` +
		`"callContext":{"originAuth":{"sub":"root"},"state":null,"callChain":null}}`))
	c, broken := proto.UnmarshalContext(m.Context)
	if err != nil || broken != nil || c.Auth == nil || c.Auth.Subject != "" || c.ClientState != nil || m.To.Instance != "" {
		t.Errorf("%+v, %v", m, err)
	}
	m, err = ParseMessage([]byte(`{"type":"call","callId":"7","binding":"B","chain":{"json":[]},"callContext":5}`))
	if err != nil || string(m.Context) != string(emptyContext) {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestWhatTrustedNodesSetHidesWhatTheClientSet(t *testing.T) {
	m := Message{Type: MessageIncomingCall, CallID: "1", Chain: mustChain(t, lmz.Ctn("hi")), Context: mustContext(t, lmz.CallContext{
		State: map[string]lmz.Value{"a": item(t, 1)}, ClientState: map[string]lmz.Value{"a": item(t, 2), "b": item(t, 3)},
	})}
	text, err := m.Append(nil)
	if want := `"state":{"json":{"a":1,"b":3},"meta":{}}`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
}

func TestEveryAnswerSettlesItsCall(t *testing.T) {
	for text, want := range map[string]struct {
		code    lmz.Code
		message string
	}{
		`"success":true`:                                                   {lmz.CodeUnknown, "it has no result"},
		`"success":true,"result":null`:                                     {lmz.CodeUnknown, "it has no result"},
		`"success":true,"result":{"json":"\ud800"}`:                        {lmz.CodeUnknown, "half of a surrogate pair"},
		`"success":"yes","result":{"json":1}`:                              {lmz.CodeUnknown, "does not say whether"},
		`"result":{"json":1}`:                                              {lmz.CodeUnknown, "does not say whether"},
		`"success":false`:                                                  {lmz.CodeCallee, "does not say why"},
		`"success":false,"error":null`:                                     {lmz.CodeCallee, "does not say why"},
		`"success":false,"error":{"json":"sorry"}`:                         {lmz.CodeCallee, "sorry"},
		`"success":false,"error":{"json":{"$type":"error","message":"m"}}`: {lmz.CodeCallee, "m"},
		`"success":false,"error":{"json":{"$type":"error","message":"m","lmzCode":"guard"}}`:     {lmz.CodeGuard, "m"},
		`"success":false,"error":{"json":{"$type":"error","message":"m","at":{"$type":"date"}}}`: {lmz.CodeUnknown, "at.iso"},
	} {
		for _, kind := range []string{MessageCallResponse, MessageIncomingCallResponse} {
			m, err := ParseMessage([]byte(`{"type":"` + kind + `","callId":"7",` + text + `}`))
			if err != nil || m.CallID != "7" {
				t.Errorf("%s: %+v, %v", text, m, err)
				continue
			}
			_, err = m.Answer.Result()
			if lmz.CodeOf(err) != want.code || !strings.Contains(err.Error(), want.message) {
				t.Errorf("%s: %v (%s)", text, err, lmz.CodeOf(err))
			}
		}
	}
	m, err := ParseMessage([]byte(`{"type":"call_response","callId":"7","success":true,"result":5}`))
	if v, failure := m.Answer.Result(); err != nil || failure != nil || !v.(value.Item).IsUndefined() {
		t.Errorf("a result that is not encoded is undefined to the original: %v, %v, %v", v, failure, err)
	}
}

func TestAnAnswerThatJSONCannotHoldBecomesAnError(t *testing.T) {
	for want, payload := range map[string][]byte{
		"the answer cannot be sent as JSON: a: a BigInt64Array cannot": mustMarshal(t, map[string]any{"a": []int64{1}}),
		"the answer cannot be sent as JSON: too large":                 mustMarshal(t, make([]byte, proto.MaxFrame/2)),
		"the answer cannot be sent as JSON: malformed CBOR":            {0xff},
	} {
		text, err := (&Message{Type: MessageCallResponse, CallID: "7", Answer: proto.Answer{Payload: payload}}).Append(nil)
		if err != nil || !strings.Contains(string(text), want) || !strings.Contains(string(text), `"success":false`) {
			t.Errorf("%s, %v; want %q", text[:min(len(text), 300)], err, want)
		}
		if m, err := ParseMessage(text); err != nil || m.Answer.Failed != lmz.CodeCallee {
			t.Errorf("%+v, %v", m, err)
		}
	}
}

func TestCallTooLargeForFrame(t *testing.T) {
	m := Message{Type: MessageCall, CallID: "7", To: lmz.Worker("B"), Chain: mustChain(t, lmz.Ctn("m", strings.Repeat("x", proto.MaxFrame)))}
	before := []byte("before")
	text, err := m.Append(before)
	if !errors.Is(err, cbordoc.ErrTooLarge) || string(text) != "before" {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
