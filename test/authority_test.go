package test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/poll"
)

// TestRevocationInRunningPrograms revokes authority while it is in use, in every way. It measures
// times as another user sees them. They hold only on an idle machine, so only make soak asserts
// them.
func TestRevocationInRunningPrograms(t *testing.T) {
	d := startDev(t, t.TempDir(), "")
	admin, err := auth.Mint(d.data, nil, "root@example.com", true, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	gone := ways
	if !soak() {
		gone = ways[:2]
	}
	for i, way := range gone {
		t.Run(way.name, func(t *testing.T) {
			d := *d
			d.t = t
			h := d.mailSignIn(fmt.Sprintf("user%d@example.com", i))
			way.end(t, h, admin, i)
		})
	}
}

// usages returns all ways to use the token.
func (v way) usages(u *use, i int) (all []*usage) {
	add := func(name string, write func(*usage) string) {
		all = append(all, &usage{name: name, document: fmt.Sprintf("%s-%d", name, i), write: write})
	}
	add("cbor", u.update)
	add("json", u.update)
	add("http", u.request)
	add("watch", u.watch)
	if !soak() {
		return all
	}
	add("call", u.call)
	add("edit", u.terminal(startTerminal(u.t, u.h.url(), u.token, fmt.Sprintf("edit-%d", i)), v.want))
	if v.page != "" {
		b := openTab(u.t)
		b.enter(u.h, fmt.Sprintf("page-%d", i))
		add("page", u.page(b))
	}
	return all
}

// end revokes the authority of the holder while it is in use.
func (v way) end(t *testing.T, h *holder, admin string, i int) {
	token, take := v.take(h, admin)
	u := &use{t: t, h: h, token: token, until: time.Now().Add(2 * time.Minute)}
	all := v.usages(u, i)
	ctx, stop := context.WithCancel(t.Context())
	var writing, observing sync.WaitGroup
	observing.Go(func() {
		if err := u.observe(ctx, h.devServer.token("somebody@example.com"), all); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	for _, w := range all {
		writing.Go(func() { w.told = w.write(w) })
	}
	for _, w := range all {
		poll.Until(t, w.name+" is at it", func() bool { return !w.lastAccepted().IsZero() })
	}
	taken := time.Now()
	take()
	writing.Wait()
	seen := u.rounds.Load() + 2 // accepted uses are visible by then
	poll.Until(t, "somebody else looks at all documents", func() bool { return u.rounds.Load() >= seen })
	stop()
	observing.Wait()
	var figures []string
	for _, w := range all {
		after, want := w.lastAccepted().Sub(taken), v.want
		switch w.name {
		case "http":
			want = "401"
		case "page":
			want = v.page
		}
		if soak() && (after < -time.Second || after > time.Second) {
			t.Errorf("%s: the last was accepted %v after", w.name, after)
		}
		if !strings.Contains(w.told, want) {
			t.Errorf("%s: told %q, want %q", w.name, w.told, want)
		}
		figures = append(figures, fmt.Sprintf("%s %d", w.name, after.Milliseconds()))
	}
	if v.page == "" {
		figures = append(figures, "page n/a")
	}
	t.Logf("%s: ms from taking it to the last that was accepted: %s", v.name, strings.Join(figures, ", "))
}
