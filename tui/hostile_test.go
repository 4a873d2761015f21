package tui

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

// TestForeignCommandsOnScreen puts terminal escape sequences wherever the editor shows
// text: names, titles, files, errors, the document.
func TestForeignCommandsOnScreen(t *testing.T) {
	const hostile = "\x1b]0;x\a\u009b31m\u202egpj.exe\u2028\u00ad\u200b\x7f" + "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"
	onMesh(t, func(t *testing.T, m *meshtest.Mesh) {
		s := opened(t, m, "ann", 100, 30)
		check := func(what string) {
			t.Helper()
			v := s.View()
			marks := 0
			for _, r := range ansi.Strip(v.Content) + v.WindowTitle {
				if marks++; !unicode.In(r, unicode.Mn, unicode.Me) {
					marks = 0
				}
				if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' || r == '\u2028' || marks > 6 {
					t.Errorf("%s: the screen has %q", what, r)
				}
			}
			for part := range strings.SplitSeq(v.Content, "\x1b") { // the remaining sequences only set colors
				if strings.Contains(v.Content, "\x1b") && strings.HasPrefix(part, "]") {
					t.Errorf("%s: the screen sends %q", what, part)
				}
			}
		}
		s.insert(hostile + "\nfamily 👩‍👩‍👧 क्‍ष\n")
		check("text")
		if !strings.Contains(s.View().Content, "family 👩‍👩‍👧 क्‍ष") {
			t.Errorf("emoji are not shown: %q", s.View().Content)
		}
		s.note = hostile
		check("note")
		s.people = []editor.Person{{ClientID: "x", Name: hostile, Head: 1}}
		check("people")
		s.file = &sharedFile{path: "/tmp/" + hostile, differ: true}
		check("file that differs")
		s.file = &sharedFile{path: "/tmp/" + hostile, lost: true}
		check("file that is lost")
		s.document, s.file = hostile, nil
		check("title")
		s.refused = []editor.Refusal{{Record: editor.Record{Edits: text.Updates([]text.Edit{{Editor: "x", Number: 1, Changes: text.Insert(0, 0, hostile)}})}, Err: errors.New(hostile)}}
		check("refused")
		s.refused = nil
		s.versions = &versions{failure: describe(errors.New(hostile))}
		check("versions")
		s.versions = &versions{all: []editor.Revision{{First: 1, Last: 1, By: hostile}}}
		check("revisions")
		s.versions = nil
		s.blocked = errors.New(hostile)
		check("blocked")
		s.document = "notes"
	})
	var log bytes.Buffer
	(&eventLog{w: &log}).printf("opening %s\n%s", hostile, strings.Repeat("x", 1<<20))
	if strings.ContainsAny(log.String(), "\x1b\u009b\u202e") || log.Len() > 5<<10 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("%d bytes of log: %.200q", log.Len(), log.String())
	}
}
