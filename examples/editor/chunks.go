//go:build !js

package editor

import "github.com/lumenize/lmz/text"

// chunkUnits is the approximate length of a part of a text that is stored in one row.
const chunkUnits = 16 << 10

// chunk is a part of a text. A chunk with an ID is stored and immutable: all snapshots that
// contain it share its row.
type chunk struct {
	id    int // 0: not stored
	units int
}

// chunks are the parts of a text, in order. They are shared, and never change except to get
// an ID.
type chunks []*chunk

// wholeChunk returns the single, unstored chunk of a text.
func wholeChunk(t *text.Text) chunks { return chunks{{units: t.Len()}} }

// after returns the parts of the text after changes.
func (all chunks) after(changes text.ChangeSet) chunks {
	if len(all) == 0 {
		all = chunks{{}}
	}
	now := append(chunks(nil), all...)
	change := func(i, units int) {
		if now[i] == all[i] {
			now[i] = &chunk{units: all[i].units}
		}
		now[i].units += units
	}
	i, start := 0, 0 // where all[i] begins
	for c := range changes.Changes() {
		for i < len(all)-1 && start+all[i].units < c.From {
			start += all[i].units
			i++
		}
		if c.Insert != "" {
			change(i, text.Units(c.Insert))
		}
		for i < len(all) {
			end := start + all[i].units
			if deleted := min(end, c.To) - max(start, c.From); deleted > 0 {
				change(i, -deleted)
			}
			if end >= c.To || i == len(all)-1 {
				break
			}
			start = end
			i++
		}
	}
	return now
}

// unstored returns the number of units without a row.
func (all chunks) unstored() int {
	n := 0
	for _, c := range all {
		if c.id == 0 {
			n += c.units
		}
	}
	return n
}

// even rearranges the parts of t so that no unstored one is very long and few are very short.
func (all chunks) even(t *text.Text) chunks {
	var out chunks
	pos := 0 // where the last of out begins
	for _, c := range all {
		if c.units == 0 {
			continue
		}
		if n := len(out) - 1; n >= 0 {
			last := out[n]
			sum := last.units + c.units
			if sum <= chunkUnits/2 || sum <= chunkUnits && (last.id == 0 || c.id == 0) {
				out[n] = &chunk{units: sum}
				continue
			}
			pos += last.units
		}
		out = append(out, c)
		for c.id == 0 && c.units > 2*chunkUnits {
			first := chunkUnits
			if !t.Boundary(pos + first) {
				first--
			}
			out[len(out)-1] = &chunk{units: first}
			c = &chunk{units: c.units - first}
			out = append(out, c)
			pos += first
		}
	}
	return out
}
