package text

import (
	"strings"
	"unicode/utf8"
)

// Edit is one change, identified by its editor and sequence number.
type Edit struct {
	Editor  string
	Number  int // counts the editor's edits from 1
	Changes ChangeSet
}

// Update is an Edit on the wire: CodeMirror's update plus a number. The editor is the
// clientID of CodeMirror's collaboration client.
type Update struct {
	ClientID string `json:"clientID"`
	Number   int    `json:"number"`
	Changes  []any  `json:"changes"` // see [ChangeSet.Wire]
}

// Update returns e in its wire form.
func (e Edit) Update() Update { return Update{e.Editor, e.Number, e.Changes.Wire()} }

// Edit parses an update. The error is that of [Parse].
func (u Update) Edit() (Edit, error) {
	c, err := Parse(u.Changes)
	return Edit{u.ClientID, u.Number, c}, err
}

// Updates returns edits in their wire form.
func Updates(edits []Edit) []Update {
	all := make([]Update, len(edits))
	for i, e := range edits {
		all[i] = e.Update()
	}
	return all
}

// Edits parses updates. The error is that of the first invalid one.
func Edits(updates []Update) ([]Edit, error) {
	all := make([]Edit, len(updates))
	for i, u := range updates {
		var err error
		if all[i], err = u.Edit(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Inserted returns what edits insert, one line for each edit, to show users what would be
// lost.
func Inserted(edits []Edit) string {
	var all strings.Builder
	for _, e := range edits {
		s := e.Changes.Inserted()
		if s != "" && all.Len() > 0 {
			all.WriteByte('\n')
		}
		all.WriteString(s)
	}
	return all.String()
}

// MaxEdit is the most bytes that one edit may insert, so that it fits in a frame and in a
// database row. [Client.Push] and [Split] keep to it.
const MaxEdit = 64 << 10

// size returns how many bytes c inserts.
func (c ChangeSet) size() int {
	n := 0
	for _, s := range c.sections {
		n += len(s.text)
	}
	return n
}

// Split divides a change set into a sequence with the same effect. Each part inserts at
// most limit bytes, or one character.
func Split(c ChangeSet, limit int) []ChangeSet {
	limit = max(limit, utf8.UTFMax)
	if c.size() <= limit {
		return []ChangeSet{c}
	}
	var all []ChangeSet
	var now builder
	done, room, left := 0, limit, c.Length() // done: units of the new text, left: of the old
	flush := func(more int) {
		now.add(more+left, kept, "")
		all = append(all, now.changes())
		now, room = builder{}, limit
		now.add(done, kept, "")
	}
	for _, s := range c.sections {
		left -= s.n
		if s.ins == kept {
			now.add(s.n, kept, "")
			done += s.n
			continue
		}
		n := s.n
		for text := s.text; ; {
			part := head(text, room)
			if part == "" && text != "" && room < limit {
				flush(n)
				continue
			}
			units := Units(part)
			now.add(n, units, part)
			n = 0 // deleted with the first part
			done += units
			room -= len(part)
			if text = text[len(part):]; text == "" {
				break
			}
			flush(0)
		}
	}
	now.add(left, kept, "")
	return append(all, now.changes())
}

// head returns the whole characters within the first n bytes of s.
func head(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
