package session

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lumenize/lmz/internal/proto"
)

func hello(session, resume byte) proto.Frame {
	f := proto.Frame{Kind: proto.KindHello}
	f.Session[0], f.Resume[0] = session, resume
	return f
}

// expect checks that the effects have the types of those in want, in this order.
func expect(t *testing.T, what string, effects []SeatEffect, want ...SeatEffect) {
	t.Helper()
	types := func(effects []SeatEffect) (all []string) {
		for _, e := range effects {
			all = append(all, fmt.Sprintf("%T", e))
		}
		return all
	}
	if got, want := types(effects), types(want); !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func TestASessionGoesOnWithinItsGracePeriodOnly(t *testing.T) {
	var s Seat
	expect(t, "first", s.Hello(1, hello(1, 0)), BeginSession{}, Welcome{})
	lost := s.Lost(1, false)
	expect(t, "lost", lost, StartGrace{})
	back := s.Hello(2, hello(2, 1))
	expect(t, "back", back, Welcome{})
	if !back[0].(Welcome).Resumed {
		t.Error("the session was not resumed")
	}
	expect(t, "an old grace period", s.GraceOver(lost[0].(StartGrace).Number))
	lost = s.Lost(2, false)
	expect(t, "grace over", s.GraceOver(lost[0].(StartGrace).Number), EndSession{})
	late := s.Hello(3, hello(3, 1))
	expect(t, "late", late, BeginSession{}, Welcome{})
	if late[1].(Welcome).Resumed {
		t.Error("an ended session was resumed")
	}
}

func TestANewerSessionTakesTheSeat(t *testing.T) {
	var s Seat
	s.Hello(1, hello(1, 0))
	expect(t, "another process", s.Hello(2, hello(2, 0)), CloseLink{}, EndSession{}, BeginSession{}, Welcome{})
	expect(t, "the old link ends late", s.Lost(1, false))
	if s.Link() != 2 {
		t.Errorf("link %d has the seat", s.Link())
	}
}

func TestNewLinkReplacesHalfOpenOne(t *testing.T) {
	var s Seat
	s.Hello(1, hello(1, 0))
	expect(t, "again", s.Hello(2, hello(2, 1)), CloseLink{}, Welcome{})
}

func TestAGoodbyeEndsTheSessionAtOnce(t *testing.T) {
	var s Seat
	s.Hello(1, hello(1, 0))
	expect(t, "goodbye", s.Lost(1, true), EndSession{})
	if s.Taken() {
		t.Error("the seat is still taken")
	}
}

func TestGreetingOnAbandonedConnection(t *testing.T) {
	attempt := func(f proto.Frame, n uint64) proto.Frame {
		f.Attempt = n
		return f
	}
	var s Seat
	expect(t, "first", s.Hello(1, attempt(hello(1, 0), 2)), BeginSession{}, Welcome{})
	for what, f := range map[string]proto.Frame{
		"of the session":      attempt(hello(1, 0), 1),
		"to go on with it":    attempt(hello(2, 1), 1),
		"of the one after it": attempt(hello(1, 9), 1),
	} {
		if !s.Late(f) {
			t.Errorf("a greeting %s of an earlier attempt is not late", what)
		}
		if f.Attempt = 3; s.Late(f) {
			t.Errorf("a greeting %s of a later attempt is late", what)
		}
	}
	if s.Late(attempt(hello(3, 0), 1)) {
		t.Error("the greeting of another process is late")
	}
	expect(t, "the end", s.End("enough"), EndSession{})
	if s.Late(attempt(hello(2, 1), 1)) {
		t.Error("a greeting is late although nobody has the seat")
	}
}

func TestSupersededProcessStaysAway(t *testing.T) {
	var s Seat
	s.Hello(1, hello(1, 0))
	s.GraceOver(s.Lost(1, false)[0].(StartGrace).Number)
	back := hello(3, 1)
	if s.Superseded(back) {
		t.Error("superseded although nobody followed")
	}
	s.Hello(2, back) // its welcome is lost
	s.GraceOver(s.Lost(2, false)[0].(StartGrace).Number)
	s.Hello(3, hello(2, 0)) // another process
	if !s.Superseded(back) {
		t.Error("the old process may take the seat from the newer one")
	}
	s.GraceOver(s.Lost(3, false)[0].(StartGrace).Number)
	if !s.Superseded(back) {
		t.Error("the old process may take the seat while the newer one is offline")
	}
	for what, f := range map[string]proto.Frame{
		"that had the seat last":        hello(4, 2),
		"that has just begun":           hello(5, 0),
		"of before the gateway started": hello(6, 9),
	} {
		if s.Superseded(f) {
			t.Errorf("a process %s is superseded", what)
		}
	}
	for i := range byte(100) {
		s.Hello(4, hello(100+i, 0))
	}
	if len(s.superseded) != maxSuperseded {
		t.Errorf("%d superseded sessions are remembered", len(s.superseded))
	}
}
