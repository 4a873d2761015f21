package tui

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/internal/textin"
	"github.com/lumenize/lmz/internal/wholefile"
	"github.com/lumenize/lmz/text"
)

// fileDelay is the delay before a change of the document is written to the shared file.
const fileDelay = 500 * time.Millisecond

// sharedFile is a file on this machine that mirrors the text of the document. It keeps its
// own byte order mark, line endings, owner and mode.
type sharedFile struct {
	path   string
	raw    []byte      // the file's content, as last read or written
	on     string      // its text, in the form of a document
	form   textin.Form // of the file
	joined bool        // file and document have the same text
	differ bool        // they do not, and the user is asked which to keep
	writes bool        // a fileMsg is pending
	lost   bool        // another program changed the file: it is no longer updated
}

// fileMsg says that the shared file has to be written.
type fileMsg struct{}

// readFile reads the shared file. A file that does not exist counts as empty.
func (f *sharedFile) readFile() error {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New(f.path + " is not a regular file")
	}
	if f.raw, err = os.ReadFile(f.path); err != nil {
		return err
	}
	if f.on, f.form, err = textin.Parse(f.raw); err != nil {
		return fmt.Errorf("%s cannot be shared: %w", f.path, err)
	}
	return nil
}

// write writes the shared file. Only its owner can read a new file.
func (f *sharedFile) write(content string) error {
	raw := f.form.Bytes(content)
	if err := wholefile.Update(f.path, raw, 0o600); err != nil {
		return err
	}
	f.raw, f.on, f.form.Mixed = raw, content, false
	return nil
}

// keep saves the file's old content next to it, with the same permissions.
func (f *sharedFile) keep() error {
	perm := fs.FileMode(0o600)
	if info, err := os.Stat(f.path); err == nil {
		perm = info.Mode().Perm()
	}
	return wholefile.Write(f.path+"~", f.raw, perm)
}

// join makes file and document equal once the document is loaded: an empty one gets the text
// of the other. If neither is empty, the user is asked.
func (m *model) join() {
	f := m.file
	if f == nil || f.joined || f.differ {
		return
	}
	switch doc := m.fileText(); {
	case doc == "" && f.on != "":
		m.become(f.on)
		f.joined = true
	case f.on == "" || f.on == doc:
		f.joined = true
	default:
		f.differ = true
	}
}

// fileText returns the document's text for the file: an old document may contain other line
// breaks.
func (m *model) fileText() string { return text.Breaks(m.area.text) }

// become replaces the text, as an edit of the user.
func (m *model) become(content string) {
	c := text.Diff(m.area.text, content)
	if err := m.doc.Edit(c); err != nil {
		m.note = describe(err)
		return
	}
	m.area.apply(c, false)
}

// decide handles the user's choice of which text to keep.
func (m *model) decide(name string) tea.Cmd {
	f := m.file
	switch name {
	case "f", "F":
		m.become(f.on)
	case "d", "D":
		if err := f.keep(); err != nil {
			m.note = "cannot keep the old file as " + f.path + "~: " + describe(err)
			return nil
		}
		m.note = "the file's previous text is in " + filepath.Base(f.path) + "~"
	case "esc":
		return m.quit()
	default:
		return nil
	}
	f.joined, f.differ = true, false
	return nil
}

// writeSoon schedules writing the file after a change.
func (m *model) writeSoon() tea.Cmd {
	f := m.file
	if f == nil || !f.joined || f.writes || f.lost || f.on == m.fileText() {
		return nil
	}
	f.writes = true
	return after(fileDelay, fileMsg{})
}

// writeFile updates the file, unless another program changed it.
func (m *model) writeFile() {
	f := m.file
	if f == nil || !f.joined || f.lost || f.on == m.fileText() {
		return
	}
	f.writes = false
	data, err := os.ReadFile(f.path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
	case !bytes.Equal(data, f.raw):
		f.lost = true
		return
	default:
		err = f.write(m.fileText())
	}
	if err != nil {
		m.note = "the file cannot be written: " + describe(err)
	}
}

// fileBar returns the bar about the shared file.
func (m *model) fileBar() string {
	f := m.file
	switch {
	case f == nil:
		return ""
	case f.differ:
		return " " + printable.Line(filepath.Base(f.path)) + " and the document differ: f takes the file's text, d the document's"
	case f.lost:
		return " another program changed " + printable.Line(filepath.Base(f.path)) + ": it is no longer updated"
	case f.form.Mixed:
		return " the line endings of " + printable.Line(filepath.Base(f.path)) + " are mixed: the first change makes them all " + f.form.Name()
	}
	return ""
}
