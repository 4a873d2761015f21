// Package oracle lets tests compare results with other implementations, run in Node.js.
package oracle

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Ask passes cases to testdata/oracle/oracle.mjs, which reads {"cases": [...]} and prints one
// answer for each. scope is the package scope that must be installed there, such as
// "@codemirror".
func Ask[A, C any](t *testing.T, scope string, cases []C) []A {
	t.Helper()
	dir := filepath.Join("testdata", "oracle")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", scope)); err != nil {
		t.Fatal("the packages to compare with are missing: run make setup")
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
	var answers []A
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers for %d cases (%v)", len(answers), len(cases), err)
	}
	return answers
}
