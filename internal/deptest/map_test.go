package deptest

import (
	"os"
	"strings"
	"testing"
)

// TestMap requires that CONTRIBUTING.md shows every package or a parent of it.
func TestMap(t *testing.T) {
	data, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := "\n" + string(data)
	for _, p := range list(t, nil, module+"/...") {
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		parts := strings.Split(path, "/")
		for n := range parts {
			if at := strings.Join(parts[:n+1], "/") + "/"; at != "internal/" && strings.Contains(shown, " "+at) {
				path = ""
			}
		}
		if path != "" {
			t.Errorf("CONTRIBUTING.md does not show %s", path)
		}
	}
}
