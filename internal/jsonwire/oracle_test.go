//go:build !js

package jsonwire

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"testing"

	"github.com/lumenize/lmz/internal/oracle"
	"github.com/lumenize/lmz/internal/value"
)

type oracleCase struct {
	Recipe recipe   `json:"recipe"`
	JSON   string   `json:"json"`
	CBOR   string   `json:"cbor"`
	Plain  []string `json:"plain,omitempty"` // decoders that support everything in it
}

type oracleAnswer struct {
	JSON, Again     string
	Face, FaceAgain string
	Wrong           []string
}

// stacks matches members of errors that the JavaScript face does not send: they name the files of
// a page.
var stacks = regexp.MustCompile(`"stack":"(?:[^"\\]|\\.)*",?`)

func TestTheOriginalAndOthersAgreeOn500Values(t *testing.T) {
	const n = 500
	cases := make([]oracleCase, n)
	for seed := range cases {
		c := newChef(uint64(seed))
		r := c.value()
		doc := cooked(r, false)
		text, err := ToJSON(doc)
		if err != nil {
			t.Fatalf("seed %d: %x: %v", seed, doc, err)
		}
		cases[seed] = oracleCase{Recipe: r, JSON: string(text), CBOR: hex.EncodeToString(doc)}
		if c.plain {
			cases[seed].Plain = []string{"cbor-x"}
			if !bytes.Contains(doc, []byte{0xd9, 0x01, 0x03}) { // it does not support Map
				cases[seed].Plain = append(cases[seed].Plain, "cbor2")
			}
		}
	}
	for seed, answer := range oracle.Ask[oracleAnswer](t, "@lumenize", cases) {
		c := cases[seed]
		if answer.JSON != c.JSON {
			t.Errorf("seed %d: the original writes\n%s, we\n%s", seed, answer.JSON, c.JSON)
		}
		if answer.Again != c.JSON {
			t.Errorf("seed %d: the original reads\n%s as\n%s", seed, c.JSON, answer.Again)
		}
		if want := stacks.ReplaceAllString(c.JSON, ""); answer.Face != want || answer.FaceAgain != want {
			t.Errorf("seed %d: the face writes\n%s and then\n%s, want\n%s", seed, answer.Face, answer.FaceAgain, want)
		}
		for _, wrong := range answer.Wrong {
			t.Errorf("seed %d: %s: %s; it is %s", seed, c.CBOR, wrong, c.JSON)
		}
		doc, err := FromJSON([]byte(answer.JSON))
		if want := cooked(c.Recipe, true); err != nil || !bytes.Equal(doc, want) {
			t.Errorf("seed %d: we read %s as\n%x (%v), want\n%x", seed, answer.JSON, doc, err, want)
		}
		var v any
		if err := value.Unmarshal(doc, &v); err != nil {
			t.Errorf("seed %d: %s cannot be decoded: %v", seed, answer.JSON, err)
		}
	}
}
