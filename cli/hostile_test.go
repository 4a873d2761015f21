package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/text"
)

func TestWhatOthersTypeCommandsNoTerminal(t *testing.T) {
	const hostile = "\x1b]0;x\a\u009b31m\u202egpj.exe\x7f"
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		w := &watcher{a: &app{Streams: Streams{Out: &out}}, json: asJSON, text: text.NewText("")}
		edit := text.Edit{Editor: hostile, Number: 1, Changes: text.Insert(0, 0, hostile)}
		if err := w.print(editor.Made{Update: edit.Update(), Version: 1, By: hostile}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(out.String(), "\x1b\a\u009b\u202e\x7f") || !strings.Contains(out.String(), "gpj.exe") {
			t.Errorf("json %v: %q", asJSON, out.String())
		}
	}
}
