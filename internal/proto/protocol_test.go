package proto

import (
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz/internal/value"
)

var example = regexp.MustCompile("(?s)```(frame|value)\nname: ([^\n]*)\nhex: ([^\n]*)\ndiag: ([^\n]*)\n```")

// TestProtocolExamples checks the examples in PROTOCOL.md. The diagnostic notation comes from
// another library.
func TestProtocolExamples(t *testing.T) {
	text, err := os.ReadFile("../../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := example.FindAllStringSubmatch(string(text), -1)
	if len(examples) < 12 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, e := range examples {
		kind, name, diag := e[1], e[2], strings.TrimSpace(e[4])
		data, err := hex.DecodeString(strings.ReplaceAll(e[3], " ", ""))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := cbor.Diagnose(data); err != nil || got != diag {
			t.Errorf("%s: the bytes are %s, %v", name, got, err)
		}
		if kind == "frame" {
			f, err := ParseFrame(data)
			if err != nil || hex.EncodeToString(f.Append(nil)) != hex.EncodeToString(data) {
				t.Errorf("%s: as a frame it is %+v, %v", name, f, err)
			}
			continue
		}
		item, err := value.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := item.SelfContained()
		if err != nil || hex.EncodeToString(again) != hex.EncodeToString(data) {
			t.Errorf("%s: encoded again it is %x, %v", name, again, err)
		}
	}
}
