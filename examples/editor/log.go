//go:build !js

package editor

import (
	"context"
	"iter"
	"time"

	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// entry is a row of the log.
type entry struct {
	text.Update
	At int64 // Unix milliseconds
	By string

	// An edit that restores a version does not contain the inserted text: Changes is empty,
	// Of is the version, and Pieces has, for each replacement, From and To in a text of
	// Length, and where the new text begins and ends in the text of the version.
	Of     int   `json:"of,omitempty"`
	Length int   `json:"length,omitempty"`
	Pieces []int `json:"pieces,omitempty"`
}

// newRow returns the row of an entry and its approximate size in bytes.
func newRow(e text.Entry, of *restored) (entry, int) {
	row := entry{At: e.At.UnixMilli(), By: e.By}
	if of == nil {
		row.Update = e.Update()
		return row, sizeOf(e)
	}
	row.ClientID, row.Number, row.Changes = e.Editor, e.Number, []any{}
	row.Of, row.Length = of.version, e.Changes.Length()
	moved := 0
	for c := range e.Changes.Changes() {
		// The parts of a restoration follow each other in the text, so inserted text is at
		// its final position.
		from := c.From + moved
		n := text.Units(c.Insert)
		row.Pieces = append(row.Pieces, c.From, c.To, from, from+n)
		moved += n - (c.To - c.From)
	}
	return row, rowBytes
}

// edit returns the edit of a row.
func (a *archive) edit(ctx context.Context, row entry) (text.Edit, error) {
	if row.Of == 0 {
		return row.Edit()
	}
	var changes []text.Change
	for i := 0; i+3 < len(row.Pieces); i += 4 {
		p := row.Pieces[i : i+4]
		c := text.Change{From: p[0], To: p[1]}
		if p[3] > p[2] {
			var err error
			if c.Insert, err = a.slice(ctx, row.Of, p[2], p[3]); err != nil {
				return text.Edit{}, err
			}
		}
		changes = append(changes, c)
	}
	c, err := text.New(row.Length, changes...)
	return text.Edit{Editor: row.ClientID, Number: row.Number, Changes: c}, err
}

// Limits of one read of the log.
const (
	batchRows  = 128
	batchBytes = 128 << 10
)

// edits yields the edits that made the versions first to last, in reverse if back is set. A
// missing edit is an error.
func (a *archive) edits(ctx context.Context, first, last int, back bool) iter.Seq2[text.Entry, error] {
	return func(yield func(text.Entry, error) bool) {
		var rows []object.Entry
		for first <= last {
			v := first
			if back {
				v = last
			}
			e, found := a.recent.entry(v)
			if !found {
				var err error
				if len(rows) == 0 {
					rows, err = a.kv.Entries(ctx, object.Range{
						Start: logKey(first), End: logKey(last + 1), Reverse: back, Limit: batchRows, Bytes: batchBytes,
					})
				}
				switch {
				case err != nil:
				case len(rows) == 0 || rows[0].Key != logKey(v):
					err = tooOld()
				default:
					var row entry
					if err = rows[0].Decode(&row); err == nil {
						e, err = a.entry(ctx, v, row)
					}
					rows = rows[1:]
				}
				if err != nil {
					yield(text.Entry{}, err)
					return
				}
			}
			if !yield(e, nil) {
				return
			}
			if back {
				last--
			} else {
				first++
			}
		}
	}
}

// entry returns the entry of a row.
func (a *archive) entry(ctx context.Context, version int, row entry) (text.Entry, error) {
	edit, err := a.edit(ctx, row)
	return text.Entry{Edit: edit, Version: version, At: time.UnixMilli(row.At), By: row.By}, err
}

// pastOf is the log of an archive within a turn.
type pastOf struct {
	ctx context.Context
	*archive
}

// Entry implements [text.Log].
func (p pastOf) Entry(version int) (text.Entry, bool, error) {
	if e, ok := p.recent.entry(version); ok {
		return e, true, nil
	}
	row, found, err := p.row(p.ctx, version)
	if err != nil || !found {
		return text.Entry{}, false, err
	}
	e, err := p.entry(p.ctx, version, row)
	return e, true, err
}

// row reads a row of the log.
func (a *archive) row(ctx context.Context, version int) (row entry, found bool, err error) {
	found, err = a.kv.Get(ctx, logKey(version), &row)
	return row, found, err
}

// Last implements [text.Log].
func (p pastOf) Last(editor string) (number, version int, err error) {
	var last lastEdit
	_, err = p.kv.Get(p.ctx, editorPrefix+editor, &last)
	return last.Number, last.Version, err
}
