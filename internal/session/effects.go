package session

import (
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// The state machines have no side effects. Each event returns effects, which the shell of the
// machine carries out in order. Every effect has its own type, whose fields are exactly what
// it needs:
//
//	for _, e := range machine.Event() {
//		switch e := e.(type) {
//		case session.Write:
//			link.Send(e.Frame)
//		...

// Effect is something that a [Session] asks its shell to do: one of the types below.
type Effect interface{ ofSession() }

// The effects of a [Session].
type (
	// Write sends an encoded frame over the link.
	Write struct{ Frame []byte }

	// Run runs an incoming call and reports its outcome with [Session.Answer], unless
	// Frame.NoReply.
	Run struct {
		Number uint64
		Frame  proto.Frame
	}

	// Stop cancels the incoming call with this number: nobody waits for its answer.
	Stop struct{ Number uint64 }

	// Sent reports the number assigned to the call with this key, which it keeps. If the call
	// is presented again in a later session, there is no second Sent.
	Sent struct{ Key, Number uint64 }

	// Settle answers the call with this key.
	Settle struct {
		Key    uint64
		Answer proto.Answer
	}

	// Acknowledged reports that the other end has the answer to its call with this number.
	Acknowledged struct{ Number uint64 }

	// AckLater calls [Session.AckTimeout] after [AckDelay].
	AckLater struct{}

	// StallLater calls [Session.StallTimeout] after [StallTimeout].
	StallLater struct{}

	// Missed reports that the other end has dropped Frame.Count calls of Frame.From.
	Missed struct{ Frame proto.Frame }

	// Dropped reports that this end has dropped Count calls of From, and notifies the other
	// end.
	Dropped struct {
		From  lmz.Address
		Count uint64
	}

	// Refused reports that an incoming call was answered as busy, because of [Limits].
	Refused struct{}

	// Break closes the link, whose other end has violated the protocol.
	Break struct{ Reason string }

	// Overflow ends the session: more is waiting than [Limits] allow.
	Overflow struct{ Reason string }
)

// LifeEffect is something that a [Life] asks its shell to do: one of the types below.
type LifeEffect interface{ ofLife() }

// The effects of a [Life].
type (
	// GetToken asks the user for a token, other than the last one if that was Refused, and
	// reports with [Life.Token], [Life.TokenFailed] or [Life.TokenUnusable].
	GetToken struct {
		Link    uint64
		Refused bool
	}

	// Dial dials the link with this number, and reports with [Life.Welcomed] or [Life.Lost].
	Dial struct{ Link uint64 }

	// Hangup closes a link. Further events of this link have no effect.
	Hangup struct {
		Link   uint64
		Code   int
		Reason string
	}

	// SendPing sends a ping over the current link; [Life.Pong] reports the answer.
	SendPing struct{}

	// Wait calls [Life.Timer] after Delay and cancels any earlier Wait. A negative Delay only
	// cancels.
	Wait struct{ Delay time.Duration }

	// WaitRenew calls [Life.RenewDue] after Delay and cancels any earlier WaitRenew. A negative
	// Delay only cancels.
	WaitRenew struct{ Delay time.Duration }

	// RenewToken asks the user for the next token, sends it over the link, and reports with
	// [Life.Renewed] or [Life.RenewFailed].
	RenewToken struct{ Link uint64 }

	// StateChanged reports the new state to the user.
	StateChanged struct{ State State }

	// LoginRequired tells the user. The life is over until [Life.Connect].
	LoginRequired struct {
		Code   int
		Reason string
	}

	// Superseded tells the user that a newer session has the address. The life is over until
	// [Life.Connect].
	Superseded struct{}

	// GiveUp tells the user why further attempts would fail, too. The life is over until
	// [Life.Connect].
	GiveUp struct{ Reason string }
)

// SeatEffect is something that a [Seat] asks its shell to do: one of the types below.
type SeatEffect interface{ ofSeat() }

// The effects of a [Seat].
type (
	// CloseLink closes the current link. Further frames of it have no effect.
	CloseLink struct {
		Code   int
		Reason string
	}

	// EndSession ends the current session. The client will not come back if it said Goodbye.
	EndSession struct {
		Reason  string
		Goodbye bool
	}

	// BeginSession begins a session.
	BeginSession struct{ ID proto.SessionID }

	// Welcome greets the client on the link that said hello, makes that link current, and
	// resumes the session there.
	Welcome struct {
		Resumed      bool
		PeerReceived uint64
	}

	// StartGrace calls [Seat.GraceOver] with Number after the grace period.
	StartGrace struct{ Number uint64 }
)

func (Write) ofSession()        {}
func (Run) ofSession()          {}
func (Stop) ofSession()         {}
func (Sent) ofSession()         {}
func (Settle) ofSession()       {}
func (Acknowledged) ofSession() {}
func (AckLater) ofSession()     {}
func (StallLater) ofSession()   {}
func (Missed) ofSession()       {}
func (Dropped) ofSession()      {}
func (Refused) ofSession()      {}
func (Break) ofSession()        {}
func (Overflow) ofSession()     {}

func (GetToken) ofLife()      {}
func (Dial) ofLife()          {}
func (Hangup) ofLife()        {}
func (SendPing) ofLife()      {}
func (Wait) ofLife()          {}
func (WaitRenew) ofLife()     {}
func (RenewToken) ofLife()    {}
func (StateChanged) ofLife()  {}
func (LoginRequired) ofLife() {}
func (Superseded) ofLife()    {}
func (GiveUp) ofLife()        {}

func (CloseLink) ofSeat()    {}
func (EndSession) ofSeat()   {}
func (BeginSession) ofSeat() {}
func (Welcome) ofSeat()      {}
func (StartGrace) ofSeat()   {}
