//go:build !js

package editor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// Keys of a document's storage. Every value is small: an edit, a part of a snapshot.
const (
	headKey        = "head"
	logPrefix      = "log:"
	editorPrefix   = "editor:"
	snapshotPrefix = "snapshot:" // + version: snapshot
	partPrefix     = "part:"     // + version + ":" + number: string
)

// Sizes that decide when a snapshot is taken: when it costs less than what was logged
// since the last one, and at the latest when loading would take long.
const (
	snapshotBytes = 64 << 10
	snapshotEdits = 10_000
	rowBytes      = 100 // of an edit, besides its text
)

// head is the state of the archive.
type head struct {
	Version  int
	Snapshot int // version of the newest snapshot
	Logged   int // bytes since then
	Oldest   int // the first version that is in the log; 0 if none was dropped
}

// snapshot is the text of a version, kept in parts.
type snapshot struct {
	Parts int
	At    int64 // Unix milliseconds
}

// entry is a row of the log.
type entry struct {
	text.Update
	At int64 // Unix milliseconds
	By string
}

// lastEdit is what an editor did last.
type lastEdit struct {
	Number, Version int
	At              int64  // Unix milliseconds
	Owner           string // subject of who pushes as that editor; "" if nobody does
}

func logKey(version int) string      { return fmt.Sprintf("%s%012x", logPrefix, version) }
func snapshotKey(version int) string { return fmt.Sprintf("%s%012x", snapshotPrefix, version) }
func partKey(version, i int) string  { return fmt.Sprintf("%s%012x:%06x", partPrefix, version, i) }

// archive is a document's text and past in its storage: a log of edits, and a snapshot
// now and then. What is older than [text.Retention] is dropped. It belongs to the turn.
type archive struct {
	kv        *object.KV
	head      head
	authority *text.Authority
	recent    []text.Entry // the last of the log
}

// load reads the current text.
func (a *archive) load(ctx context.Context) error {
	if _, err := a.kv.Get(ctx, headKey, &a.head); err != nil {
		return err
	}
	t, err := a.textAt(ctx, a.head.Version)
	if err != nil {
		return err
	}
	a.authority = text.NewAuthority(a.head.Version, t)
	return nil
}

// textAt makes the text of a version: that of the snapshot before it, and the log.
func (a *archive) textAt(ctx context.Context, version int) (*text.Text, error) {
	base, err := a.snapshotBefore(ctx, version)
	if err != nil {
		return nil, err
	}
	t, err := a.readSnapshot(ctx, base)
	if err != nil {
		return nil, err
	}
	log := pastOf{ctx, a}
	for v := base + 1; v <= version; v++ {
		e, found, err := log.Entry(v)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, tooOld()
		}
		if err := t.Apply(e.Changes); err != nil {
			return nil, fmt.Errorf("version %d: %w", v, err)
		}
	}
	return t, nil
}

// snapshotBefore returns the version of the last snapshot up to a version, or 0, the
// empty text.
func (a *archive) snapshotBefore(ctx context.Context, version int) (int, error) {
	if version >= a.head.Snapshot {
		return a.head.Snapshot, nil
	}
	all, err := a.snapshots(ctx)
	best := 0
	for _, v := range all {
		if v <= version {
			best = v
		}
	}
	if best == 0 && a.head.Oldest > 1 {
		return 0, tooOld()
	}
	return best, err
}

// snapshots returns the versions of all snapshots, in order.
func (a *archive) snapshots(ctx context.Context) ([]int, error) {
	keys, err := a.kv.List(ctx, snapshotPrefix)
	var all []int
	for _, key := range keys {
		v, err := strconv.ParseInt(strings.TrimPrefix(key, snapshotPrefix), 16, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, int(v))
	}
	return all, err
}

func (a *archive) readSnapshot(ctx context.Context, version int) (*text.Text, error) {
	if version == 0 {
		return new(text.Text), nil
	}
	var s snapshot
	if _, err := a.kv.Get(ctx, snapshotKey(version), &s); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i := range s.Parts {
		var part string
		if _, err := a.kv.Get(ctx, partKey(version, i), &part); err != nil {
			return nil, err
		}
		b.WriteString(part)
	}
	return text.NewText(b.String()), nil
}

// store writes what was pushed, takes a snapshot if it is time, and makes it the current
// text. by is who did it, for people, and owner the subject whose editor it is.
func (a *archive) store(ctx context.Context, pushed text.Pushed, by, owner string) error {
	if len(pushed.New) == 0 {
		return nil
	}
	h := a.head
	for i, e := range pushed.New {
		row := entry{e.Update(), e.At.UnixMilli(), by}
		if err := a.kv.Put(ctx, logKey(e.Version), row); err != nil {
			return err
		}
		pushed.New[i].By = by
		h.Logged += rowBytes
		for c := range e.Changes.Changes() {
			h.Logged += len(c.Insert)
		}
	}
	last := pushed.New[len(pushed.New)-1]
	h.Version = last.Version
	err := a.kv.Put(ctx, editorPrefix+last.Editor, lastEdit{last.Number, last.Version, last.At.UnixMilli(), owner})
	if err != nil {
		return err
	}
	size := a.authority.Text().Size()
	take := h.Logged > max(snapshotBytes, size/2) || h.Version-h.Snapshot > snapshotEdits
	if !take {
		if err := a.kv.Put(ctx, headKey, h); err != nil {
			return err
		}
	}
	a.authority.Commit(pushed)
	a.recent = append(a.recent, pushed.New...)
	if len(a.recent) > 2*recentEntries {
		a.recent = append([]text.Entry(nil), a.recent[len(a.recent)-recentEntries:]...)
	}
	if take {
		return a.takeSnapshot(ctx, h, last.At)
	}
	a.head = h
	return nil
}

// takeSnapshot writes the current text and drops what is too old.
func (a *archive) takeSnapshot(ctx context.Context, h head, now time.Time) error {
	t := a.authority.Text()
	s := snapshot{At: now.UnixMilli()}
	for from := 0; from < t.Len(); from += PartLength {
		if err := a.kv.Put(ctx, partKey(h.Version, s.Parts), t.Slice(from, from+PartLength)); err != nil {
			return err
		}
		s.Parts++
	}
	if err := a.kv.Put(ctx, snapshotKey(h.Version), s); err != nil {
		return err
	}
	h.Snapshot, h.Logged = h.Version, 0
	if err := a.prune(ctx, &h, now.Add(-text.Retention)); err != nil {
		return err
	}
	a.head = h
	return a.kv.Put(ctx, headKey, h)
}

// prune drops editors, log rows and snapshots of before a time, but for the last
// snapshot before it and the log from there on.
func (a *archive) prune(ctx context.Context, h *head, before time.Time) error {
	if err := a.pruneEditors(ctx, before); err != nil {
		return err
	}
	all, err := a.snapshots(ctx)
	if err != nil {
		return err
	}
	keep := 0 // index of the last one that is older
	for i, v := range all {
		var s snapshot
		if _, err := a.kv.Get(ctx, snapshotKey(v), &s); err != nil {
			return err
		}
		if s.At >= before.UnixMilli() {
			break
		}
		keep = i
	}
	if keep == 0 {
		return nil
	}
	for _, v := range all[:keep] {
		var s snapshot
		if _, err := a.kv.Get(ctx, snapshotKey(v), &s); err != nil {
			return err
		}
		for i := range s.Parts {
			if err := a.kv.Delete(ctx, partKey(v, i)); err != nil {
				return err
			}
		}
		if err := a.kv.Delete(ctx, snapshotKey(v)); err != nil {
			return err
		}
	}
	for v := max(1, h.Oldest); v <= all[keep]; v++ {
		if err := a.kv.Delete(ctx, logKey(v)); err != nil {
			return err
		}
	}
	h.Oldest = all[keep] + 1
	return nil
}

func (a *archive) pruneEditors(ctx context.Context, before time.Time) error {
	keys, err := a.kv.List(ctx, editorPrefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		var last lastEdit
		if _, err := a.kv.Get(ctx, key, &last); err != nil {
			return err
		}
		if last.At < before.UnixMilli() {
			if err := a.kv.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// pastOf is the log of an archive in a turn.
type pastOf struct {
	ctx context.Context
	*archive
}

// Entry implements [text.Log].
func (p pastOf) Entry(version int) (text.Entry, bool, error) {
	if n := len(p.recent); n > 0 {
		if i := version - p.recent[0].Version; i >= 0 && i < n {
			return p.recent[i], true, nil
		}
	}
	var row entry
	found, err := p.kv.Get(p.ctx, logKey(version), &row)
	if err != nil || !found {
		return text.Entry{}, false, err
	}
	edit, err := row.Edit()
	return text.Entry{Edit: edit, Version: version, At: time.UnixMilli(row.At), By: row.By}, true, err
}

// Last implements [text.Log].
func (p pastOf) Last(editor string) (number, version int, err error) {
	var last lastEdit
	_, err = p.kv.Get(p.ctx, editorPrefix+editor, &last)
	return last.Number, last.Version, err
}

// tooOld is the error for a version that is not known any more.
func tooOld() error {
	return &lmz.Error{Name: TooOldName, Message: "that version is older than 30 days and not known any more"}
}
