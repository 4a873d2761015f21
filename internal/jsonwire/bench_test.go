package jsonwire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// jsonFrame is the same call as a JSON message, read as cheaply as encoding/json allows: the
// payload stays raw.
type jsonFrame struct {
	Type, CallID, Binding, Instance string
	Chain, CallContext              json.RawMessage
}

// BenchmarkAgainstJSON reads the header of a 200-byte call and leaves its payload raw,
// in both protocols.
func BenchmarkAgainstJSON(b *testing.B) {
	chain, err := value.MarshalChain(lmz.Ctn("update", strings.Repeat("x", 120)))
	if err != nil {
		b.Fatal(err)
	}
	f := proto.Frame{Kind: proto.KindCall, Seq: 1000, Ack: 999, To: lmz.At("DOCUMENT_DO", "notes"), Timeout: 30 * time.Second, Context: []byte{0xa0}, Payload: chain}
	m := Message{Type: MessageCall, CallID: "28820342-1651-4030-b1f1-9bb4cb655e0f", To: f.To, Chain: chain}
	text, err := m.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	frame := f.Append(nil)
	b.Run("cbor", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(frame)))
		for b.Loop() {
			if _, err := proto.ParseFrame(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var f jsonFrame
			if err := json.Unmarshal(text, &f); err != nil {
				b.Fatal(err)
			}
		}
	})
}
