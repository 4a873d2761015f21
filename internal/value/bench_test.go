package value

import (
	"strings"
	"testing"

	"github.com/lumenize/lmz"
)

var text200 = strings.Repeat("x", 200)

func TestTextArgumentAllocations(t *testing.T) {
	data, err := Marshal(text200)
	if err != nil {
		t.Fatal(err)
	}
	small, err := MarshalChain(lmz.Ctn("update", text200))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		most float64
		run  func()
	}{
		{"decode a text", 2, func() {
			var s string
			if err := Unmarshal(data, &s); err != nil || len(s) != 200 {
				t.Fatal(err)
			}
		}},
		{"parse a call", 0, func() {
			if _, err := Parse(small); err != nil {
				t.Fatal(err)
			}
		}},
		{"encode a text", 2, func() {
			if _, err := Marshal(text200); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		if got := testing.AllocsPerRun(100, test.run); got > test.most {
			t.Errorf("%s: %v allocations, more than %v", test.name, got, test.most)
		}
	}
}

func BenchmarkParseAndDecodeText(b *testing.B) {
	data, _ := Marshal(text200)
	b.ReportAllocs()
	for b.Loop() {
		var s string
		if err := Unmarshal(data, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseChain(b *testing.B) {
	data, _ := MarshalChain(lmz.Ctn("update", text200))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalChain(b *testing.B) {
	buffer := make([]byte, 0, 1024)
	c := lmz.Ctn("update", text200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendChain(buffer, c); err != nil {
			b.Fatal(err)
		}
	}
}

type finding struct {
	Start, End int
	Word       string
	Hints      []string
}

var findings = []finding{{0, 3, "teh", []string{"the", "tech"}}, {10, 15, "wrold", []string{"world"}}}

func BenchmarkMarshalStructs(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Marshal(findings); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeStructs(b *testing.B) {
	data, _ := Marshal(findings)
	b.ReportAllocs()
	for b.Loop() {
		var out []finding
		if err := Unmarshal(data, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAny(b *testing.B) {
	data, _ := Marshal(findings)
	b.ReportAllocs()
	for b.Loop() {
		var out any
		if err := Unmarshal(data, &out); err != nil {
			b.Fatal(err)
		}
	}
}
