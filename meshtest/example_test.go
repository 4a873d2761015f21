package meshtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// The object under test: a guest book that only guests may sign.

const (
	sign   lmz.Method1[string, int] = "sign"
	guests lmz.Method0[[]string]    = "guests"
)

type guestBook struct {
	*object.Object
	lmz.Mux
}

func newGuestBook(o *object.Object) lmz.Handler {
	b := &guestBook{Object: o}
	sign.Expose(&b.Mux, onlyGuests, b.sign)
	guests.Expose(&b.Mux, lmz.Anyone, b.guests)
	return b
}

func onlyGuests(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if c.Auth == nil || c.Auth.Claims["guest"] != true {
		return lmz.Errorf("only guests sign")
	}
	return nil
}

func (b *guestBook) sign(ctx context.Context, name string) (int, error) {
	names, err := b.guests(ctx)
	if err != nil {
		return 0, err
	}
	names = append(names, name)
	return len(names), b.KV().Put(ctx, "names", names)
}

func (b *guestBook) guests(ctx context.Context) (names []string, err error) {
	_, err = b.KV().Get(ctx, "names", &names)
	return names, err
}

func TestGuestBook(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
		book := lmz.At("GUEST_BOOK", "hall")
		ann := m.Client("ann", map[string]any{"guest": true}, client.Options{})
		eve := m.Client("eve", nil, client.Options{})

		if n, err := sign.Call(t.Context(), ann, book, "Ann"); n != 1 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
		if _, err := sign.Call(t.Context(), eve, book, "Eve"); !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("eve signed: %v", err)
		}

		// A call made offline arrives, once, when the client is back.
		ann.Cut()
		go func() {
			time.Sleep(10 * time.Second) // virtual
			ann.Heal()
		}()
		if n, err := sign.Call(t.Context(), ann, book, "Ann's cat"); n != 2 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}

		// So does one that was in progress when the gateway was killed.
		ann.Delay(50 * time.Millisecond)
		go func() {
			time.Sleep(70 * time.Millisecond) // the call has arrived, the answer has not
			m.CrashGateway()
			m.RestartGateway()
		}()
		if n, err := sign.Call(t.Context(), ann, book, "Ann's dog"); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		if names, err := guests.Call(t.Context(), eve, book); len(names) != 3 || err != nil {
			t.Errorf("got %q, %v", names, err)
		}
	})
}

// TestGuestBookWithFaults injects every kind of fault, with a disk that loses what is not synced:
// guests whose signature was confirmed are in the book, and nobody is in it twice.
func TestGuestBookWithFaults(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := meshtest.StartWith(t, meshtest.Options{Seed: seed + 1})
				m.HandleObject("GUEST_BOOK", object.Kind{New: newGuestBook})
				ann := m.Client("ann", map[string]any{"guest": true}, client.Options{})
				go m.Disturb(seed, time.Minute)
				var signed []string
				for i := range 40 {
					name := fmt.Sprint("Ann ", i)
					_, err := sign.Call(t.Context(), ann, lmz.At("GUEST_BOOK", "hall"), name)
					switch {
					case err == nil:
						signed = append(signed, name)
					case !errors.Is(err, lmz.ErrNotExecuted) && !errors.Is(err, lmz.ErrOutcomeUnknown):
						t.Error(err)
					}
					time.Sleep(2 * time.Second) // virtual
				}
				names, err := guests.Call(t.Context(), ann, lmz.At("GUEST_BOOK", "hall"))
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range signed {
					if !slices.Contains(names, name) {
						t.Errorf("%s is not in the book", name)
					}
				}
				slices.Sort(names)
				if n := len(names); n != len(slices.Compact(names)) {
					t.Error("somebody is in the book twice")
				}
			})
		})
	}
}
