//go:build unix

package object

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/internal/store/sqlite"
)

// These tests kill a process that works on objects, at critical places, and check what it
// has left. The process is another run of this test binary.

// victimVar holds the order for a process that will be killed.
const victimVar = "LMZ_TEST_VICTIM"

// order says what a victim must do.
type order struct {
	Dir    string
	Works  []string // methods of the sender, which it calls concurrently, in a loop
	Die    string   // the failpoint at which it kills itself; "": after Nth calls
	Nth    int      // at which hit of Die; or how many objects it creates
	Schema int      // how many migrations it has
}

// postSchema is the schema of a post's objects.
var postSchema = []string{
	`CREATE TABLE entry (n INTEGER PRIMARY KEY, text TEXT, pad BLOB)`,
	`ALTER TABLE entry ADD COLUMN more DEFAULT 'more'`,
}

// run runs test in a separate process until that is killed, and returns its output.
func (o order) run(t *testing.T, test string) (said []string) {
	t.Helper()
	text, err := json.Marshal(o)
	wantNil(t, err)
	cmd := exec.Command(os.Args[0], "-test.run", "^"+test+"$", "-test.timeout", "5m")
	cmd.Env = append(os.Environ(), victimVar+"="+string(text))
	var log logBuffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	wantNil(t, err, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the victim ended with %v, and was not killed at %q:\n%s\n%s", err, o.Die, strings.Join(said, "\n"), log.String())
	}
	return said
}

// obey returns the order of this process, if it is a victim.
func obey(t *testing.T) (o order, ok bool) {
	text := os.Getenv(victimVar)
	if text == "" {
		return o, false
	}
	wantNil(t, json.Unmarshal([]byte(text), &o))
	return o, true
}

// kill is kill -9 of this process.
func kill() { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

// postOn opens the mesh for an order.
func (o order) postOn(t *testing.T) *post {
	p := &post{t: t, schema: postSchema[:o.Schema], work: make(map[string]int), note: func(tag string) { appendLine(t, o.Dir, tag) }}
	if strings.Contains(o.Die, "eviction") {
		p.idle = time.Millisecond
	}
	p.start(newWorld(t, filepath.Join(o.Dir, "data")))
	return p
}

// TestVictim is not a test, but a process that is killed. It prints what was acknowledged,
// and the size of the WAL of the sender's file at that time.
func TestVictim(t *testing.T) {
	o, ok := obey(t)
	if !ok {
		return
	}
	var mu sync.Mutex
	reached := 0
	failpoint.On = func(name string) {
		mu.Lock()
		defer mu.Unlock()
		if name != o.Die {
			return
		}
		if reached++; reached == o.Nth {
			kill()
		}
	}
	p := o.postOn(t)
	for i := range 100 {
		var turns sync.WaitGroup
		for j, method := range o.Works {
			turns.Go(func() {
				tag := fmt.Sprintf("%s.%d.%d.%d", method, o.Schema, i, j)
				if _, err := p.CallRaw(t.Context(), sender, lmz.Ctn(method, tag)); err == nil {
					fmt.Println(tag, logBytes(o.Dir))
				} else if method != "fail" {
					t.Error(err)
				}
			})
		}
		turns.Wait()
		p.disturb(o, i)
		if o.Die == "" && i+1 == o.Nth {
			kill()
		}
	}
}

// disturb does what must happen between turns for a victim to reach its failpoint.
func (p *post) disturb(o order, i int) {
	if strings.Contains(o.Die, "eviction") {
		poll.Until(p.t, "the sender is closed", func() bool {
			p.rt.mu.Lock()
			defer p.rt.mu.Unlock()
			return len(p.rt.objects) == 0
		})
	}
	backup := filepath.Join(o.Dir, fmt.Sprint("backup", i))
	if strings.HasPrefix(o.Die, "backup") || o.Die == "restore" {
		wantNil(p.t, p.rt.Backup(p.t.Context(), sender, backup))
	}
	if o.Die == "restore" {
		wantNil(p.t, p.rt.Restore(p.t.Context(), backup, lmz.At(sender.Binding, fmt.Sprint("copy", i))))
	}
}

// logBytes returns the size of the WAL of the sender's file.
func logBytes(dir string) int64 {
	info, err := os.Stat(sqlite.Path(filepath.Join(dir, "data"), sender) + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// acknowledged is a call acknowledged to a victim, and the size of the WAL then.
type acknowledged struct {
	tag string
	log int64
}

func parseAcknowledged(t *testing.T, said []string) (all []acknowledged) {
	for _, line := range said {
		var a acknowledged
		_, err := fmt.Sscan(line, &a.tag, &a.log)
		wantNil(t, err)
		all = append(all, a)
	}
	return all
}

// appendLine records what a worker does outside of the mesh.
func appendLine(t *testing.T, dir, line string) {
	f, err := os.OpenFile(filepath.Join(dir, "worked"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(line + "\n")
		f.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

// rest waits until a started runtime has no work left.
func (w *world) rest() {
	w.t.Helper()
	poll.UntilNil(w.t, func() error {
		// Check the work left by the last commits, not whether anything is open: an object being
		// woken is for a moment neither in the queue nor open.
		idle := len(w.rt.wakes.All()) == 0
		w.rt.mu.Lock()
		idle = idle && len(w.rt.sending) == 0 && len(w.rt.objects) == 0
		w.rt.mu.Unlock()
		if !idle {
			return fmt.Errorf("it does not come to rest\n%s", w.log)
		}
		return nil
	})
}

// Wherever the process is killed, whatever the object is doing: the disk has only the writes
// of whole turns, including all acknowledged ones, and the sends of these turns, and no
// others, are executed without any calls.
func TestSendsOfAProcessKilledAnywhere(t *testing.T) {
	failpoints := []string{
		"before commit", "after commit", "before send", "after send", "before index", "after index",
		"eviction", "after eviction", "migration", "backup begun", "backup", "restore",
	}
	// The turns write a key or a table, set an alarm, send with and without replies, and undo
	// all of that, as a whole or in part.
	works := []string{"kv", "sql", "remind", "send", "fail", "undo"}
	for i, die := range failpoints {
		most := 11 // hits of the failpoint before the victim dies
		switch die {
		case "migration", "backup begun", "backup", "restore":
			most = 2
		}
		for j, work := range works {
			if underRace && (i+j)%len(works) != 0 {
				continue // the race detector sees little of a killed process
			}
			t.Run(die+" of "+work, func(t *testing.T) {
				t.Parallel()
				o := order{Dir: t.TempDir(), Works: []string{work, "send", "remind"}, Die: die, Nth: 1 + (5*i+3*j)%most, Schema: 1}
				var said []string
				if die == "migration" {
					before := o
					before.Die, before.Nth = "", 3
					said = before.run(t, "TestVictim")
					o.Schema = 2
				}
				said = append(said, o.run(t, "TestVictim")...)
				p := o.postOn(t)
				p.restoreBackups(o.Dir)
				p.rt.Start() // without any calls
				p.rest()
				p.check(o.Dir, parseAcknowledged(t, said))
				must[struct{}](p.world, sender, "send", "again")
				p.rest()
				p.check(o.Dir, []acknowledged{{tag: "again"}})
			})
		}
	}
}

// restoreBackups creates objects from the finished backups.
func (p *post) restoreBackups(dir string) {
	backups, err := filepath.Glob(filepath.Join(dir, "backup*[0-9]"))
	wantNil(p.t, err)
	for _, file := range backups {
		wantNil(p.t, p.rt.Restore(p.t.Context(), file, lmz.At(sender.Binding, "from "+filepath.Base(file))))
	}
}

// check compares the state with the log of the sender, which was written in the same turns.
func (p *post) check(dir string, done []acknowledged) {
	p.t.Helper()
	sent, received := must[[]string](p.world, sender, "log"), must[[]string](p.world, callee, "log")
	data, _ := os.ReadFile(filepath.Join(dir, "worked"))
	worked := strings.Fields(string(data))
	for _, a := range done {
		if !slices.Contains(sent, a.tag) {
			p.t.Errorf("%s was acknowledged, and is lost", a.tag)
		}
	}
	want := func(log []string, what string, n int) {
		if got := withPrefix(log, what); got != n {
			p.t.Errorf("%s is there %d times, want %d\nsender %q\ncallee %q\nworker %q", what, got, n, sent, received, worked)
		}
	}
	for _, tag := range sent {
		method, _, _ := strings.Cut(tag, ".")
		switch {
		case strings.Contains(tag, "/"):
		case method == "remind":
			want(sent, tag+"/alarm", 1)
		case method == "send" || method == "again":
			want(received, tag+"/a", 1)
			want(received, tag+"/b", 1)
			for _, reply := range []string{"/b added", "/c ", "/w "} {
				want(sent, tag+reply, 1)
			}
		}
	}
	for _, log := range [][]string{sent, received, worked} {
		want(log, "fail", 0)
		for i, entry := range log {
			if strings.HasSuffix(entry, "/undone") {
				p.t.Errorf("%s is of a part of a turn that was taken back", entry)
			}
			if tag, _, _ := strings.Cut(entry, "/"); !slices.Contains(sent, tag) {
				p.t.Errorf("%s was sent by a turn that is not on disk", entry)
			}
			if slices.Contains(log[:i], entry) && !strings.HasSuffix(entry, "/inner") {
				p.t.Errorf("%s was done twice", entry)
			}
		}
	}
	p.checkCopies(sent)
}

// checkCopies checks the restored objects: each is a consistent state of the sender, and its
// alarms ring.
func (p *post) checkCopies(sent []string) {
	p.t.Helper()
	for stored, err := range p.rt.List(sender.Binding, "") {
		wantNil(p.t, err)
		if stored.Address == sender {
			continue
		}
		log := must[[]string](p.world, stored.Address, "log")
		for _, entry := range log {
			if !slices.Contains(sent, entry) {
				p.t.Errorf("%s has %q, which the object that it is a copy of never had", stored.Address, entry)
			}
			if strings.HasPrefix(entry, "remind") && !strings.Contains(entry, "/") && withPrefix(log, entry+"/alarm") != 1 {
				p.t.Errorf("%s has %q, and the alarm did not ring once: %q", stored.Address, entry, log)
			}
		}
	}
}
