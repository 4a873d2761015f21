package object

import (
	"testing"

	"github.com/lumenize/lmz"
)

// An outcome is kept until its caller has acknowledged the answer, not until the object has
// sent it: neither later turns nor a restart drop it.
func TestOutcomeAfterTheAnswer(t *testing.T) {
	dir := t.TempDir()
	w := appender(t, dir)
	if got, err := text(t, <-w.present(1, false, lmz.Ctn("append", "a"))); got != "a" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	for number := uint64(2); number < 5; number++ { // each commits
		if _, err := text(t, <-w.present(number, false, lmz.Ctn("append", "b"))); err != nil {
			t.Fatal(err)
		}
	}
	again := func() {
		t.Helper()
		if got, err := text(t, <-w.present(1, true, lmz.Ctn("append", "a"))); got != "a" || err != nil {
			t.Errorf("again: got %q, %v", got, err)
		}
		if got := must[string](w, box, "read"); got != "abbb" {
			t.Errorf("the state is %q", got)
		}
	}
	again()
	w.close()
	w = appender(t, dir)
	again()
}
