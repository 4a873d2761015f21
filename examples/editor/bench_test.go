package editor

import (
	"slices"
	"testing"
	"time"

	"github.com/lumenize/lmz/text"
)

// BenchmarkKeystroke types at one screen until another one has it, over sockets of the
// loopback, with a gateway whose document is on disk. One after the other.
func BenchmarkKeystroke(b *testing.B) {
	url := serve(b)
	ann := connect(b, url)
	bob := connectAs(b, url, "node")
	const typed = "the quick brown fox jumps over the lazy dog. "
	var took []time.Duration
	for b.Loop() {
		length := ann.session.Text().Len()
		start := time.Now()
		if err := ann.session.Edit(text.Insert(length, length, typed[length%len(typed):][:1])); err != nil {
			b.Fatal(err)
		}
		for bob.session.Text().Len() <= length {
			select {
			case <-bob.wake:
				bob.session.Pull()
			case <-ann.wake:
				ann.session.Pull()
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
