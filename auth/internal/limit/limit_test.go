package limit

import (
	"fmt"
	"testing"
	"time"
)

// clock is a settable time.
type clock struct{ time.Time }

func (c *clock) now() time.Time          { return c.Time }
func (c *clock) pass(d time.Duration)    { c.Time = c.Add(d) }
func started() (*Limiter, *clock)        { c := &clock{time.Unix(1e9, 0)}; return New(c.now), c }
func allowed(l *Limiter, r ...Rule) bool { wait, _ := l.Take(r...); return wait == 0 }

func TestRuleWithinItsPeriod(t *testing.T) {
	l, c := started()
	r := Rule{Key: "k", Max: 2, Every: time.Minute}
	for range 2 {
		if !allowed(l, r) {
			t.Fatal("two uses are allowed")
		}
	}
	c.pass(20 * time.Second)
	if wait, first := l.Take(r); wait != 40*time.Second || !first {
		t.Errorf("third use: wait %v, first %v", wait, first)
	}
	if wait, first := l.Take(r); wait != 40*time.Second || first {
		t.Errorf("fourth use: wait %v, first %v", wait, first)
	}
	c.pass(40 * time.Second)
	if !allowed(l, r) {
		t.Error("a new period has begun")
	}
}

func TestPacedRule(t *testing.T) {
	l, c := started()
	r := Rule{Key: "k", Max: 10, Every: 10 * time.Hour, Paced: true}
	for i := range 10 {
		if !allowed(l, r) {
			t.Fatalf("use %d is refused", i)
		}
	}
	if wait, _ := l.Wait(r); wait != time.Hour {
		t.Errorf("wait %v, want an hour", wait)
	}
	c.pass(time.Hour)
	if !allowed(l, r) || allowed(l, r) {
		t.Error("one use is given back each hour")
	}
}

func TestNoneAndAny(t *testing.T) {
	l, _ := started()
	if wait, _ := l.Take(Rule{Key: "none", Every: time.Minute}); wait != time.Minute {
		t.Errorf("Max 0: wait %v", wait)
	}
	for range 100 {
		if !allowed(l, Rule{Key: "any", Max: -1, Every: time.Minute}) {
			t.Fatal("a negative Max is no limit")
		}
	}
	if l.Len() != 0 {
		t.Errorf("%d keys are remembered", l.Len())
	}
}

func TestAllRulesOrNone(t *testing.T) {
	l, _ := started()
	wide, narrow := Rule{Key: "wide", Max: 2, Every: time.Minute}, Rule{Key: "narrow", Max: 1, Every: time.Minute}
	allowed(l, wide, narrow)
	if allowed(l, wide, narrow) || !allowed(l, wide) {
		t.Error("a refusal must use nothing")
	}
}

func TestCountPastOneLimit(t *testing.T) {
	l, _ := started()
	full, other := Rule{Key: "full", Max: 1, Every: time.Minute}, Rule{Key: "other", Max: 2, Every: time.Minute}
	l.Count(full, other)
	l.Count(full, other)
	if allowed(l, other) {
		t.Error("the other rule must be counted although one is used up")
	}
}

func TestLimiterMemoryBound(t *testing.T) {
	l, _ := started()
	all := Rule{Key: "all", Max: 1, Every: time.Hour, Common: true}
	allowed(l, all)
	for i := range 2 * maxKeys {
		l.Take(Rule{Key: fmt.Sprint(i), Max: 1, Every: time.Hour})
	}
	if l.Len() > maxKeys {
		t.Errorf("%d keys are remembered, want at most %d", l.Len(), maxKeys)
	}
	if allowed(l, all) {
		t.Error("a common rule was forgotten")
	}
}

func TestNetworksOfAnAddress(t *testing.T) {
	for _, test := range []struct{ ip, network, site string }{
		{"192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"},
		{"::ffff:192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"},
		{"2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"},
		{"fe80::1%eth0", "fe80::/64", "fe80::/48"},
		{"not an address", "not an address", "not an address"},
	} {
		if got := Network(test.ip); got != test.network {
			t.Errorf("Network(%s) = %s, want %s", test.ip, got, test.network)
		}
		if got := Site(test.ip); got != test.site {
			t.Errorf("Site(%s) = %s, want %s", test.ip, got, test.site)
		}
	}
}

func TestRulesOfAnAddress(t *testing.T) {
	for _, test := range []struct{ got, want []Rule }{
		{PerClient("x", "192.0.2.7", 10, time.Hour), []Rule{{Key: "x 192.0.2.7/32", Max: 10, Every: time.Hour}}},
		{PerClient("x", "2001:db8::1", 10, time.Hour), []Rule{
			{Key: "x 2001:db8::/64", Max: 10, Every: time.Hour},
			{Key: "x 2001:db8::/56", Max: 20, Every: time.Hour},
			{Key: "x 2001:db8::/48", Max: 30, Every: time.Hour},
		}},
		{PerNeighbourhood("x", "192.0.2.7", 10, 64, time.Hour), []Rule{
			{Key: "x 192.0.2.0/24", Max: 30, Every: time.Hour},
			{Key: "x 192.0.0.0/16", Max: 80, Every: time.Hour},
		}},
		{PerNeighbourhood("x", "192.0.2.7", 10, 6400, time.Hour), []Rule{
			{Key: "x 192.0.2.0/24", Max: 300, Every: time.Hour},
			{Key: "x 192.0.0.0/16", Max: 800, Every: time.Hour},
		}},
		{PerNeighbourhood("x", "192.0.2.7", -1, 64, time.Hour), nil},
	} {
		if fmt.Sprint(test.got) != fmt.Sprint(test.want) {
			t.Errorf("got  %v\nwant %v", test.got, test.want)
		}
	}
}
