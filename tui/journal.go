package tui

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/filelock"
	"github.com/lumenize/lmz/internal/wholefile"
)

// journal stores on disk the edits that a document may lack. Each opening has a file, named
// after its editor and locked by its process, so two terminals never share one. A file
// without a lock was left by an editor that quit or died: the next one takes it over and
// sends the edits under their old editor and numbers, so each is applied once.
type journal struct {
	dir      string
	document string

	mu     sync.Mutex           // guards the following fields
	locks  map[string]io.Closer // by editor
	closed bool
}

const (
	recordEnding = ".json"
	lockEnding   = ".lock"
)

// openJournal opens the journal of a document for one account. Without a state directory it
// returns nil.
func openJournal(state, server, account, document string) (*journal, error) {
	if state == "" {
		return nil, nil
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{server, account, document}, "\x00")))
	j := &journal{dir: filepath.Join(state, "unsaved", hex.EncodeToString(sum[:16])), document: document, locks: make(map[string]io.Closer)}
	return j, os.MkdirAll(j.dir, 0o700)
}

// left takes over the records that no process holds. It ignores unreadable ones.
func (j *journal) left() []editor.Record {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(j.dir, "*"+recordEnding))
	if err != nil {
		return nil
	}
	var all []editor.Record
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), recordEnding)
		if j.locks[name] != nil || j.lock(name) != nil {
			continue
		}
		var r editor.Record
		data, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(data, &r) != nil || r.Editor != name {
			j.unlock(name)
			continue
		}
		all = append(all, r)
	}
	return all
}

// store writes a record to disk, or deletes it if it has no edits.
func (j *journal) store(r editor.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return errors.New("the journal is closed")
	case j.locks[r.Editor] == nil:
		if err := j.lock(r.Editor); err != nil {
			return err
		}
	}
	path := filepath.Join(j.dir, r.Editor+recordEnding)
	if len(r.Edits) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		os.Remove(filepath.Join(j.dir, r.Editor+lockEnding)) // while we hold it, so that no other process waits for it
		j.unlock(r.Editor)
		return nil
	}
	data, err := json.Marshal(struct {
		Document string `json:"document"` // for people who read the file
		editor.Record
	}{j.document, r})
	if err != nil {
		return err
	}
	return wholefile.Write(path, data, 0o600)
}

// lock locks the file of an editor. j.mu is held.
func (j *journal) lock(name string) error {
	lock, ok, err := filelock.Try(filepath.Join(j.dir, name+lockEnding))
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.New("another process holds these edits")
	}
	j.locks[name] = lock
	return nil
}

func (j *journal) unlock(name string) {
	j.locks[name].Close()
	delete(j.locks, name)
}

// close leaves the remaining records to the next opening.
func (j *journal) close() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	for name := range j.locks {
		j.unlock(name)
	}
}
