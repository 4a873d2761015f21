//go:build !js

package editor

import (
	"context"
	"time"

	"github.com/lumenize/lmz/text"
)

// restored is a version whose text was restored, and the parts of that text.
type restored struct {
	version int
	chunks  chunks
}

// restoredBytes is the size above which a restoration refers to the version instead of
// containing the text: smaller ones take no more space than a snapshot's list.
const restoredBytes = 16 << 10

// restore makes the text of a version the current one. It stores references to the version,
// which gets a snapshot that is kept as long as the log has these references.
func (d *Document) restore(ctx context.Context, version int) (int, error) {
	if version < 0 || version > d.version() {
		return 0, noVersion(version)
	}
	if err := d.load(ctx); err != nil {
		return 0, err
	}
	t, all, err := d.archive.build(ctx, version)
	if err != nil {
		return 0, err
	}
	edits := d.edits(restorer, t)
	size := 0
	for _, e := range edits {
		size += sizeOf(text.Entry{Edit: e}) - rowBytes
	}
	d.broken = true // until everything is done
	var of *restored
	if size > restoredBytes {
		if of, err = d.archive.pin(ctx, version, t, all, d.version()+len(edits)); err != nil {
			return 0, err
		}
	}
	pushed, err := d.make(ctx, d.version(), edits, "", of)
	if err == nil {
		pushed, err = d.mendBreaks(ctx, edits, pushed)
	}
	return pushed.Version, err
}

// pin ensures that a version has a snapshot, and keeps that as long as version until is in
// the log. t is the text of the version and all are its parts.
func (a *archive) pin(ctx context.Context, version int, t *text.Text, all chunks, until int) (*restored, error) {
	for a.writing != nil { // so that its chunks have their numbers
		if _, err := a.goOn(ctx, maxWrites); err != nil {
			return nil, err
		}
	}
	base, s, err := a.snapshotBefore(ctx, version)
	if err != nil {
		return nil, err
	}
	if base != version || s.Parts > 0 {
		at := s.At
		if base == version {
			err = a.dropParts(ctx, base, s)
		} else {
			var row entry
			row, _, err = a.row(ctx, version)
			at = row.At
		}
		if err != nil {
			return nil, err
		}
		h, pos := a.nextChunk(), 0
		all = all.even(t)
		for _, c := range all {
			if c.id == 0 {
				if err := a.putChunk(ctx, &h, c, t, pos); err != nil {
					return nil, err
				}
			}
			pos += c.units
		}
		s = all.snapshot(time.UnixMilli(at))
		if err := a.setHead(ctx, h); err != nil {
			return nil, err
		}
	}
	s.Until = max(s.Until, until)
	return &restored{version, s.chunks()}, a.kv.Put(ctx, snapshotKey(version), s)
}
