//go:build !js

package editor

import (
	"context"
	"fmt"
	"strings"

	"github.com/lumenize/lmz/text"
)

// span is a part of a text that is looked for in older ones: from one position to
// another, or, once it is found, what is there.
type span struct {
	from, to int
	found    bool
	text     string
}

// slice returns a part of the text of a version, as [text.Text.Slice] does, without making
// the text: it follows the part back through the log to the snapshot, and reads the rows
// in which it is. That takes memory for the part, however long the text is.
func (a *archive) slice(ctx context.Context, version, from, to int) (string, error) {
	base, s, err := a.snapshotBefore(ctx, version)
	if err != nil {
		return "", err
	}
	if s.Parts > 0 { // of an earlier version of this program
		t, _, err := a.build(ctx, version)
		if err != nil {
			return "", err
		}
		return t.Slice(from, to), nil
	}
	spans := []span{{from: max(0, from), to: to}}
	log := pastOf{ctx, a}
	for v := version; v > base; v-- {
		e, found, err := log.Entry(v)
		if err != nil {
			return "", err
		}
		if !found {
			return "", tooOld()
		}
		if v == version {
			spans[0].to = min(to, e.Changes.NewLength())
		}
		spans = before(spans, e.Changes)
	}
	if base == version {
		spans[0].to = min(to, sum(s.Units))
	}
	return a.join(ctx, base, s, spans)
}

func sum(all []int) int {
	n := 0
	for _, one := range all {
		n += one
	}
	return n
}

// before returns where the spans, which are in order, were before changes: they are
// divided by what was inserted, which is found.
func before(spans []span, changes text.ChangeSet) []span {
	var out []span
	at, shift := 0, 0 // of spans; how much further a position is in the new text
	// through takes the spans up to a position of the new text, as they were.
	through := func(end int) {
		for ; at < len(spans); at++ {
			s := &spans[at]
			if s.found {
				out = append(out, *s)
				continue
			}
			if to := min(s.to, end); s.from < to {
				out = append(out, span{from: s.from - shift, to: to - shift})
			}
			if s.to > end {
				s.from = max(s.from, end)
				return
			}
		}
	}
	for c := range changes.Changes() {
		through(c.From + shift)
		n := text.Units(c.Insert)
		out, at = inserted(out, spans, at, c.From+shift, n, c.Insert)
		shift += n - (c.To - c.From)
	}
	through(changes.NewLength() + 1)
	return out
}

// inserted takes the spans that are within a text of n units, inserted at pos.
func inserted(out, spans []span, at, pos, n int, s string) ([]span, int) {
	var t *text.Text
	for ; at < len(spans); at++ {
		one := &spans[at]
		if one.found {
			out = append(out, *one)
			continue
		}
		if to := min(one.to, pos+n); one.from < to {
			if t == nil {
				t = text.NewText(s)
			}
			out = append(out, span{found: true, text: t.Slice(one.from-pos, to-pos)})
		}
		if one.to > pos+n {
			one.from = max(one.from, pos+n)
			return out, at
		}
	}
	return out, at
}

// join reads what is not found from a snapshot, and puts the spans together.
func (a *archive) join(ctx context.Context, version int, s snapshot, spans []span) (string, error) {
	var out strings.Builder
	i, start := 0, 0 // a chunk, and where it begins
	have := -1       // the chunk that t is
	var t *text.Text
	for _, one := range spans {
		if one.found {
			out.WriteString(one.text)
			continue
		}
		for ; i < len(s.IDs); i++ {
			end := start + s.Units[i]
			if from, to := max(one.from, start), min(one.to, end); from < to {
				if have != i {
					var part string
					found, err := a.kv.Get(ctx, chunkKey(s.IDs[i]), &part)
					if err == nil && !found {
						err = fmt.Errorf("a part of the text of version %d is missing: chunk %d", version, s.IDs[i])
					}
					if err != nil {
						return "", err
					}
					t, have = text.NewText(part), i
				}
				out.WriteString(t.Slice(from-start, to-start))
			}
			if end >= one.to {
				break
			}
			start = end
		}
	}
	return out.String(), nil
}
