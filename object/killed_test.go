//go:build unix

package object

import (
	"bufio"
	"context"
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
	"github.com/lumenize/lmz/internal/proto"
)

// victim runs a test of this binary in a process of its own, and returns it and what it
// says. The test finds dir and what in its environment.
func victim(t *testing.T, test, dir, what string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+test+"$", "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), "LMZ_VICTIM_DIR="+dir, "LMZ_VICTIM="+what)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	wantNil(t, err, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out)
}

// kill is kill -9 of this process.
func kill() { syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

// TestVictimThatSends is no test, but a process that is killed by
// [TestWhatIsOnDiskIsSentAndNothingElseWhereverTheProcessIsKilled].
func TestVictimThatSends(t *testing.T) {
	dir := os.Getenv("LMZ_VICTIM_DIR")
	if dir == "" {
		return
	}
	where, n := os.Getenv("LMZ_VICTIM"), 0
	fmt.Sscanf(where[strings.Index(where, "#")+1:], "%d", &n)
	where = where[:strings.Index(where, "#")]
	var mu sync.Mutex
	reached := 0
	onFailpoint = func(name string) {
		mu.Lock()
		defer mu.Unlock()
		if name != where {
			return
		}
		if reached++; reached == n {
			kill()
		}
	}
	p := &post{t: t, work: make(map[string]int), note: func(tag string) { appendLine(t, dir, tag) }}
	p.start(newWorld(t, filepath.Join(dir, "data")))
	for i := range 50 {
		for _, method := range []string{"send", "fail", "remind"} {
			tag := fmt.Sprint(method, i)
			if _, err := p.CallRaw(t.Context(), sender, lmz.Ctn(method, tag)); err == nil {
				fmt.Println(tag)
			}
		}
	}
}

// appendLine notes outside of the mesh what a worker does.
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

// rest waits until a runtime that was started has nothing to do any more.
func (w *world) rest() {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		// What the last commits leave to be done, and not whether anything is open: an object that is
		// being woken is for a moment neither in the queue nor open.
		idle := len(w.rt.wakes.all()) == 0
		w.rt.mu.Lock()
		idle = idle && len(w.rt.sending) == 0 && len(w.rt.objects) == 0
		w.rt.mu.Unlock()
		if idle {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("it does not come to rest\n%s", w.log)
		}
	}
}

func TestWhatIsOnDiskIsSentAndNothingElseWhereverTheProcessIsKilled(t *testing.T) {
	for _, where := range []string{"before send", "after send", "before commit", "after commit", "before index", "after index"} {
		for _, n := range []int{1, 2, 4, 7, 15} {
			if underRace && n%4 != 0 && n > 1 {
				continue // the race detector sees little of a process that is killed
			}
			t.Run(fmt.Sprint(where, n), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				cmd, out := victim(t, "TestVictimThatSends", dir, fmt.Sprintf("%s#%d", where, n))
				var acknowledged []string
				for out.Scan() {
					acknowledged = append(acknowledged, out.Text())
				}
				cmd.Wait()
				p := &post{t: t, work: make(map[string]int), note: func(tag string) { appendLine(t, dir, tag) }}
				p.start(newWorld(t, filepath.Join(dir, "data")))
				p.rt.Start() // and nobody calls
				p.rest()
				p.check(dir, acknowledged)
			})
		}
	}
}

// check compares what there is with what the log of the sender, which was written in the
// same turns, says that there must be.
func (p *post) check(dir string, acknowledged []string) {
	sent, received := must[[]string](p.world, sender, "log"), must[[]string](p.world, callee, "log")
	data, _ := os.ReadFile(filepath.Join(dir, "worked"))
	worked := strings.Fields(string(data))
	for _, tag := range acknowledged {
		if !slices.Contains(sent, tag) {
			p.t.Errorf("%s was acknowledged, and is lost", tag)
		}
	}
	want := func(log []string, what string, n int) {
		if got := withPrefix(log, what); got != n {
			p.t.Errorf("%s is there %d times, want %d\nsender %q\ncallee %q\nworker %q", what, got, n, sent, received, worked)
		}
	}
	for _, tag := range sent {
		switch {
		case strings.Contains(tag, "/"):
		case strings.HasPrefix(tag, "remind"):
			want(sent, tag+"/alarm", 1)
		default:
			want(received, tag+"/a", 1)
			want(received, tag+"/b", 1)
			for _, reply := range []string{"/b added", "/c ", "/w "} {
				want(sent, tag+reply, 1)
			}
		}
	}
	for _, log := range [][]string{received, worked} {
		for i, entry := range log {
			if tag, _, _ := strings.Cut(entry, "/"); !slices.Contains(sent, tag) {
				p.t.Errorf("%s was sent by a turn that is not on disk", entry)
			}
			if slices.Contains(log[:i], entry) && !strings.HasSuffix(entry, "/inner") {
				p.t.Errorf("%s was done twice", entry)
			}
		}
	}
}

// hoard is a mesh of many objects that have something to do.
const (
	hoardDue  = "due"  // they have an alarm and a message under way
	hoardRest = "rest" // they have an alarm, much later
)

func hoardSize() int {
	switch {
	case os.Getenv("LMZ_SOAK") != "":
		return 10_000
	case underRace:
		return 100
	}
	return 2_000
}

// hoard registers the kinds. done is told what an object has done.
func (w *world) hoard(relaxed bool, done func(what string, o *Object)) {
	w.registerKind("SINK", Kind{New: func(o *Object) lmz.Handler {
		mux := &lmz.Mux{}
		lmz.Method1[string, string]("take").Expose(mux, lmz.Anyone, func(ctx context.Context, from string) (string, error) {
			done("taken from "+from, o)
			return "taken", o.KV().Put(ctx, from, true)
		})
		return mux
	}})
	w.registerKind("MANY", Kind{Idle: time.Millisecond, Relaxed: relaxed, New: func(o *Object) lmz.Handler {
		done("opened", o)
		mux := &lmz.Mux{}
		begin := lmz.Method1[time.Time, struct{}]("begin")
		begin.Expose(mux, lmz.Anyone, func(ctx context.Context, at time.Time) (struct{}, error) {
			_, err := o.Alarms().Set(ctx, At(at), lmz.Ctn("ring"), AlarmOptions{})
			if err == nil && strings.HasPrefix(o.Identity().Instance, hoardDue) {
				err = o.Send(ctx, lmz.At("SINK", o.Identity().Instance[len(hoardDue)+1:][:1]), lmz.Ctn("take", o.Identity().Instance), lmz.Reply(lmz.Ctn("replied")))
			}
			return struct{}{}, err
		})
		for _, method := range []string{"ring", "replied"} {
			mux.Expose(method, lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				done(method, o)
				return nil, o.KV().Put(ctx, method, true)
			}))
		}
		return mux
	}})
}

// TestVictimWithManyObjects is no test, but a process that is killed by
// [TestManyClosedObjectsDoWhatTheyHaveToAfterAKillAndNoOthersAreOpened].
func TestVictimWithManyObjects(t *testing.T) {
	dir := os.Getenv("LMZ_VICTIM_DIR")
	if dir == "" {
		return
	}
	w := newWorld(t, dir)
	w.hoard(true, func(string, *Object) {})                             // it is killed, not the machine
	w.mesh["SINK"] = nodeFunc(func(*proto.Call, func(proto.Answer)) {}) // what is sent stays under way
	w.rt.wakes.wake = func(lmz.Address) {}                              // and nothing rings
	soon, later := time.Now(), time.Now().Add(time.Hour)
	slots := make(chan struct{}, 64)
	var all sync.WaitGroup
	begin := func(name string, at time.Time) {
		slots <- struct{}{}
		all.Go(func() {
			if _, err := w.CallRaw(t.Context(), lmz.At("MANY", name), lmz.Ctn("begin", at)); err != nil {
				t.Error(err)
			}
			<-slots
		})
	}
	for i := range hoardSize() / 10 {
		begin(fmt.Sprint(hoardRest, " ", i), later)
	}
	for i := range hoardSize() {
		begin(fmt.Sprint(hoardDue, " ", i), soon)
	}
	all.Wait()
	fmt.Println("begun")
	select {}
}

func TestManyClosedObjectsDoWhatTheyHaveToAfterAKillAndNoOthersAreOpened(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	cmd, out := victim(t, "TestVictimWithManyObjects", dir, "many")
	if !out.Scan() || out.Text() != "begun" {
		t.Fatalf("the victim says %q", out.Text())
	}
	cmd.Process.Kill()
	cmd.Wait()
	killed := time.Now()

	w := newWorld(t, dir)
	var mu sync.Mutex
	counts := make(map[string]int)
	opened := 0
	w.hoard(false, func(what string, o *Object) {
		mu.Lock()
		defer mu.Unlock()
		if what == "opened" {
			opened++
			if strings.HasPrefix(o.Identity().Instance, hoardRest) {
				t.Errorf("%s was opened", o.Identity().Address)
			}
			return
		}
		counts[what+" "+o.Identity().Instance]++
	})
	w.rt.Start() // and nobody calls
	want := 3 * hoardSize()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := len(counts)
		mu.Unlock()
		if n == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d things were done\n%s", n, want, w.log)
		}
	}
	t.Logf("%d objects with an alarm, a stored message and its reply, and %d that are not due: made in %v, all done %v after the start, which opened objects %d times",
		hoardSize(), hoardSize()/10, killed.Sub(began).Round(time.Millisecond), time.Since(killed).Round(time.Millisecond), opened)
	mu.Lock()
	defer mu.Unlock()
	for what, n := range counts {
		if n != 1 {
			t.Errorf("%s: %d times\n%s", what, n, w.log)
		}
	}
}
