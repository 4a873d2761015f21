package deptest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rules are the sections of the original's specification and how many rules docs/differences.md
// has of each: M is the mesh, A auth, T the tutorial.
var rules = map[string]int{
	"M1.1": 8, "M1.2": 5, "M1.3": 20, "M1.4": 8, "M1.5": 5, "M1.6": 2, "M2.1": 6, "M2.2": 3, "M2.3": 4, "M2.4": 1,
	"M2.5": 1, "M2.6": 5, "M2.7": 11, "M3.1": 1, "M3.2": 4, "M3.3": 3, "M3.4": 11, "M3.5": 5, "M3.6": 6, "M3.7": 5,
	"M3.8": 1, "M3.9": 5, "M3.10": 1, "M3.11": 3, "M3.12": 53, "M4.1": 2, "M4.2": 4, "M4.3": 3, "M4.4": 11, "M4.5": 5,
	"M4.6": 3, "M4.7": 1, "M4.8": 2, "M5.1": 4, "M5.2": 4, "M5.3": 4, "M5.4": 3, "M5.5": 3, "M5.6": 4, "M5.7": 2,
	"M5.8": 1, "M6.1": 2, "M6.2": 4, "M6.3": 3, "M6.4": 5, "M6.5": 1, "M7.1": 7, "M7.2": 3, "M7.3": 2, "M7.4": 12,
	"M7.5": 4, "M7.6": 1, "M7.7": 5, "M7.8": 6, "M7.9": 4, "M7.10": 4, "M7.11": 4, "M7.12": 1, "M7.13": 1, "M7.14": 1,
	"M7.15": 1, "M8.1": 3, "M8.2": 4, "M8.3": 5, "M8.4": 1, "M8.5": 5, "M8.6": 5, "M8.7": 1, "M9.1": 3, "M9.2": 3,
	"M9.3": 5, "M9.4": 2, "M9.5": 3, "M9.6": 15, "M9.7": 6, "M9.8": 1, "M10": 4, "M11.1": 4, "M11.2": 2, "M11.3": 2,
	"M11.4": 6, "M12.1": 3, "M12.2": 3, "M12.3": 1, "M12.4": 1, "M13.1": 2, "M13.2": 2, "M13.3": 1, "M13.4": 1,
	"MB": 53, "MC": 40, "MD": 39, "A1": 3, "A1.1": 3, "A1.2": 5, "A2": 26, "A3": 8, "A3.1": 8, "A4.1": 5, "A4.2": 3,
	"A4.3": 2, "A4.4": 4, "A4.5": 2, "A4.6": 2, "A4.7": 1, "A4.8": 2, "A4.9": 1, "A4.10": 1, "A4.11": 1, "A4.12": 2,
	"A4.13": 3, "A4.14": 2, "A4.15": 2, "A4.16": 1, "A5": 7, "A6.1": 8, "A6.2": 3, "A6.3": 4, "A6.4": 1, "A6.5": 1,
	"A7": 6, "A8": 5, "A9.1": 1, "A9.2": 2, "A9.3": 3, "A9.4": 1, "A10": 6, "A11": 2, "A12.1": 4, "A12.2": 1,
	"A12.3": 1, "A12.4": 1, "A12.5": 1, "A12.6": 1, "A13": 1, "A14": 4, "A15": 3, "A16.1": 2, "A16.2": 2, "A16.3": 2,
	"A16.4": 1, "A16.5": 2, "A16.6": 1, "A17": 2, "A18": 4, "A19.1": 4, "A19.2": 1, "A19.3": 2, "A20": 4, "A21": 3,
	"A21.1": 4, "A21.2": 1, "A22": 1, "A23": 18, "AB": 23, "AC": 4, "AD": 1, "AE": 1, "T1": 10, "T2": 6, "T3": 1,
}

var (
	ruleRow    = regexp.MustCompile(`^\| ([MAT][A-E]?[\d.]*)-(\d+)(?:–(\d+))? \| ([^|]+) \| ([^|]+) \|([^|]*)\|$`)
	scriptTest = regexp.MustCompile("`(\\w+\\.test\\.mjs): ([^`]+)`")
	shownBy    = regexp.MustCompile("^(?: | `[^`]+`(?:, `[^`]+`)* )$")
	verdict    = regexp.MustCompile(`^(same(?:$|[:,;]? .+)|differs(?:: .+|,? .+)|n/a(?:$|: .+| .+))$`)
)

// TestDifferencesTable requires every rule once in docs/differences.md, each with a verdict, a
// test if the behavior is the same, and only tests that exist.
func TestDifferencesTable(t *testing.T) {
	data, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOfTheRepository(t)
	seen := make(map[string]map[int]bool)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| rule ") {
			continue
		}
		row := ruleRow.FindStringSubmatch(line)
		if row == nil {
			t.Errorf("this is no row of a rule: %s", line)
			continue
		}
		section := seen[row[1]]
		if section == nil {
			section = make(map[int]bool)
			seen[row[1]] = section
		}
		first, _ := strconv.Atoi(row[2])
		last := first
		if row[3] != "" {
			last, _ = strconv.Atoi(row[3])
		}
		for n := first; n <= last; n++ {
			if n != len(section)+1 {
				t.Errorf("%s-%d does not follow %s-%d", row[1], n, row[1], len(section))
			}
			section[n] = true
		}
		if !verdict.MatchString(row[5]) {
			t.Errorf("%s-%s: the verdict %q is none of same, differs with a reason, and n/a", row[1], row[2], row[5])
		}
		if !shownBy.MatchString(row[6]) || strings.HasPrefix(row[5], "same") && !strings.Contains(row[6], "`") {
			t.Errorf("%s-%s: %s, shown by %q", row[1], row[2], row[5], row[6])
		}
		checkShown(t, row[6], tests)
	}
	for section, n := range rules {
		if len(seen[section]) != n {
			t.Errorf("section %s has %d rules, not %d", section, len(seen[section]), n)
		}
	}
	for section := range seen {
		if rules[section] == 0 {
			t.Errorf("there is no section %s", section)
		}
	}
}

// checkShown requires that every test named in a cell exists.
func checkShown(t *testing.T, cell string, tests map[string]bool) {
	t.Helper()
	named := 0
	for _, name := range testName.FindAllStringSubmatch(cell, -1) {
		if named++; !tests[name[1]] {
			t.Errorf("there is no test %s", name[1])
		}
	}
	for _, name := range scriptTest.FindAllStringSubmatch(cell, -1) {
		named++
		data, err := os.ReadFile(filepath.Join("../../wasmclient/js", name[1]))
		if err != nil || !strings.Contains(string(data), "test('"+name[2]) && !strings.Contains(string(data), "test(`"+name[2]) {
			t.Errorf("%s has no test %q", name[1], name[2])
		}
	}
	if quoted := strings.Count(cell, "`") / 2; named != quoted {
		t.Errorf("%d of %d names are no tests:%s", quoted-named, quoted, cell)
	}
}
