package editor

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/text"
)

// BenchmarkKeystroke types on one screen and waits for another to show it, one keystroke at
// a time, over loopback sockets, with the document on disk.
func BenchmarkKeystroke(b *testing.B) {
	url := serve(b)
	ann := connect(b, url)
	bob := connectAs(b, url, "node")
	const typed = "the quick brown fox jumps over the lazy dog. "
	var took []time.Duration
	for b.Loop() {
		length := ann.doc.Text().Len()
		start := time.Now()
		if err := ann.doc.Edit(text.Insert(length, length, typed[length%len(typed):][:1])); err != nil {
			b.Fatal(err)
		}
		for bob.doc.Text().Len() <= length {
			select {
			case <-bob.wake:
				bob.doc.Pull()
			case <-ann.wake:
				ann.doc.Pull()
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkReadOfAnOldVersion reads the texts of versions that are far from a snapshot,
// and for comparison the current one.
func BenchmarkReadOfAnOldVersion(b *testing.B) {
	peer, at := opened(b)
	const edits = 9500
	for version := 1; version < edits; version += 500 {
		var updates []text.Update
		for i := range 500 {
			e := text.Edit{Editor: "typist" + strconv.Itoa(version), Number: i + 1, Changes: text.Insert(version+i-1, version+i-1, "a")}
			updates = append(updates, e.Update())
		}
		if _, err := Push.Call(b.Context(), peer, at, version-1, updates); err != nil {
			b.Fatal(err)
		}
	}
	for _, back := range []int{0, 400, 1000} {
		b.Run(strconv.Itoa(back)+"-back", func(b *testing.B) {
			for b.Loop() {
				if _, err := Read.Call(b.Context(), peer, at, edits-back, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRestoration alternately restores the empty text and one of 17 MB.
func BenchmarkRestoration(b *testing.B) {
	peer, at := opened(b)
	line := strings.Repeat("abcdefghi ", 6000)
	version := 0
	for length := 0; length < 17<<20; {
		var updates []text.Update
		for i := range 15 {
			e := text.Edit{Editor: "filler" + strconv.Itoa(version), Number: i + 1, Changes: text.Insert(length, length, line)}
			updates = append(updates, e.Update())
			length += len(line)
		}
		if _, err := Push.Call(b.Context(), peer, at, version, updates); err != nil {
			b.Fatal(err)
		}
		version += 15
	}
	full := version
	for i := 0; b.Loop(); i++ {
		if _, err := Restore.Call(b.Context(), peer, at, full*(i%2)); err != nil {
			b.Fatal(err)
		}
	}
}

// opened returns a client that has the document notes open.
func opened(b *testing.B) (*client.Peer, lmz.Address) {
	peer, err := client.New(client.Options{
		URL: serve(b), Token: func(context.Context, string) (string, error) { return meshtest.Token("ours", nil), nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { peer.Close(); peer.Wait() })
	if err := peer.Connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	at := lmz.At(DocumentBinding, "notes")
	if _, err := Subscribe.Call(b.Context(), peer, at); err != nil {
		b.Fatal(err)
	}
	return peer, at
}
