package object

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// present delivers a session's call with a number, for the first time or again.
func (w *world) present(number uint64, again bool, c lmz.Continuation) <-chan proto.Answer {
	w.t.Helper()
	call, err := proto.NewCall(w.t.Context(), w.identity(), box, c)
	if err != nil {
		w.t.Fatal(err)
	}
	call.ID, call.Again = proto.CallID{Session: proto.SessionID{7}, Number: number}, again
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	w.t.Cleanup(cancel)
	answers := make(chan proto.Answer, 1)
	w.rt.Deliver(ctx, call, func(a proto.Answer) { answers <- a })
	return answers
}

func text(t *testing.T, a proto.Answer) (string, error) {
	t.Helper()
	value, err := a.Result()
	if err != nil {
		return "", err
	}
	var s string
	if err := value.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s, nil
}

// exposeAppender exposes append, which adds a word to the stored text and returns it;
// appendThenCall, which then also calls a gate; large; and read.
func exposeAppender(o *Object, mux *lmz.Mux) {
	kv := o.KV()
	add := func(ctx context.Context, word string) (string, error) {
		var s string
		if _, err := kv.Get(ctx, "s", &s); err != nil {
			return "", err
		}
		s += word
		return s, kv.Put(ctx, "s", s)
	}
	lmz.Method1[string, string]("append").Expose(mux, lmz.Anyone, add)
	lmz.Method1[string, string]("appendThenCall").Expose(mux, lmz.Anyone, func(ctx context.Context, word string) (string, error) {
		if _, err := add(ctx, word); err != nil {
			return "", err
		}
		if _, err := o.CallRaw(ctx, lmz.Worker("GATE"), lmz.Ctn("pass", word)); err != nil {
			return "", err
		}
		return add(ctx, "!")
	})
	lmz.Method0[string]("large").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
		_, err := add(ctx, "large")
		return strings.Repeat("x", maxOutcome+1), err
	})
	lmz.Method0[string]("read").Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
		var s string
		_, err := kv.Get(ctx, "s", &s)
		return s, err
	})
}

func appender(t *testing.T, dir string) *world {
	w := newWorld(t, dir)
	w.register(box.Binding, exposeAppender)
	return w
}

func TestCallPresentedAgainAfterACrash(t *testing.T) {
	dir := t.TempDir()
	w := appender(t, dir)
	if got, err := text(t, <-w.present(1, false, lmz.Ctn("append", "a"))); got != "a" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	w.close()
	w = appender(t, dir)
	for range 2 {
		if got, err := text(t, <-w.present(1, true, lmz.Ctn("append", "a"))); got != "a" || err != nil {
			t.Errorf("again: got %q, %v", got, err)
		}
	}
	if got, err := text(t, <-w.present(2, true, lmz.Ctn("append", "b"))); got != "ab" || err != nil {
		t.Errorf("a call that never came: got %q, %v", got, err)
	}
}

func TestACallThatHadBegunAtACrashIsUnknown(t *testing.T) {
	dir := t.TempDir()
	w := appender(t, dir)
	gate := newGate()
	w.mesh["GATE"] = worker{gate}
	first := w.present(1, false, lmz.Ctn("appendThenCall", "a"))
	<-gate.entered
	copied := t.TempDir() // what a crash at this moment would leave
	copyTree(t, dir, copied)
	close(gate.open)
	if got, err := text(t, <-first); got != "a!" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	after := appender(t, copied)
	if _, err := text(t, <-after.present(1, true, lmz.Ctn("appendThenCall", "a"))); lmz.CodeOf(err) != lmz.CodeUnknown {
		t.Errorf("again: got %v, want unknown", err)
	}
	if got := must[string](after, box, "read"); got != "a" {
		t.Errorf("the state is %q", got)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "objects"), os.DirFS(filepath.Join(from, "objects"))); err != nil {
		t.Fatal(err)
	}
}

func TestACallThatIsStillRunningIsWaitedFor(t *testing.T) {
	w := appender(t, t.TempDir())
	gate := newGate()
	w.mesh["GATE"] = worker{gate}
	first := w.present(1, false, lmz.Ctn("appendThenCall", "a"))
	<-gate.entered
	second := w.present(1, true, lmz.Ctn("appendThenCall", "a"))
	close(gate.open)
	for _, answers := range []<-chan proto.Answer{first, second} {
		if got, err := text(t, <-answers); got != "a!" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestOnlyWhoMadeACallMayAskForItsOutcome(t *testing.T) {
	w := appender(t, t.TempDir())
	<-w.present(1, false, lmz.Ctn("append", "secret"))
	w.peer.name = "thief"
	if got, err := text(t, <-w.present(1, true, lmz.Ctn("append", "x"))); !strings.Contains(err.Error(), "not the caller's") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLargeAnswerPresentedAgain(t *testing.T) {
	w := appender(t, t.TempDir())
	<-w.present(1, false, lmz.Ctn("large"))
	_, err := text(t, <-w.present(1, true, lmz.Ctn("large")))
	if lmz.CodeOf(err) != lmz.CodeUnknown || !strings.Contains(err.Error(), "was executed") {
		t.Errorf("got %v", err)
	}
	if got := must[string](w, box, "read"); got != "large" {
		t.Errorf("the state is %q: it ran twice", got)
	}
}

func TestAcknowledgedOutcomes(t *testing.T) {
	w := appender(t, t.TempDir())
	<-w.present(1, false, lmz.Ctn("append", "a"))
	<-w.present(2, false, lmz.Ctn("read"))
	commits := w.rt.commits.Load()
	if commits != 1 {
		t.Errorf("a read made a commit: there were %d", commits)
	}
	w.rt.Acknowledged(box, proto.CallID{Session: proto.SessionID{7}, Number: 1})
	if got := w.rt.commits.Load(); got != commits {
		t.Errorf("acknowledging made a commit: %d, then %d", commits, got)
	}
	<-w.present(3, false, lmz.Ctn("append", "b"))
	if got, err := text(t, <-w.present(1, true, lmz.Ctn("append", "c"))); got != "abc" || err != nil {
		t.Errorf("an acknowledged call that comes again is a new one: got %q, %v", got, err)
	}
}

func TestACallerCannotFillTheDiskWithOutcomes(t *testing.T) {
	const maxOutcomes = 512 // of one caller
	w := appender(t, t.TempDir())
	for number := uint64(1); number <= 3*maxOutcomes; number++ {
		<-w.present(number, false, lmz.Ctn("append", "x"))
	}
	if _, err := text(t, <-w.present(1, true, lmz.Ctn("read"))); err != nil {
		t.Fatal(err)
	}
	if got, err := text(t, <-w.present(3*maxOutcomes, true, lmz.Ctn("append", "y"))); err != nil || len(got) != 3*maxOutcomes {
		t.Errorf("the last outcome is not kept: %d bytes, %v", len(got), err)
	}
	table, err := w.rt.Inspect(t.Context(), box, `SELECT count(*) FROM lmz_outcome`)
	if err != nil || table.Rows[0][0].(int64) > maxOutcomes+64 { // pruned every 64 calls
		t.Errorf("%v outcomes are kept, %v", table.Rows, err)
	}
}
