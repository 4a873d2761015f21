package deptest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestCodeInDocs requires that every paragraph of Go in the docs is, apart from white space, in a
// Go file of the repository.
func TestCodeInDocs(t *testing.T) {
	var code strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		data, err := os.ReadFile(path)
		code.WriteString(squeeze(string(data)) + " ")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, doc := range []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "PROTOCOL.md"} {
		data, err := os.ReadFile("../../" + doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range goBlock.FindAllStringSubmatch(string(data), -1) {
			for paragraph := range strings.SplitSeq(block[1], "\n\n") {
				blocks++
				if !strings.Contains(code.String(), squeeze(paragraph)) {
					t.Errorf("%s: this is in no Go file:\n%s", doc, paragraph)
				}
			}
		}
	}
	if blocks == 0 {
		t.Error("no code found")
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
