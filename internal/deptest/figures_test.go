package deptest

import (
	"slices"
	"strings"
	"testing"
)

// TestFigures prints the measurements of the code: go test ./internal/deptest -run Figures -v
func TestFigures(t *testing.T) {
	var lengths, functionLengths []int
	var lines, testLines, long int
	packages := make(map[string]bool)
	public := make(map[string]int)
	all := sources(t)
	for _, s := range all {
		for _, line := range s.lines {
			if width(line) > commentColumns {
				long++
			}
		}
		if s.test() {
			testLines += len(s.lines)
			continue
		}
		packages[s.dir()] = true
		lines += len(s.lines)
		lengths = append(lengths, len(s.lines))
		for _, f := range functions(s) {
			functionLengths = append(functionLengths, s.line(f.End())-s.line(f.Pos())+1)
		}
		if importable(s) {
			for _, e := range exports(s) {
				if !strings.Contains(e.name, ".") { // methods are not counted
					public[s.dir()]++
				}
			}
		}
	}
	slices.Sort(lengths)
	slices.Sort(functionLengths)
	at := func(sorted []int, percent int) int { return sorted[(len(sorted)-1)*percent/100] }
	t.Logf("packages                              %6d", len(packages))
	t.Logf("files                                 %6d", len(lengths))
	t.Logf("lines of a file, p50                  %6d", at(lengths, 50))
	t.Logf("lines of a file, p90                  %6d", at(lengths, 90))
	t.Logf("lines of a file, longest              %6d", at(lengths, 100))
	t.Logf("lines of a function, p50              %6d", at(functionLengths, 50))
	t.Logf("lines of a function, p95              %6d", at(functionLengths, 95))
	t.Logf("lines of a function, longest          %6d", at(functionLengths, 100))
	t.Logf("exported names of the root package    %6d", public[""])
	t.Logf("exported names of client              %6d", public["client"])
	t.Logf("lines over %d columns                %6d", commentColumns, long)
	t.Logf("sleeps of tests in real time          %6d", len(realSleeps(t)))
	t.Logf("lines of tests for one of code        %6.2f", float64(testLines)/float64(lines))
	var largest knotted
	for _, p := range knots(t) {
		if len(p.knot) > len(largest.knot) {
			largest = p
		}
	}
	t.Logf("files in the largest knot             %6d  of %d, in %s", len(largest.knot), largest.files, largest.path)
}
