package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/text"
)

func TestHostileTextInWatch(t *testing.T) {
	const hostile = "\x1b]0;x\a\u009b31m\u202egpj.exe\x7f"
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		w := &watcher{con: testConsole(&out), json: asJSON, text: text.NewText("")}
		edit := text.Edit{Editor: hostile, Number: 1, Changes: text.Insert(0, 0, hostile)}
		if err := w.print(editor.Made{Update: edit.Update(), Version: 1, By: hostile}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(out.String(), "\x1b\a\u009b\u202e\x7f") || !strings.Contains(out.String(), "gpj.exe") {
			t.Errorf("json %v: %q", asJSON, out.String())
		}
	}
}

// testConsole is a console that only prints.
func testConsole(out io.Writer) *console.Console {
	return console.New(console.Streams{In: strings.NewReader(""), Out: out, Err: out, Getenv: noVariables})
}
