package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/store"
)

// fixture is an immediate outbox whose sender returns fail, and a settable clock.
type fixture struct {
	t     *testing.T
	box   *Outbox
	store *store.Store
	clock time.Time
	fail  error
	sent  []mail.Message
}

func (f *fixture) Send(_ context.Context, m mail.Message) error {
	f.sent = append(f.sent, m)
	return f.fail
}

func start(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	k, err := keys.Open(filepath.Join(dir, "keys"), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(dir, "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f := &fixture{t: t, store: s, clock: time.Unix(1_700_000_000, 0)}
	f.box = New(Options{Store: s, Keys: k, Sender: f, Immediate: true, Now: func() time.Time { return f.clock },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Answered: func(context.Context, mail.Message, error) {}})
	return f
}

func (f *fixture) queue(to string, d Delivery) {
	f.t.Helper()
	err := f.store.Update(f.t.Context(), func(tx store.Tx) error {
		return f.box.Queue(tx, mail.Message{ID: to, To: to, Text: "a secret link"}, d)
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// waiting returns the queued mails, sealed.
func (f *fixture) waiting() (all []store.Mail) {
	f.t.Helper()
	err := f.store.View(f.t.Context(), func(tx store.Tx) error {
		m, found, err := tx.NextMail(f.clock.Add(time.Hour))
		if found {
			all = append(all, m)
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

func TestQueuedMailIsSealed(t *testing.T) {
	f := start(t)
	f.queue("ada@example.com", Delivery{})
	if all := f.waiting(); len(all) != 1 || string(all[0].Sealed) == "" || bytes.Contains(all[0].Sealed, []byte("secret link")) || bytes.Contains(all[0].Sealed, []byte("ada@")) {
		t.Errorf("stored as %+v", all)
	}
	f.box.Deliver()
	if len(f.sent) != 1 || f.sent[0].Text != "a secret link" || len(f.waiting()) != 0 {
		t.Errorf("sent %+v, %d wait", f.sent, len(f.waiting()))
	}
}

func TestRetriesUntilTheLinkExpires(t *testing.T) {
	f := start(t)
	f.fail = errors.New("the server is down")
	f.queue("ada@example.com", Delivery{Lifetime: 10 * time.Minute})
	for range 20 {
		f.box.Flush(t.Context())
		f.clock = f.clock.Add(time.Minute)
	}
	if n := len(f.sent); n < 5 || n > 10 {
		t.Errorf("tried %d times", n)
	}
	if len(f.waiting()) != 0 {
		t.Error("the mail still waits")
	}
}

func TestUndeliverableMail(t *testing.T) {
	f := start(t)
	f.fail = fmt.Errorf("%w: no such mailbox", mail.ErrUndeliverable)
	f.queue("ada@example.com", Delivery{})
	f.box.Deliver()
	if len(f.sent) != 1 || len(f.waiting()) != 0 {
		t.Errorf("tried %d times, %d wait", len(f.sent), len(f.waiting()))
	}
}

func TestGrowingIntervals(t *testing.T) {
	for n, want := range map[int64]time.Duration{0: firstRetry, 1: 2 * firstRetry, 4: 16 * firstRetry, 100: maxRetry} {
		if got := retryAfter(n); got != want {
			t.Errorf("after attempt %d: %v, want %v", n, got, want)
		}
	}
}

func TestRefusedAddresses(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	f := NewRefusals(func() time.Time { return clock })
	f.Refuse("ada@example.com")
	if all, this := f.Refused("ada@example.com"); all || !this {
		t.Errorf("got %v, %v", all, this)
	}
	if all, this := f.Refused("bob@example.com"); all || this {
		t.Errorf("another address: %v, %v", all, this)
	}
	clock = clock.Add(refusedKept)
	if _, this := f.Refused("ada@example.com"); this {
		t.Error("the refusal is remembered for more than a day")
	}
	for i := range refusedMax + 10 {
		f.Refuse(fmt.Sprint(i, "@example.com"))
	}
	if n := len(f.to); n > refusedMax {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestRefusedService(t *testing.T) {
	f := NewRefusals(time.Now)
	if !f.RefuseAll("a wrong password") || f.RefuseAll("a wrong password") || f.Why() != "a wrong password" {
		t.Errorf("why: %q", f.Why())
	}
	if all, _ := f.Refused("ada@example.com"); !all {
		t.Error("not refused")
	}
	f.Delivered("ada@example.com")
	if all, _ := f.Refused("ada@example.com"); all || f.Why() != "" {
		t.Error("refused after a delivery")
	}
	f.RefuseAll("a wrong name")
	f.Forget()
	if f.Why() != "" {
		t.Error("not forgotten")
	}
}
