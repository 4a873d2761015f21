package text

import (
	"strings"
	"unicode/utf8"
)

// maxDiff is the most inserted and deleted lines between which Diff finds shared ones.
const maxDiff = 400

// Diff returns a change set that turns a into b. It keeps shared lines and, within other
// lines, the shared beginning and end. If more than a few hundred lines differ, it replaces
// them in one piece.
func Diff(a, b string) ChangeSet {
	a, b = valid(a), valid(b)
	var out builder
	for _, h := range hunks(splitLines(a), splitLines(b)) {
		if len(h.old) != len(h.new) || len(h.old) > maxDiff { // line by line would be longer
			diffPiece(&out, strings.Join(h.old, ""), strings.Join(h.new, ""))
			continue
		}
		for i := range h.old {
			diffPiece(&out, h.old[i], h.new[i])
		}
	}
	return out.changes()
}

// Between is [Diff] for two texts. It uses memory only for what lies between their shared
// beginning and end.
func Between(a, b *Text) ChangeSet {
	start := alike(a, b, min(a.bytes, b.bytes), false)
	end := alike(a, b, min(a.bytes, b.bytes)-start.bytes, true)
	var out builder
	out.add(start.units, kept, "")
	middle := Diff(a.Slice(start.units, a.units-end.units), b.Slice(start.units, b.units-end.units))
	for _, s := range middle.sections {
		out.add(s.n, s.ins, s.text)
	}
	out.add(end.units, kept, "")
	return out.changes()
}

// extent is the length of a part of a text.
type extent struct{ bytes, units int }

// alike returns the length of two texts' shared beginning, or shared end if back is set, in
// whole characters and at most limit bytes.
func alike(a, b *Text, limit int, back bool) (same extent) {
	// next returns the rest of a piece, or the next piece.
	next := func(rest string, pieces []piece) (string, []piece) {
		switch {
		case rest != "" || len(pieces) == 0:
			return rest, pieces
		case back:
			return pieces[len(pieces)-1].s, pieces[:len(pieces)-1]
		}
		return pieces[0].s, pieces[1:]
	}
	left, right := "", ""
	inA, inB := a.pieces, b.pieces
	for same.bytes < limit {
		left, inA = next(left, inA)
		right, inB = next(right, inB)
		n := min(len(left), len(right), limit-same.bytes)
		x, y := left[:n], right[:n]
		if back {
			x, y = left[len(left)-n:], right[len(right)-n:]
		}
		if x != y || n == limit-same.bytes {
			n = alikeBytes(x, y, left, back)
			x = left[:n]
			if back {
				x = left[len(left)-n:]
			}
			same.bytes, same.units = same.bytes+n, same.units+Units(x)
			return same
		}
		same.bytes, same.units = same.bytes+n, same.units+Units(x)
		if back {
			left, right = left[:len(left)-n], right[:len(right)-n]
		} else {
			left, right = left[n:], right[n:]
		}
	}
	return same
}

// alikeBytes returns how many bytes x and y, which are equally long, share, without a
// partial character. x is at the beginning of whole, or at its end if back is set.
func alikeBytes(x, y, whole string, back bool) int {
	n := 0
	if back {
		for n < len(x) && x[len(x)-1-n] == y[len(y)-1-n] {
			n++
		}
		for n > 0 && !utf8.RuneStart(x[len(x)-n]) {
			n--
		}
		return n
	}
	for n < len(x) && x[n] == y[n] {
		n++
	}
	for n > 0 && n < len(whole) && !utf8.RuneStart(whole[n]) {
		n--
	}
	return n
}

func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// diffPiece adds a replacement of a by b, without their shared beginning and end.
func diffPiece(out *builder, a, b string) {
	if a == b {
		out.add(Units(a), kept, "")
		return
	}
	start := 0
	for start < len(a) && start < len(b) {
		r, n := utf8.DecodeRuneInString(a[start:])
		if s, _ := utf8.DecodeRuneInString(b[start:]); s != r {
			break
		}
		start += n
	}
	end := 0
	for end < len(a)-start && end < len(b)-start {
		r, n := utf8.DecodeLastRuneInString(a[start : len(a)-end])
		if s, _ := utf8.DecodeLastRuneInString(b[start : len(b)-end]); s != r {
			break
		}
		end += n
	}
	out.add(Units(a[:start]), kept, "")
	old, s := a[start:len(a)-end], b[start:len(b)-end]
	out.add(Units(old), Units(s), s)
	out.add(Units(a[len(a)-end:]), kept, "")
}

// hunk is a run of lines in the old text and its replacement in the new one.
type hunk struct{ old, new []string }

// hunks finds the lines that a and b share, with E. Myers' greedy algorithm.
func hunks(a, b []string) []hunk {
	all := []hunk{}
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	all = append(all, hunk{a[:start], b[:start]})
	all = append(all, middle(a[start:len(a)-end], b[start:len(b)-end])...)
	return append(all, hunk{a[len(a)-end:], b[len(b)-end:]})
}

// middle is hunks for texts without a shared beginning or end.
func middle(a, b []string) []hunk {
	// reach[d][k+d] is the farthest line of a that d insertions and deletions reach on
	// diagonal k, which is the lead of a over b.
	var reach [][]int
	for d := 0; d <= maxDiff; d++ {
		row := make([]int, 2*d+1)
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x = step0(reach[d-1], d, k)
			}
			for x < len(a) && x-k < len(b) && x-k >= 0 && a[x] == b[x-k] {
				x++
			}
			row[k+d] = x
			if x >= len(a) && x-k >= len(b) {
				return trace(append(reach, row), a, b, k)
			}
		}
		reach = append(reach, row)
	}
	return []hunk{{a, b}}
}

// step0 returns the place on diagonal k after d steps, before any shared line.
func step0(before []int, d, k int) int {
	down, right := -1, -1 // after inserting a line of b, after deleting one of a
	if k+1 <= d-1 {
		down = before[k+1+d-1]
	}
	if k-1 >= -(d - 1) {
		right = before[k-1+d-1] + 1
	}
	return max(down, right)
}

// trace walks back through reach and returns the hunks in order.
func trace(reach [][]int, a, b []string, k int) []hunk {
	var backwards []hunk
	x, y := len(a), len(b)
	for d := len(reach) - 1; d >= 0; d-- {
		from := 0
		if d > 0 {
			from = step0(reach[d-1], d, k)
		}
		if x > from {
			backwards = append(backwards, hunk{a[from:x], b[from-k : y]})
		}
		x, y = from, from-k
		if d == 0 {
			break
		}
		if k+1 <= d-1 && reach[d-1][k+1+d-1] == from {
			backwards = append(backwards, hunk{nil, b[y-1 : y]})
			k++
			y--
		} else {
			backwards = append(backwards, hunk{a[x-1 : x], nil})
			k--
			x--
		}
	}
	var all []hunk
	for i := len(backwards) - 1; i >= 0; i-- {
		h := backwards[i]
		if n := len(all); n > 0 && changed(h) && changed(all[n-1]) {
			all[n-1] = hunk{join(all[n-1].old, h.old), join(all[n-1].new, h.new)}
			continue
		}
		all = append(all, h)
	}
	return all
}

// changed reports whether a hunk of trace has lines that are not shared.
func changed(h hunk) bool { return len(h.old) != len(h.new) || len(h.old) > 0 && h.old[0] != h.new[0] }

func join(a, b []string) []string { return append(a[:len(a):len(a)], b...) }
