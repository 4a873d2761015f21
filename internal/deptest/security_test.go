package deptest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// judged counts, by section, the requirements of OWASP ASVS 5.0 at levels 1 and 2, all of which
// docs/security.md must assess.
var judged = map[string][]int{
	"4.4": upTo(4),
	"6.1": upTo(3), "6.2": upTo(12), "6.3": upTo(4), "6.4": upTo(4), "6.5": upTo(5), "6.6": upTo(3), "6.8": upTo(4),
	"7.1": upTo(3), "7.2": upTo(4), "7.3": upTo(2), "7.4": upTo(5), "7.5": upTo(2), "7.6": upTo(2),
	"8.1": upTo(2), "8.2": upTo(3), "8.3": upTo(1), "8.4": upTo(1),
	"9.1": upTo(3), "9.2": upTo(4),
	"10.1": upTo(2), "10.2": upTo(2), "10.3": upTo(4), "10.4": upTo(11), "10.5": upTo(5), "10.6": upTo(2), "10.7": upTo(3),
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

var (
	requirement = regexp.MustCompile(`^\| (\d+\.\d+)\.(\d+)(?:–\d+\.\d+\.(\d+))? \| ([^|]*) \| ([^|]*) \| ([^|]*) \|(.*)\|$`)
	testName    = regexp.MustCompile("`(Test\\w+)`")
	testFunc    = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// TestSecurityTable requires that docs/security.md assesses every requirement once, and that
// every test it names exists.
func TestSecurityTable(t *testing.T) {
	data, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOfTheRepository(t)
	seen := make(map[string]int)
	for line := range strings.Lines(string(data)) {
		for _, name := range testName.FindAllStringSubmatch(line, -1) {
			if !tests[name[1]] {
				t.Errorf("there is no test %s", name[1])
			}
		}
		row := requirement.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		first, _ := strconv.Atoi(row[2])
		last := first
		if row[3] != "" {
			last, _ = strconv.Atoi(row[3])
		}
		for n := first; n <= last; n++ {
			seen[fmt.Sprintf("%s.%d", row[1], n)]++
		}
		switch verdict := row[6]; {
		case strings.HasPrefix(verdict, "n/a: "):
		case strings.HasPrefix(verdict, "met"), strings.HasPrefix(verdict, "differs"):
			if !testName.MatchString(row[7]) {
				t.Errorf("%s.%s: %s, and no test shows it", row[1], row[2], verdict)
			}
		default:
			t.Errorf("%s.%s: the verdict %q is none of met, n/a and differs", row[1], row[2], verdict)
		}
	}
	want := 0
	for section, numbers := range judged {
		for _, n := range numbers {
			want++
			if id := fmt.Sprintf("%s.%d", section, n); seen[id] != 1 {
				t.Errorf("%s is judged %d times", id, seen[id])
			}
		}
	}
	if len(seen) != want {
		t.Errorf("%d requirements are judged, of %d", len(seen), want)
	}
}

// testsOfTheRepository returns the names of all Go tests.
func testsOfTheRepository(t *testing.T) map[string]bool {
	t.Helper()
	tests := make(map[string]bool)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		for _, name := range testFunc.FindAllStringSubmatch(string(data), -1) {
			tests[name[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
