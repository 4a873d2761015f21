//go:build !js

package editor

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// Limits of what is checked after one push: pasting a book must not check all of it.
const (
	maxParts      = 20
	maxPartLength = 16 << 10
	maxReplaced   = 2000 // places: combining more is slow
)

// checkSpelling sends the changed paragraphs to the spell checker, in one or more calls.
func (d *Document) checkSpelling(ctx context.Context, entries []text.Entry) error {
	parts := changedParts(d.text(), entries)
	for len(parts) > 0 {
		n, size := 0, 0
		for n < len(parts) && size+len(parts[n].Text) <= MaxChecked {
			size += len(parts[n].Text)
			n++
		}
		work := Parts{Version: d.version(), Parts: parts[:n]}
		if err := d.Send(ctx, lmz.Worker(SpellCheckBinding), CheckParts.Ctn(work)); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// changedParts returns the paragraphs of t that the entries, which made t, changed. It omits
// very long ones.
func changedParts(t *text.Text, entries []text.Entry) []Part {
	var parts []Part
	last := -1 // the last line in parts or omitted
	for _, r := range changedRanges(entries) {
		for line := max(t.LineAt(r.From), last+1); line <= t.LineAt(r.To); line++ {
			last = line
			from, to := t.Line(line)
			if to-from > maxPartLength {
				continue
			}
			if len(parts) == maxParts {
				return parts
			}
			parts = append(parts, Part{from, t.Slice(from, to)})
		}
	}
	return parts
}

// changedRanges returns, in order, where the text after the entries differs from the text
// before them; nil if there are very many places.
func changedRanges(entries []text.Entry) []Range {
	replaced := 0
	for _, e := range entries {
		for range e.Changes.Changes() {
			if replaced++; replaced > maxReplaced {
				return nil
			}
		}
	}
	all := entries[0].Changes
	for _, e := range entries[1:] {
		next, err := all.Compose(e.Changes)
		if err != nil {
			return nil // cannot happen: they follow each other
		}
		all = next
	}
	var ranges []Range
	moved := 0
	for c := range all.Changes() {
		n := text.Units(c.Insert)
		ranges = append(ranges, Range{c.From + moved, c.From + moved + n})
		moved += n - (c.To - c.From)
	}
	return ranges
}
