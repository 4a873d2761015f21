//go:build !js

package proto

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

type oracleCase struct {
	Recipe recipe   `json:"recipe"`
	JSON   string   `json:"json"`
	CBOR   string   `json:"cbor"`
	Plain  []string `json:"plain,omitempty"` // decoders that know everything in it
}

type oracleAnswer struct {
	JSON, Again     string
	Face, FaceAgain string
	Wrong           []string
}

// stacks are members of errors that the JavaScript face does not send: they name the
// files of a page.
var stacks = regexp.MustCompile(`"stack":"(?:[^"\\]|\\.)*",?`)

// askOracle has the original's encoder and other CBOR libraries look at the cases.
func askOracle(t *testing.T, cases []oracleCase) []oracleAnswer {
	t.Helper()
	dir := filepath.Join("testdata", "oracle")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@lumenize")); err != nil {
		t.Fatal("the packages to compare with are missing: run `npm ci` in internal/proto/testdata/oracle")
	}
	input, err := json.Marshal(map[string]any{"cases": cases})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "oracle.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node oracle.mjs: %v\n%s", err, &stderr)
	}
	var answers []oracleAnswer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers for %d cases (%v)", len(answers), len(cases), err)
	}
	return answers
}

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
			if !bytes.Contains(doc, []byte{0xd9, 0x01, 0x03}) { // it does not know Map
				cases[seed].Plain = append(cases[seed].Plain, "cbor2")
			}
		}
	}
	for seed, answer := range askOracle(t, cases) {
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
		if err := Unmarshal(doc, &v); err != nil {
			t.Errorf("seed %d: %s cannot be decoded: %v", seed, answer.JSON, err)
		}
	}
}
