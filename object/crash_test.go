//go:build unix

package object

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumenize/lmz"
)

// These tests kill a process that works on objects, where it hurts, and look at what
// it has left. The process is this test binary again, as victim says.

const victimVar = "LMZ_TEST_VICTIM"

// order is what a victim has to do.
type order struct {
	Dir  string
	What string // a key of work
	Die  string // the failpoint at which it kills itself; "" for none
	Skip int    // how often that is passed by first

	Schema int // how many of the migrations it knows
}

// ledgerSchema is the table that is written together with keys.
var ledgerSchema = []string{`CREATE TABLE entry (n INTEGER PRIMARY KEY, text TEXT)`, `ALTER TABLE entry ADD COLUMN more DEFAULT 'more'`}

// newLedgerKind makes objects that note what they are told, in a key and in a table.
func newLedgerKind(idle time.Duration, schema []string) Kind {
	return Kind{Idle: idle, Schema: schema, New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		note := func(ctx context.Context, what string, n int) error {
			var errs []error
			if strings.Contains(what, "kv") {
				errs = append(errs, o.KV().Put(ctx, fmt.Sprint(n), strings.Repeat("x", n%500)), o.KV().Put(ctx, "last", n))
			}
			if strings.Contains(what, "sql") {
				_, err := o.SQL().Exec(ctx, `INSERT INTO entry (n, text) VALUES (?, ?)`, n, strings.Repeat("y", n%500))
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		}
		lmz.Method2[string, int, int]("note").Expose(mux, lmz.Anyone, func(ctx context.Context, what string, n int) (int, error) {
			if err := note(ctx, what, n); err != nil {
				return 0, err
			}
			if strings.HasPrefix(what, "fail ") {
				return 0, lmz.Errorf("changed my mind")
			}
			if strings.HasPrefix(what, "undo ") {
				no := errors.New("no")
				if err := o.Tx(ctx, func(ctx context.Context) error { return errors.Join(note(ctx, what, n+1_000_000), no) }); !errors.Is(err, no) {
					return 0, err
				}
			}
			return n, nil
		})
		lmz.Method0[map[string]int]("notes").Expose(mux, lmz.Anyone, func(ctx context.Context) (map[string]int, error) {
			found := make(map[string]int)
			entries, err := o.KV().Entries(ctx, Range{})
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if e.Key != "last" {
					found["kv "+e.Key]++
				}
			}
			for n, err := range Query[int](ctx, o.SQL(), `SELECT n FROM entry`) {
				if err != nil {
					return nil, err
				}
				found["sql "+strconv.Itoa(n)]++
			}
			return found, nil
		})
		return mux
	}}
}

// TestVictim is what a victim does. It is no test by itself.
func TestVictim(t *testing.T) {
	text := os.Getenv(victimVar)
	if text == "" {
		return
	}
	var o order
	wantNil(t, json.Unmarshal([]byte(text), &o))
	onFailpoint = func(name string) {
		if name != o.Die {
			return
		}
		if o.Skip--; o.Skip < 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	rt, err := Open(o.Dir, mesh{}, nil)
	wantNil(t, err)
	idle := -1 * time.Second
	if o.Die == "eviction" || o.Die == "after eviction" {
		idle = time.Millisecond
	}
	rt.Register("LEDGER", newLedgerKind(idle, ledgerSchema[:o.Schema]))
	client := peer{"victim", rt}
	for n := firstNote(o.Dir); ; n++ {
		what := o.What
		if n%2 == 0 { // every second one is plain
			what = what[strings.LastIndex(what, " ")+1:]
		}
		fmt.Println("begin", what, n)
		_, err := client.CallRaw(context.Background(), ledger, lmz.Ctn("note", what, n))
		if err == nil {
			fmt.Println("done", what, n, walBytes(o.Dir))
		} else if lmz.CodeOf(err) != lmz.CodeCallee {
			fmt.Println("error", err)
			os.Exit(1)
		}
		if n%10 == 9 && (idle > 0) {
			time.Sleep(5 * time.Millisecond)
		}
		if n%20 == 19 && strings.HasPrefix(o.Die, "backup") {
			if err := rt.Backup(context.Background(), ledger, filepath.Join(o.Dir, fmt.Sprint("backup", n))); err != nil {
				fmt.Println("error", err)
			}
		}
		if n%20 == 19 && o.Die == "restore" {
			file := filepath.Join(o.Dir, "to restore")
			os.Remove(file)
			err := errors.Join(rt.Backup(context.Background(), ledger, file), rt.Restore(context.Background(), file, lmz.At("LEDGER", fmt.Sprint("copy", n))))
			if err != nil {
				fmt.Println("error", err)
			}
		}
	}
}

var ledger = lmz.At("LEDGER", "one")

// firstNote is a number that no earlier victim has used.
func firstNote(dir string) int {
	lives, _ := os.ReadFile(filepath.Join(dir, "lives"))
	os.WriteFile(filepath.Join(dir, "lives"), append(lives, '.'), 0o600)
	return 1 + 10_000*len(lives)
}

func walBytes(dir string) int64 {
	info, err := os.Stat(filePath(dir, ledger) + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// commit is an acknowledged note, and how long the log was then.
type acknowledged struct {
	what string
	n    int
	wal  int64
}

// history is what a victim says it has begun, and what was acknowledged.
type history struct {
	begun []acknowledged
	done  []acknowledged
}

// kill has a victim work until it dies, or until it was acknowledged so many notes.
func (h *history) kill(t *testing.T, o order, after int) {
	t.Helper()
	text, err := json.Marshal(o)
	wantNil(t, err)
	victim := exec.Command(os.Args[0], "-test.run", "^TestVictim$")
	victim.Env = append(os.Environ(), victimVar+"="+string(text))
	var stderr bytes.Buffer
	victim.Stderr = &stderr
	out, err := victim.StdoutPipe()
	wantNil(t, err, victim.Start())
	timer := time.AfterFunc(30*time.Second, func() { victim.Process.Kill() })
	defer timer.Stop()
	acked := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "begin":
			h.begun = append(h.begun, parseNote(t, rest+" 0"))
		case "done":
			h.done = append(h.done, parseNote(t, rest))
			if acked++; o.Die == "" && acked == after {
				victim.Process.Kill()
			}
		case "error":
			t.Errorf("the victim: %s", rest)
		}
	}
	io.Copy(io.Discard, out)
	var exit *exec.ExitError
	if err := victim.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the victim ended with %v, and was not killed at %q:\n%s", err, o.Die, stderr.String())
	}
}

func parseNote(t *testing.T, text string) acknowledged {
	t.Helper()
	words := strings.Fields(text)
	n, err := strconv.Atoi(words[len(words)-2])
	wal, err2 := strconv.ParseInt(words[len(words)-1], 10, 64)
	wantNil(t, err, err2)
	return acknowledged{strings.Join(words[:len(words)-2], " "), n, wal}
}

// wants returns what a note leaves.
func (a acknowledged) wants() (rows []string) {
	for _, part := range []string{"kv", "sql"} {
		if strings.Contains(a.what, part) && !strings.HasPrefix(a.what, "fail ") {
			rows = append(rows, fmt.Sprint(part, " ", a.n))
		}
	}
	return rows
}

// check compares what is on disk with what must be, and what may be: the note that was
// under way, as a whole or not at all.
func (h *history) check(t *testing.T, dir string, schema int) {
	t.Helper()
	w := newWorld(t, dir)
	w.registerKind("LEDGER", newLedgerKind(0, ledgerSchema[:schema]))
	found := must[map[string]int](w, ledger, "notes")
	w.close()
	for _, a := range h.done {
		for _, row := range a.wants() {
			if found[row] != 1 {
				t.Errorf("%s, which was acknowledged, is there %d times", row, found[row])
			}
		}
	}
	may := make(map[string]bool)
	for _, a := range h.begun {
		rows := a.wants()
		there := 0
		for _, row := range rows {
			may[row] = true
			there += found[row]
		}
		if there != 0 && there != len(rows) {
			t.Errorf("of note %d there are %d of %d parts", a.n, there, len(rows))
		}
	}
	for row := range found {
		if !may[row] {
			t.Errorf("%s is there, and should not be", row)
		}
	}
}

func TestAProcessThatIsKilledAnywhereLosesNothingAcknowledged(t *testing.T) {
	if os.Getenv(victimVar) != "" {
		return
	}
	t.Parallel()
	for _, die := range []string{"before commit", "after commit", "eviction", "after eviction", "migration", "backup begun", "backup", "restore"} {
		works := []string{"kv+sql", "fail kv+sql", "undo kv+sql"}
		if strings.Contains(die, "commit") {
			works = append(works, "kv", "sql")
		}
		for _, what := range works {
			t.Run(die+" of "+what, func(t *testing.T) {
				dir, h := t.TempDir(), new(history)
				order := order{Dir: dir, What: what, Die: die, Schema: 1}
				plain := order
				plain.Die = ""
				h.kill(t, plain, 3) // so that there is something to lose
				if die == "migration" {
					order.Schema, plain.Schema = 2, 2
				}
				if strings.Contains(die, "commit") {
					order.Skip = 4
				}
				h.kill(t, order, 0)
				h.check(t, dir, plain.Schema)
				h.kill(t, plain, 3) // and it works on
				h.check(t, dir, plain.Schema)
				if left, _ := filepath.Glob(filepath.Join(dir, "backup*[0-9]")); die == "backup" && left != nil {
					t.Errorf("a backup that was killed looks like a whole one: %v", left)
				}
			})
		}
	}
}

// frame sizes of a log: a header, and frames of a header and a page.
const (
	walHeader = 32
	walFrame  = 24 + 4096
)

func TestALogThatIsCutAnywhereLosesNothingAcknowledgedBefore(t *testing.T) {
	if os.Getenv(victimVar) != "" {
		return
	}
	dir, h := t.TempDir(), new(history)
	h.kill(t, order{Dir: dir, What: "kv+sql", Schema: 1}, 40)
	wal, err := os.ReadFile(filePath(dir, ledger) + "-wal")
	wantNil(t, err)
	db, err := os.ReadFile(filePath(dir, ledger))
	wantNil(t, err)
	if h.done[0].wal == 0 || h.done[len(h.done)-1].wal > int64(len(wal)) {
		t.Fatalf("the log has %d bytes, and had %v", len(wal), h.done)
	}
	cuts := map[int64]bool{int64(len(wal)): true}
	first := h.done[0].wal
	for at := int64(walHeader); at <= int64(len(wal)); at += walFrame {
		if at >= first {
			cuts[at] = true
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		cuts[first+random.Int64N(int64(len(wal))-first+1)] = true
	}
	all := slices.Sorted(maps.Keys(cuts))
	for len(all) > 45 && os.Getenv("LMZ_SOAK") == "" { // a third is enough each time
		all = slices.DeleteFunc(all, func(int64) bool { return random.IntN(3) == 0 })
	}
	for _, cut := range all {
		again := t.TempDir()
		path := filePath(again, ledger)
		wantNil(t, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, db, 0o600), os.WriteFile(path+"-wal", wal[:cut], 0o600))
		before := &history{begun: h.begun}
		for _, a := range h.done {
			if a.wal <= cut {
				before.done = append(before.done, a)
			}
		}
		before.check(t, again, 1)
		if t.Failed() {
			t.Fatalf("the log was cut at %d of %d", cut, len(wal))
		}
	}
	t.Logf("%d cuts, %d acknowledged notes", len(all), len(h.done))
}
