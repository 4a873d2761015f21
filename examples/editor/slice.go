//go:build !js

package editor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lumenize/lmz/text"
)

// span is a wanted part of an old text; at is its position in the answer.
type span struct{ from, to, at int }

// cut removes what is before pos.
func (s *span) cut(pos int) {
	if pos > s.from {
		s.at += pos - s.from
		s.from = pos
	}
}

// piece is a part that was found; at is its position in the answer.
type piece struct {
	at   int
	text string
}

// slice returns a part of the text of a version, like [text.Text.Slice], without building
// the text: it traces the part back through the log to the snapshot, and reads only the
// rows that hold it. So it needs memory only for the part.
func (a *archive) slice(ctx context.Context, version, from, to int) (string, error) {
	base, s, err := a.snapshotBefore(ctx, version)
	if err != nil {
		return "", err
	}
	if s.Parts > 0 { // written by an earlier program
		t, _, err := a.build(ctx, version)
		if err != nil {
			return "", err
		}
		return t.Slice(from, to), nil
	}
	spans, older := []span{{from: max(0, from), to: to}}, []span(nil)
	var found []piece
	for e, err := range a.edits(ctx, base+1, version, true) {
		if err != nil {
			return "", err
		}
		if e.Version == version {
			spans[0].to = min(to, e.Changes.NewLength())
		}
		older, found = before(older[:0], found, spans, e.Changes)
		spans, older = older, spans
	}
	if base == version {
		spans[0].to = min(to, sum(s.Units))
	}
	if found, err = a.stored(ctx, base, s, spans, found); err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b piece) int { return a.at - b.at })
	var out strings.Builder
	for _, p := range found {
		out.WriteString(p.text)
	}
	return out.String(), nil
}

func sum(all []int) int {
	n := 0
	for _, one := range all {
		n += one
	}
	return n
}

// before appends to older where the spans, which are in order, were before changes, and to
// found the text that the changes inserted within them. It modifies spans.
func before(older []span, found []piece, spans []span, changes text.ChangeSet) ([]span, []piece) {
	shift := 0 // from a position in the old text to the new one
	// through moves the spans up to a position of the new text to older.
	through := func(end int) {
		for len(spans) > 0 {
			s := &spans[0]
			if to := min(s.to, end); s.from < to {
				older = append(older, span{from: s.from - shift, to: to - shift, at: s.at})
			}
			if s.to > end {
				s.cut(end)
				return
			}
			spans = spans[1:]
		}
	}
	for c := range changes.Changes() {
		pos, n := c.From+shift, text.Units(c.Insert)
		through(pos)
		for len(spans) > 0 && spans[0].from < pos+n {
			s := &spans[0]
			found = append(found, piece{s.at, within(c.Insert, n, s.from-pos, s.to-pos)})
			if s.to > pos+n {
				s.cut(pos + n)
				break
			}
			spans = spans[1:]
		}
		shift += n - (c.To - c.From)
	}
	through(changes.NewLength() + 1)
	return older, found
}

// within returns a part of s, which has n units.
func within(s string, n, from, to int) string {
	if from <= 0 && to >= n {
		return s
	}
	return text.NewText(s).Slice(from, to)
}

// stored reads spans, which are in order, from a snapshot.
func (a *archive) stored(ctx context.Context, version int, s snapshot, spans []span, found []piece) ([]piece, error) {
	i, start := 0, 0 // a chunk, and where it begins
	have := -1       // the chunk in t
	var t *text.Text
	for _, one := range spans {
		for ; i < len(s.IDs); i++ {
			end := start + s.Units[i]
			if from, to := max(one.from, start), min(one.to, end); from < to {
				if have != i {
					var part string
					ok, err := a.kv.Get(ctx, chunkKey(s.IDs[i]), &part)
					if err == nil && !ok {
						err = fmt.Errorf("a part of the text of version %d is missing: chunk %d", version, s.IDs[i])
					}
					if err != nil {
						return nil, err
					}
					t, have = text.NewText(part), i
				}
				found = append(found, piece{one.at + from - one.from, t.Slice(from-start, to-start)})
			}
			if end >= one.to {
				break
			}
			start = end
		}
	}
	return found, nil
}
