//go:build !js

package editor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// snapshot is the text of a version: a list of chunks, most of which it shares with other
// snapshots.
type snapshot struct {
	IDs, Units []int
	At         int64 // approximate time of the version, in Unix milliseconds
	Until      int   `json:"until,omitempty"` // the last version that refers to it; 0: none

	// Written by earlier programs: the text is in separate rows.
	Parts int
}

// Sizes that decide when to write a snapshot: when it is smaller than the log since the last
// one, at the latest when reading a version would become slow.
const (
	snapshotBytes = 64 << 10
	snapshotEdits = 2000
	chunkBytes    = 8 // of a chunk in a snapshot's list
)

// maxWrites is the number of rows that one turn writes for a snapshot.
const maxWrites = 32

// writing is a snapshot being written, in several turns if much of it is new.
type writing struct {
	version int
	at      time.Time
	text    *text.Text
	chunks  chunks
	next    int // the next chunk
	pos     int // where it begins
}

// due reports whether a snapshot is due.
func (a *archive) due() bool {
	cost := max(snapshotBytes, a.chunks.unstored()/2, 2*chunkBytes*len(a.chunks))
	return a.writing == nil && (a.head.Logged > cost || a.head.Version-a.head.Snapshot > snapshotEdits)
}

// begin starts writing a snapshot of the current text.
func (a *archive) begin(ctx context.Context, now time.Time) error {
	h := a.nextChunk()
	h.Writing, h.Logged = h.Next+1, 0
	t := a.authority.Text().Clone()
	a.chunks = a.chunks.even(t)
	a.writing = &writing{version: h.Version, at: now, text: t, chunks: append(chunks(nil), a.chunks...)}
	return a.setHead(ctx, h)
}

// nextChunk returns the head with the ID of the next new chunk. Chunks of a snapshot that
// was not finished when the document was closed are overwritten.
func (a *archive) nextChunk() head {
	h := a.head
	if h.Writing > 0 {
		h.Next, h.Writing = h.Writing-1, 0
	}
	return h
}

// goOn writes more rows of the current snapshot, and reports whether it is complete.
func (a *archive) goOn(ctx context.Context, rows int) (done bool, err error) {
	h, w := a.head, a.writing
	for ; w.next < len(w.chunks) && rows > 0; w.next++ {
		c := w.chunks[w.next]
		if c.id == 0 {
			rows--
			if err := a.putChunk(ctx, &h, c, w.text, w.pos); err != nil {
				return false, err
			}
		}
		w.pos += c.units
	}
	if w.next == len(w.chunks) {
		if err := a.kv.Put(ctx, snapshotKey(w.version), w.chunks.snapshot(w.at)); err != nil {
			return false, err
		}
		h.Snapshot, h.Writing = w.version, 0
		a.writing = nil
	}
	return a.writing == nil, a.setHead(ctx, h)
}

// putChunk stores a chunk of t.
func (a *archive) putChunk(ctx context.Context, h *head, c *chunk, t *text.Text, pos int) error {
	h.Next++
	c.id = h.Next
	return a.kv.Put(ctx, chunkKey(c.id), t.Slice(pos, pos+c.units))
}

// snapshot returns the row of a text whose chunks are stored.
func (all chunks) snapshot(at time.Time) snapshot {
	s := snapshot{At: at.UnixMilli(), IDs: []int{}, Units: []int{}}
	for _, c := range all {
		s.IDs, s.Units = append(s.IDs, c.id), append(s.Units, c.units)
	}
	return s
}

// chunks returns a copy of the parts of the text.
func (s snapshot) chunks() chunks {
	all := make(chunks, len(s.IDs))
	for i, id := range s.IDs {
		all[i] = &chunk{id, s.Units[i]}
	}
	return all
}

// snapshotBefore returns the last snapshot at or before a version; if there is none, version
// 0, the empty text.
func (a *archive) snapshotBefore(ctx context.Context, version int) (base int, s snapshot, err error) {
	found, err := a.kv.Entries(ctx, object.Range{Prefix: snapshotPrefix, End: snapshotKey(version + 1), Limit: 1, Reverse: true})
	switch {
	case err != nil:
		return 0, s, err
	case len(found) == 1:
		return readSnapshot(found[0])
	case a.head.Oldest > 1:
		return 0, s, tooOld()
	}
	return 0, s, nil
}

func readSnapshot(e object.Entry) (version int, s snapshot, err error) {
	v, err := strconv.ParseInt(strings.TrimPrefix(e.Key, snapshotPrefix), 16, 64)
	if err == nil {
		err = e.Decode(&s)
	}
	return int(v), s, err
}

// build returns the text of a version and its parts, from the preceding snapshot and the
// log.
func (a *archive) build(ctx context.Context, version int) (*text.Text, chunks, error) {
	base, s, err := a.snapshotBefore(ctx, version)
	if err != nil {
		return nil, nil, err
	}
	t, err := a.textOf(ctx, base, s)
	if err != nil {
		return nil, nil, err
	}
	all := s.chunks()
	if s.Parts > 0 {
		all = wholeChunk(t)
	}
	for e, err := range a.edits(ctx, base+1, version, false) {
		if err != nil {
			return nil, nil, err
		}
		if err := t.Apply(e.Changes); err != nil {
			return nil, nil, fmt.Errorf("version %d: %w", e.Version, err)
		}
		all = all.after(e.Changes)
	}
	return t, all, nil
}

// textOf reads the text of a snapshot.
func (a *archive) textOf(ctx context.Context, version int, s snapshot) (*text.Text, error) {
	t := new(text.Text)
	read := func(key string) error {
		var part string
		found, err := a.kv.Get(ctx, key, &part)
		if err == nil && !found {
			err = fmt.Errorf("a part of the text of version %d is missing: %s", version, key)
		}
		t.Append(part)
		return err
	}
	for _, id := range s.IDs {
		if err := read(chunkKey(id)); err != nil {
			return nil, err
		}
	}
	for i := range s.Parts {
		if err := read(partKey(version, i)); err != nil {
			return nil, err
		}
	}
	return t, nil
}
