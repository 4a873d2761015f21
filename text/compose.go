package text

// Compose returns the change set that has the effect of c followed by next. It returns
// [ErrLength] if next does not apply to the text that c makes, and [ErrSplit] if next
// splits a character that c inserts.
func (c ChangeSet) Compose(next ChangeSet) (ChangeSet, error) {
	if c.NewLength() != next.Length() {
		return ChangeSet{}, ErrLength
	}
	a, b := readNew(c), readOld(next)
	var out builder
	for !a.done() || !b.done() {
		switch {
		case a.replaces() && a.section().ins == 0:
			out.add(a.section().n, 0, "")
			a.next()
		case b.replaces() && b.section().n == 0:
			out.add(0, b.section().ins, b.section().text)
			b.next()
		default:
			n := min(a.rest, b.rest)
			count := len(out.sections)
			if err := composeStep(a, b, n, &out); err != nil {
				return ChangeSet{}, err
			}
			goesOn := a.replaces() && a.rest > n || b.replaces() && b.rest > n
			out.open = goesOn && (out.open || len(out.sections) > count)
			a.skip(n)
			b.skip(n)
		}
	}
	return out.changes(), nil
}

// composeStep adds the result for the next n units of the text between a and b.
func composeStep(a, b *reader, n int, out *builder) error {
	old, ins, text := n, kept, "" // when both keep them
	if a.replaces() {
		old = 0
		if a.off == 0 {
			old = a.section().n
		}
		part, ok := a.part(n)
		if !ok {
			return ErrSplit
		}
		ins, text = n, part
	}
	if b.replaces() {
		ins, text = 0, ""
		if b.off == 0 {
			ins, text = b.section().ins, b.section().text
		}
	}
	out.add(old, ins, text)
	return nil
}
