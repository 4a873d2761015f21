package text

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// keystrokes returns an author's 260,000 keystrokes: typing and deleting at a place that
// moves now and then.
func keystrokes() []Change {
	r := rand.New(rand.NewPCG(1, 1))
	changes := make([]Change, 260_000)
	length, at := 0, 0
	for i := range changes {
		if r.IntN(40) == 0 {
			at = r.IntN(length + 1)
		}
		if at > 0 && r.IntN(5) == 0 {
			changes[i] = Change{at - 1, at, ""}
			at--
			length--
			continue
		}
		changes[i] = Change{at, at, string(rune('a' + r.IntN(26)))}
		at++
		length++
	}
	return changes
}

// BenchmarkTrace replays 260,000 edits of one character, each as an applied change set.
func BenchmarkTrace(b *testing.B) {
	changes := keystrokes()
	b.ReportAllocs()
	for b.Loop() {
		var t Text
		for _, c := range changes {
			set, err := New(t.Len(), c)
			if err != nil {
				b.Fatal(err)
			}
			if err := t.Apply(set); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkKeystroke types in the middle of a 10 MB text, at a client and its authority.
func BenchmarkKeystroke(b *testing.B) {
	doc := NewText(strings.Repeat("All work and no play makes Jack a dull boy.\n", 10<<20/44))
	client := NewClient("ann", 0, doc.Clone())
	authority := NewAuthority(0, doc)
	var log MemoryLog
	at := doc.Len() / 2
	b.ReportAllocs()
	for b.Loop() {
		if err := client.Edit(Insert(client.Text().Len(), at, "a")); err != nil {
			b.Fatal(err)
		}
		base, edits := client.Push()
		p, err := authority.Push(&log, base, edits, time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		log.Add(p.New...)
		authority.Commit(p)
		client.Pushed(authority.Version())
		if _, err := client.Receive(p.New[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPaste pastes 1 MB into a 10 MB text.
func BenchmarkPaste(b *testing.B) {
	doc := NewText(strings.Repeat("All work and no play makes Jack a dull boy.\n", 10<<20/44))
	paste := strings.Repeat("x", 1<<20)
	for b.Loop() {
		t := doc.Clone()
		if err := t.Apply(Insert(t.Len(), t.Len()/2, paste)); err != nil {
			b.Fatal(err)
		}
	}
}
