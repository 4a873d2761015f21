package deptest

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const proseColumns = 90

// marker matches the start of a list item or a quotation.
var marker = regexp.MustCompile(`^\s*(?:[-*+>]|\d+\.)\s+`)

// TestProseLines requires that Markdown is wrapped, except tables, code and unbreakable text.
func TestProseLines(t *testing.T) {
	for _, path := range files(t, ".md") {
		data, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		code := false
		for i, line := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				code = !code
			}
			table := strings.HasPrefix(strings.TrimSpace(line), "|")
			if code || table || strings.HasPrefix(line, "    ") || utf8.RuneCountInString(line) <= proseColumns {
				continue
			}
			text := line[len(marker.FindString(line)):]
			if space := strings.Index(text, " "); space < 0 { // a link, for instance
				continue
			}
			t.Errorf("%s:%d: %d columns, more than %d", path, i+1, utf8.RuneCountInString(line), proseColumns)
		}
	}
}
