package meshtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestLateFramesOfAnOldConnection(t *testing.T) {
	for i := range 10 {
		meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
			m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
			book := lmz.At("GUEST_BOOK", "a")
			ann := m.Client("ann", map[string]any{"guest": true}, client.Options{})
			late := time.Duration(i+1) * 500 * time.Millisecond
			ann.Reorder(late)
			time.Sleep(late / 4)
			if n, err := sign.Call(t.Context(), ann, book, "Ann"); n != 1 || err != nil {
				t.Errorf("overtaken by %v: got %d, %v", late, n, err)
			}
			time.Sleep(10 * time.Second)
			if names, err := guests.Call(t.Context(), ann, book); len(names) != 1 || err != nil {
				t.Errorf("overtaken by %v: got %q, %v", late, names, err)
			}
		})
	}
}

func TestSessionAcrossTokenExpiry(t *testing.T) {
	for _, json := range []bool{false, true} {
		t.Run(fmt.Sprintf("json=%v", json), func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
				m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
				var subscriptions atomic.Int32
				ann := m.NewClient("ann", map[string]any{"guest": true}, client.Options{
					OnSubscriptionRequired: func(context.Context) { subscriptions.Add(1) },
				})
				ann.JSON = json
				if err := ann.Connect(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // a JSON client that is cut off at once may not have been told
				ann.ExpireToken(3 * time.Second)
				time.Sleep(10 * time.Second)
				if n, err := sign.Call(t.Context(), ann, lmz.At("GUEST_BOOK", "a"), "Ann"); n != 1 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
				synctest.Wait()
				if got := subscriptions.Load(); got != 1 {
					t.Errorf("%d subscriptions", got)
				}
			})
		})
	}
}

// TestUnsyncedWrites crashes the gateway while an unconfirmed commit is in progress, with 20
// seeds: some of the commits must be lost, and some not.
func TestUnsyncedWrites(t *testing.T) {
	lost := 0
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			m := meshtest.StartWith(t, meshtest.Options{Seed: seed + 1})
			m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
			book := lmz.At("GUEST_BOOK", "a")
			ann := m.Client("ann", map[string]any{"guest": true}, client.Options{})
			if err := ann.Send(t.Context(), book, sign.Ctn("Ann")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // the call has arrived; most commits take longer
			m.CrashGateway()
			m.RestartGateway()
			names, err := guests.Call(t.Context(), ann, book)
			if err != nil {
				t.Fatal(err)
			}
			lost += 1 - len(names)
		})
	}
	if lost == 0 || lost == 20 {
		t.Errorf("%d of 20 commits were lost", lost)
	}
}

func TestFrameLogOfAFailedTest(t *testing.T) {
	if os.Getenv("MESHTEST_FAIL") != "" {
		meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
			ann := m.Client("ann", nil, client.Options{Tab: "tab"})
			ann.CallRaw(t.Context(), lmz.At("NOBODY", "x"), lmz.Ctn("hello"))
			m.Disturb(1, time.Second)
			t.Error("as ordered")
		})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", t.Name())
	cmd.Env = append(os.Environ(), "MESHTEST_FAIL=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the test did not fail: %v", err)
	}
	for _, want := range []string{"the gateway starts", "ann.tab -> hello", "ann.tab <- welcome", "ann.tab -> call 1 to NOBODY/x", `ann.tab <- answer 1 to call 1 "absent"`, "with seed 1"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the frame log has no %q:\n%s", want, out)
		}
	}
}

func TestSeededDisturbances(t *testing.T) {
	disturbed := func(seed uint64) (done []string) {
		synctest.Test(t, func(t *testing.T) {
			m := meshtest.Start(t)
			ann := m.Client("ann", nil, client.Options{})
			m.Disturb(seed, time.Minute)
			time.Sleep(time.Minute)
			if ann.State() != client.Connected {
				t.Errorf("at the end it is %s", ann.State())
			}
			for line := range strings.Lines(m.Log()) { // excluding events of the network and the gateway
				if !strings.Contains(line, " -> ") && !strings.Contains(line, " <- ") && !strings.Contains(line, " gateway: ") &&
					!strings.Contains(line, "cannot connect") {
					done = append(done, line)
				}
			}
		})
		return done
	}
	first := disturbed(7)
	if second := disturbed(7); !slices.Equal(first, second) {
		t.Errorf("one time %q, another %q", first, second)
	}
	if other := disturbed(8); len(first) < 10 || slices.Equal(first, other) {
		t.Errorf("seed 7: %q, seed 8: %q", first, other)
	}
}
