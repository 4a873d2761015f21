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

// fileDelay is how long a change of the document may be missing in the shared file.
const fileDelay = 500 * time.Millisecond

// sharedFile is a file on this machine that has the text of the document. The document
// has the text only; the file keeps its byte order mark, line ends, owner and mode.
type sharedFile struct {
	path   string
	raw    []byte      // what is in the file, as far as we know
	on     string      // the text of that, as a document has it
	form   textin.Form // of the file
	joined bool        // file and document have one text
	differ bool        // they do not, and the user is asked which to take
	writes bool        // a fileMsg is on its way
	lost   bool        // another program has changed the file: it is not written any more
}

// fileMsg says that it is time to write the shared file.
type fileMsg struct{}

// readFile reads the shared file. One that does not exist is empty.
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

// write gives the shared file another text. A new file is its owner's.
func (f *sharedFile) write(content string) error {
	raw := f.form.Bytes(content)
	if err := wholefile.Update(f.path, raw, 0o600); err != nil {
		return err
	}
	f.raw, f.on, f.form.Mixed = raw, content, false
	return nil
}

// keep writes what the file had beside it, with its permissions.
func (f *sharedFile) keep() error {
	perm := fs.FileMode(0o600)
	if info, err := os.Stat(f.path); err == nil {
		perm = info.Mode().Perm()
	}
	return wholefile.Write(f.path+"~", f.raw, perm)
}

// join brings file and document together when the document is there: one that is empty
// takes the text of the other. If both have one the user is asked.
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

// fileText is the text of the document as the file has it: an old document may have other
// line breaks too.
func (m *model) fileText() string { return text.Breaks(m.area.text) }

// become makes the text another, as the user's edit.
func (m *model) become(content string) {
	c := text.Diff(m.area.text, content)
	if err := m.doc.Edit(c); err != nil {
		m.note = describe(err)
		return
	}
	m.area.apply(c, false)
}

// decide takes the answer to which text the file and the document shall have.
func (m *model) decide(name string) tea.Cmd {
	f := m.file
	switch name {
	case "f", "F":
		m.become(f.on)
	case "d", "D":
		if err := f.keep(); err != nil {
			m.note = "the file cannot be kept as " + f.path + "~: " + describe(err)
			return nil
		}
		m.note = "what the file had is in " + filepath.Base(f.path) + "~"
	case "esc":
		return m.quit()
	default:
		return nil
	}
	f.joined, f.differ = true, false
	return nil
}

// writeSoon has the file written after a change.
func (m *model) writeSoon() tea.Cmd {
	f := m.file
	if f == nil || !f.joined || f.writes || f.lost || f.on == m.fileText() {
		return nil
	}
	f.writes = true
	return after(fileDelay, fileMsg{})
}

// writeFile brings the file up to date, unless another program has changed it.
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

// fileBar is what the user must know about the file.
func (m *model) fileBar() string {
	f := m.file
	switch {
	case f == nil:
		return ""
	case f.differ:
		return " " + printable.Line(filepath.Base(f.path)) + " and the document differ: f takes the file's text, d the other"
	case f.lost:
		return " another program has changed " + printable.Line(filepath.Base(f.path)) + ": it is not written any more"
	case f.form.Mixed:
		return " the line ends of " + printable.Line(filepath.Base(f.path)) + " are mixed: with the first change all become " + f.form.Name()
	}
	return ""
}
