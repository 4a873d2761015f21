//go:build !js

package editor

import (
	"context"
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// Keys in a document's storage. All values are small: an edit, a part of the text, or the
// list of a snapshot's parts.
const (
	headKey        = "head"
	logPrefix      = "log:"      // + version: entry
	editorPrefix   = "editor:"   // + editor: lastEdit
	snapshotPrefix = "snapshot:" // + version: snapshot
	chunkPrefix    = "chunk:"    // + ID: string
	partPrefix     = "part:"     // + version + ":" + number: string; of earlier programs
)

// rowBytes is the size of an edit in the log without its text.
const rowBytes = 100

// head is the state of the archive. Every change to the archive writes it.
type head struct {
	Version  int
	Snapshot int // version of the newest snapshot, except those of restored versions
	Logged   int // bytes since then
	Oldest   int // the first version in the log; 0 if none was dropped
	Next     int // ID of the last chunk
	Writing  int // while a snapshot is being written: Next at its start, plus 1
	Sweep    sweep
}

// lastEdit describes the newest edit of an editor.
type lastEdit struct {
	Number, Version int
	At              int64  // Unix milliseconds
	Owner           string // the subject that pushes as this editor; "" for none
}

func logKey(version int) string      { return fmt.Sprintf("%s%012x", logPrefix, version) }
func snapshotKey(version int) string { return fmt.Sprintf("%s%012x", snapshotPrefix, version) }
func chunkKey(id int) string         { return fmt.Sprintf("%s%012x", chunkPrefix, id) }
func partKey(version, i int) string  { return fmt.Sprintf("%s%012x:%06x", partPrefix, version, i) }

// archive is the text and history of a document in its storage: a log of edits with
// occasional snapshots. Edits older than [text.Retention] are dropped. Used only within
// turns.
type archive struct {
	kv        *object.KV
	head      head
	recent    recent
	authority *text.Authority // nil before load
	chunks    chunks          // of the authority's text
	writing   *writing        // the snapshot being written, or nil
}

// load reads the current text if it is not in memory.
func (a *archive) load(ctx context.Context) error {
	if a.authority != nil {
		return nil
	}
	t, all, err := a.build(ctx, a.head.Version)
	if err == nil {
		a.authority, a.chunks = text.NewAuthority(a.head.Version, t), all
	}
	return err
}

// store writes pushed edits and makes their result the current text. by is the displayed
// author, and owner the editor's subject. If the edits restore a version, of is that
// version, and they refer to its text; otherwise of is nil.
func (a *archive) store(ctx context.Context, pushed text.Pushed, by, owner string, of *restored) error {
	if len(pushed.New) == 0 {
		return nil
	}
	h := a.head
	for i, e := range pushed.New {
		pushed.New[i].By = by
		row, size := newRow(pushed.New[i], of)
		if err := a.kv.Put(ctx, logKey(e.Version), row); err != nil {
			return err
		}
		h.Logged += size
		a.chunks = a.chunks.after(e.Changes)
	}
	if of != nil {
		a.chunks = of.chunks
	}
	last := pushed.New[len(pushed.New)-1]
	h.Version = last.Version
	err := a.kv.Put(ctx, editorPrefix+last.Editor, lastEdit{last.Number, last.Version, last.At.UnixMilli(), owner})
	if err != nil {
		return err
	}
	a.authority.Commit(pushed)
	a.recent.add(pushed.New)
	return a.setHead(ctx, h)
}

func (a *archive) setHead(ctx context.Context, h head) error {
	if err := a.kv.Put(ctx, headKey, h); err != nil {
		return err
	}
	a.head = h
	return nil
}

// Limits of the entries kept in memory, which may temporarily double.
const (
	recentEntries = 256
	recentBytes   = 512 << 10
)

// recent holds the newest entries of the log.
type recent struct {
	entries []text.Entry
	bytes   int
}

func (r *recent) add(entries []text.Entry) {
	for _, e := range entries {
		r.entries = append(r.entries, e)
		r.bytes += sizeOf(e)
	}
	if len(r.entries) <= 2*recentEntries && r.bytes <= 2*recentBytes {
		return
	}
	first := 0
	for len(r.entries)-first > recentEntries || r.bytes > recentBytes {
		r.bytes -= sizeOf(r.entries[first])
		first++
	}
	r.entries = append([]text.Entry(nil), r.entries[first:]...)
}

// entry returns the entry that made a version.
func (r *recent) entry(version int) (e text.Entry, found bool) {
	if len(r.entries) == 0 {
		return e, false
	}
	i := version - r.entries[0].Version
	if i < 0 || i >= len(r.entries) {
		return e, false
	}
	return r.entries[i], true
}

// sizeOf returns the size of an entry in the log.
func sizeOf(e text.Entry) int {
	n := rowBytes
	for c := range e.Changes.Changes() {
		n += len(c.Insert)
	}
	return n
}

// tooOld is the error for a version that is no longer known.
func tooOld() error {
	return &lmz.Error{Name: TooOldName, Message: "that version is older than 30 days and no longer known"}
}
