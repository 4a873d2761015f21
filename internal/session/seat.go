package session

import (
	"slices"

	"github.com/lumenize/lmz/internal/proto"
)

// Seat is a client's address at the gateway: which session holds it and over which link. The
// zero value is a free seat. It is not safe for concurrent use.
type Seat struct {
	session proto.SessionID // the last session
	taken   bool            // the session has not ended
	link    uint64          // its link; 0 in the grace period
	attempt uint64          // of the session's last greeting
	grace   uint64          // number of the last grace period

	superseded []proto.SessionID // last sessions of superseded processes, oldest first
}

// maxSuperseded is how many superseded sessions a seat remembers.
const maxSuperseded = 16

// Link returns the current link, or 0.
func (s *Seat) Link() uint64 { return s.link }

// Taken reports whether a session holds the seat, connected or in its grace period.
func (s *Seat) Taken() bool { return s.taken }

// Late reports whether a greeting arrives after a newer one of the same client process, on a
// connection that the client has already abandoned. It must not take the seat. A greeting
// without an attempt number is never late.
func (s *Seat) Late(hello proto.Frame) bool {
	return s.taken && s.ours(hello) && hello.Attempt != 0 && hello.Attempt < s.attempt
}

// Superseded reports whether a greeting comes from a client process that another one has
// superseded while it was offline. It must not take the seat back.
func (s *Seat) Superseded(hello proto.Frame) bool {
	return slices.Contains(s.superseded, hello.Resume) || slices.Contains(s.superseded, hello.Session)
}

// ours reports whether a greeting is from the process that held the seat last. It also
// matches the new session that a greeting offers, whose welcome may have been lost.
func (s *Seat) ours(hello proto.Frame) bool {
	return hello.Session == s.session || hello.Resume == s.session
}

// Hello handles the greeting of a client on link, which is neither [Seat.Late] nor
// [Seat.Superseded]. The session it wants to resume continues if it holds the seat; otherwise
// a new one takes it and the old one ends (PROTOCOL.md, "Sessions").
func (s *Seat) Hello(link uint64, hello proto.Frame) []SeatEffect {
	resumed := s.taken && hello.Resume == s.session && hello.Resume != (proto.SessionID{})
	var effects []SeatEffect
	if s.link != 0 {
		effects = append(effects, CloseLink{proto.CloseSuperseded, "Superseded by new connection"})
	}
	if !resumed {
		if s.taken {
			effects = append(effects, EndSession{Reason: "a newer session has its address"})
		}
		s.follow(hello)
		s.session, s.taken = hello.Session, true
		effects = append(effects, BeginSession{hello.Session})
		hello.Ack = 0 // of another session
	}
	s.link, s.attempt = link, hello.Attempt
	s.grace++ // invalidates earlier grace periods
	return append(effects, Welcome{resumed, hello.Ack})
}

// follow remembers the last session if another process supersedes it.
func (s *Seat) follow(hello proto.Frame) {
	if s.session == (proto.SessionID{}) || s.ours(hello) {
		return
	}
	if len(s.superseded) == maxSuperseded {
		s.superseded = slices.Delete(s.superseded, 0, 1)
	}
	s.superseded = append(s.superseded, s.session)
}

// Lost reports that link is gone, for good if the client said goodbye.
func (s *Seat) Lost(link uint64, goodbye bool) []SeatEffect {
	if link != s.link || link == 0 {
		return nil
	}
	s.link = 0
	if goodbye {
		return s.end("the client disconnected", true)
	}
	s.grace++
	return []SeatEffect{StartGrace{s.grace}}
}

// GraceOver is the event that [StartGrace] schedules.
func (s *Seat) GraceOver(grace uint64) []SeatEffect {
	if grace != s.grace || s.link != 0 || !s.taken {
		return nil
	}
	return s.End("Client did not reconnect within grace period")
}

// End frees the seat.
func (s *Seat) End(reason string) []SeatEffect { return s.end(reason, false) }

func (s *Seat) end(reason string, goodbye bool) []SeatEffect {
	if !s.taken {
		return nil
	}
	s.taken, s.link = false, 0
	s.grace++
	return []SeatEffect{EndSession{reason, goodbye}}
}
