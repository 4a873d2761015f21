package make

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

type named struct {
	name  string
	value any
}

// values is a value of every kind.
func values() []named {
	u, _ := url.Parse("https://example.com/a?b=c#d")
	large, _ := new(big.Int).SetString("-18446744073709551617", 10)
	shared := &lmz.Map{{Key: "k", Value: int64(1)}}
	circle := map[string]any{"name": "circle"}
	circle["self"] = circle
	return []named{
		{"null", nil}, {"undefined", lmz.Undefined{}}, {"true", true}, {"false", false},
		{"zero", int64(0)}, {"integer", int64(-1000)}, {"large-integer", uint64(math.MaxUint64)}, {"big-integer", large},
		{"negative-zero", math.Copysign(0, -1)}, {"number", 1.1}, {"half", 1.5}, {"infinity", math.Inf(1)}, {"not-a-number", math.NaN()},
		{"text", "The teh fox 日本 👩‍👩‍👧 é\x00\n"}, {"empty-text", ""}, {"bytes", []byte{0, 1, 255}},
		{"array", []any{int64(1), []any{"two"}, nil}}, {"object", map[string]any{"b": []any{int64(2)}, "a": int64(1)}},
		{"date", time.Date(2025, 1, 30, 12, 0, 0, 123456789, time.UTC)}, {"late-date", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"url", u},
		{"int8", []int8{-1, 2}}, {"int16", []int16{-100, 256}}, {"uint16", []uint16{2, 4}}, {"int32", []int32{-2}}, {"uint32", []uint32{1}},
		{"bigint64", []int64{-1}}, {"biguint64", []uint64{1}}, {"float32", []float32{1.5}}, {"float64", []float64{1.5}},
		{"clamped", lmz.Uint8Clamped{0, 255}}, {"array-buffer", lmz.ArrayBuffer{Bytes: []byte{1, 2}}},
		{"data-view", lmz.DataView{Buffer: []byte{1, 2}, ByteOffset: 1, ByteLength: 1}},
		{"set", lmz.Set{int64(1), "a"}}, {"map", lmz.Map{{Key: "k", Value: int64(1)}, {Key: map[string]any{}, Value: nil}}},
		{"regexp", lmz.RegExp{Source: `a\/b`, Flags: "gi"}},
		{"boxed-boolean", lmz.Boxed{Value: false}}, {"boxed-number", lmz.Boxed{Value: 1.5}}, {"boxed-text", lmz.Boxed{Value: "s"}}, {"boxed-big-integer", lmz.Boxed{Value: big.NewInt(1)}},
		{"headers", lmz.Headers{{"a", "1"}, {"set-cookie", "x"}}},
		{"request", &lmz.HTTPRequest{URL: "https://example.com/", Method: "POST", Headers: lmz.Headers{{"a", "1"}}, Body: "x"}},
		{"response", &lmz.HTTPResponse{Status: 201, StatusText: "Created", Headers: lmz.Headers{{"a", "1"}}}},
		{"error", &lmz.Error{Name: "TypeError", Message: "t", Fields: map[string]any{"field": "email"}, Cause: &lmz.Error{Name: "Error", Message: "why"}}},
		{"shared", []any{shared, shared}}, {"circle", circle},
	}
}

// writeFrames writes what travels, a line each: what it is, a name, and its bytes in
// hexadecimal, or the text of the dialect for JSON.
func writeFrames(t *testing.T, path string) {
	var b strings.Builder
	line := func(kind, name string, data []byte, err error) {
		if err != nil {
			t.Fatal(kind, name, err)
		}
		fmt.Fprintf(&b, "%s %s %s\n", kind, name, hex.EncodeToString(data))
	}
	for _, v := range values() {
		data, err := value.Marshal(v.value)
		line("value", v.name, data, err)
		if text, err := jsonwire.ToJSON(data); err == nil { // what JSON cannot hold is not there
			fmt.Fprintf(&b, "json %s %s\n", v.name, text)
		}
	}
	chain, err := value.MarshalChain(lmz.Ctn("admin").Then("add", lmz.Ctn("get", int64(1)), "x"))
	line("chain", "nested", chain, err)
	caller := lmz.Identity{Type: lmz.TypeClient, Address: lmz.At(lmz.DefaultGateway, "ann.t1")}
	callContext, err := proto.MarshalContext(lmz.CallContext{
		Chain: []lmz.Identity{caller}, Auth: &lmz.Auth{Subject: "ann", Claims: map[string]any{"email": "ann@example.com"}},
	})
	line("context", "client", callContext, err)
	answer, err := value.Marshal(map[string]any{"ok": true})
	line("value", "answer", answer, err)
	failure, err := value.Marshal(&lmz.Error{Name: "EditRefused", Message: "no"})
	line("value", "failure", failure, err)
	doc := lmz.At("DOCUMENT_DO", "notes")
	for _, f := range []struct {
		name  string
		frame proto.Frame
	}{
		{"hello-first", proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{1, 2, 3}}},
		{"hello-again", proto.Frame{Kind: proto.KindHello, Session: proto.SessionID{10}, Resume: proto.SessionID{1}, Ack: 7, Attempt: 4}},
		{"welcome-new", proto.Frame{Kind: proto.KindWelcome, Grace: 5 * time.Second, Heartbeat: 30 * time.Second}},
		{"welcome-resumed", proto.Frame{Kind: proto.KindWelcome, Resumed: true, Ack: 7, Grace: 5 * time.Second, Heartbeat: 30 * time.Second}},
		{"call", proto.Frame{Kind: proto.KindCall, Seq: 1, To: doc, Timeout: 30 * time.Second, Context: callContext, Payload: chain}},
		{"call-one-way", proto.Frame{Kind: proto.KindCall, Seq: 2, Ack: 1, To: lmz.At("SPELLCHECK_WORKER"), NoReply: true, Context: []byte{0xa0}, Payload: chain}},
		{"call-again", proto.Frame{Kind: proto.KindCall, Seq: 3, To: doc, Timeout: time.Second, Context: []byte{0xa0}, Payload: chain,
			Again: proto.CallID{Session: proto.SessionID{9}, Number: 12}}},
		{"answer", proto.Frame{Kind: proto.KindAnswer, Seq: 1, Ack: 1, Call: 1, Payload: answer}},
		{"answer-failed", proto.Frame{Kind: proto.KindAnswer, Seq: 2, Ack: 2, Call: 2, Failed: lmz.CodeGuard, Payload: failure}},
		{"cancel", proto.Frame{Kind: proto.KindCancel, Seq: 300, Ack: 2, Call: 299}},
		{"ack", proto.Frame{Kind: proto.KindAck, Ack: 32}}, {"ping", proto.Frame{Kind: proto.KindPing}}, {"pong", proto.Frame{Kind: proto.KindPong}},
		{"token", proto.Frame{Kind: proto.KindToken, Token: "a.b.c"}}, {"away", proto.Frame{Kind: proto.KindAway, After: 1500 * time.Millisecond}},
	} {
		line("frame", f.name, f.frame.Append(nil), nil)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
