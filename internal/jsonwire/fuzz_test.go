package jsonwire

import (
	"bytes"
	"testing"

	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/internal/value/valuetest"
	"pgregory.net/rapid"
)

func seedJSON(f *testing.F) {
	for _, example := range jsonExamples {
		f.Add([]byte(encoded(example.text)))
	}
	f.Add([]byte(jsonDoubling(4, plainForm)))
	f.Add([]byte(jsonDoubling(4, chainForm)))
	f.Add([]byte(`{"json":[` + resultMarker + `],"meta":{}}`))
	f.Add([]byte(`{"json":{"$type":"zzz","$$b":2,"$ref":1},"meta":{"aliases":{"1":5}}}`))
}

// FuzzJSONDecode checks that JSON decodes to CBOR that can be written as JSON, and that further
// round trips do not change that; and that no message does harm.
func FuzzJSONDecode(f *testing.F) {
	seedJSON(f)
	f.Add([]byte(`{"type":"call","callId":"7","binding":"B","chain":{"json":[{"type":"get","key":"a"},{"type":"apply","args":[1]}]},` +
		`"callContext":{"callChain":[{"type":"LumenizeDO"}],"originAuth":{"sub":"u","claims":{}},"state":{"json":{"a":1}}}}`))
	f.Add([]byte(`{"type":"call_response","callId":"7","success":false,"error":{"json":{"$type":"error","lmzCode":"guard"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := ParseMessage(text); err == nil && m.CallID != "" {
			if m.Answer.Payload != nil {
				_, _ = m.Answer.Result()
			}
			_, _ = m.Append(nil)
		}
		if _, err := Parse(text); err != nil {
			return
		}
		_, _ = ChainFromJSON(text)
		_, _, _ = ErrorFromJSON(text)
		doc, err := FromJSON(text)
		if err != nil {
			return
		}
		if _, err := value.Parse(doc); err != nil {
			t.Fatalf("%s became %x: %v", text, doc, err)
		}
		again, err := ToJSON(doc)
		if err != nil {
			return // such as a body that became too deep
		}
		same(t, again)
	})
}

// same checks that JSON written by this package does not change when it is read and written.
func same(t interface{ Fatalf(string, ...any) }, text []byte) {
	doc, err := FromJSON(text)
	if err != nil {
		t.Fatalf("we write %s and cannot read it: %v", text, err)
	}
	again, err := ToJSON(doc)
	if err != nil || !bytes.Equal(again, text) {
		t.Fatalf("%s became %s (%v)", text, again, err)
	}
}

// agree checks that a document keeps its meaning after a round trip through JSON, as far as JSON
// can represent it.
func agree(t interface{ Fatalf(string, ...any) }, doc []byte) {
	text, err := ToJSON(doc)
	if err != nil {
		return
	}
	var before, after any
	if value.Unmarshal(doc, &before) != nil {
		return
	}
	want, err := Encode(before)
	if err != nil {
		return
	}
	back, err := FromJSON(text)
	if err != nil {
		t.Fatalf("%x became %s, which we cannot read: %v", doc, text, err)
	}
	if err := value.Unmarshal(back, &after); err != nil {
		t.Fatalf("%x became %s and then %x: %v", doc, text, back, err)
	}
	if got, err := Encode(after); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%x became %s, which means\n%s (%v), not\n%s", doc, text, got, err, want)
	}
	same(t, text)
}

// FuzzJSONAndCBORAgree checks that both codecs agree on the meaning.
func FuzzJSONAndCBORAgree(f *testing.F) {
	for _, example := range jsonExamples {
		doc, err := FromJSON([]byte(encoded(example.text)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Add(valuetest.Doubling(8))
	f.Add(valuetest.ManyCopies(20))
	f.Add(valuetest.DoublingContinuations(3))
	for i := range uint64(30) {
		f.Add(cooked(newChef(i).value(), false))
	}
	f.Fuzz(func(t *testing.T, doc []byte) { agree(t, doc) })
}

func TestRandomValuesMeanTheSameInBothCodecs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc, err := value.Marshal(valuetest.Draw(t))
		if err != nil {
			t.Fatal(err)
		}
		agree(t, doc)
	})
}

func TestRandomRecipesMeanTheSameInBothCodecs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newChef(rapid.Uint64().Draw(t, "seed")).value()
		agree(t, cooked(r, false))
		// In JavaScript's order nothing changes at all.
		doc := cooked(r, true)
		text, err := ToJSON(doc)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := FromJSON(text); err != nil || !bytes.Equal(back, doc) {
			t.Fatalf("%x became %s and then %x (%v)", doc, text, back, err)
		}
	})
}
