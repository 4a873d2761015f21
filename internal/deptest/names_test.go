package deptest

import (
	"strings"
	"testing"
)

const testNameLength = 40 // after Test, Fuzz or Benchmark

func TestNamesOfTests(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test() {
			continue
		}
		for _, f := range functions(s) {
			for _, prefix := range []string{"Test", "Fuzz", "Benchmark"} {
				if name, ok := strings.CutPrefix(f.Name.Name, prefix); ok && f.Recv == nil && len(name) > testNameLength {
					t.Errorf("%s:%d: %s has %d characters behind %s, more than %d",
						s.path, s.line(f.Pos()), f.Name.Name, len(name), prefix, testNameLength)
				}
			}
		}
	}
}
