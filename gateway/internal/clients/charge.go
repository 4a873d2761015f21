package clients

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
)

// While data waits at the gateway it is charged to the budgets of clients' subjects: the
// caller pays for its calls without an answer so far, and the reader for what its sessions
// hold until it is acknowledged.

// callOverhead is roughly what a call occupies besides its chain.
const callOverhead = 1 << 10

// chargeEvery is the change in what a session holds after which the account is updated.
const chargeEvery = 16 << 10

// charged is what the account of a subject was last charged for a client.
type charged struct {
	subject string // whose session it is; "" if there is none
	bytes   int64
}

// StepBytes is how many bytes of a call or request count as one more step, because large ones
// move through memory that all share.
const StepBytes = 64 << 10

func stepsOf(bytes int) int64 { return 1 + int64(bytes/StepBytes) }

// take charges a call to its payer, and returns why it is refused, or nil. A call that is
// presented again becomes a debt: its object refuses it if it has not been executed. Objects
// check the debts of time when the turn starts; for workers only take does.
func (g *Clients) take(call *proto.Call, size int64) *lmz.Error {
	if steps := stepsOf(len(call.Chain)); call.Again {
		g.accounts.Add(call.Payer, budget.Steps, steps)
	} else if refused := g.accounts.Take(call.Payer, budget.Steps, steps); refused != nil {
		return refused
	}
	if g.mesh.IsWorker(call.To.Binding) {
		if refused := g.accounts.Check(call.Payer, budget.Time, 0); refused != nil {
			return refused
		}
	}
	return g.accounts.Take(call.Payer, budget.Waiting, size)
}

// giveBack wraps done so that it ends the charge of a call.
func (g *Clients) giveBack(payer string, size int64, done func(proto.Answer)) func(proto.Answer) {
	return func(a proto.Answer) {
		g.accounts.Add(payer, budget.Waiting, -size)
		done(a)
	}
}

// charge updates the account with what the client's session holds. If the session has grown
// and its subject is over its limit, charge returns the function that ends the session. c.mu
// is held.
func (c *client) charge() (over func()) {
	now := charged{subject: c.charged.subject}
	switch {
	case c.session == nil:
		now.subject = ""
	case c.auth != nil:
		now = charged{c.auth.Subject, int64(c.session.Held())}
	}
	before := c.charged
	if now.subject == before.subject && max(now.bytes-before.bytes, before.bytes-now.bytes) < chargeEvery {
		return nil
	}
	accounts := c.clients.accounts
	if now.subject != before.subject {
		accounts.Add(before.subject, budget.Sessions, -1)
		accounts.Add(before.subject, budget.Waiting, -before.bytes)
		accounts.Add(now.subject, budget.Sessions, 1)
		before.bytes = 0
	}
	accounts.Add(now.subject, budget.Waiting, now.bytes-before.bytes)
	c.charged = now
	if now.bytes > before.bytes && accounts.Check(now.subject, budget.Waiting, 0) != nil {
		return func() { c.overflow("too much waits for the clients of its subject") }
	}
	return nil
}
