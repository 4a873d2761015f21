package clients

import (
	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/proto"
)

// What is charged to the budgets of clients' subjects while it waits at the gateway: to the
// caller its calls that have no answer yet, and to the reader what its sessions keep until
// it is acknowledged.

// callOverhead is about what a call keeps besides its chain.
const callOverhead = 1 << 10

// chargeEvery is by how much what a session keeps has to change before the account is told.
const chargeEvery = 16 << 10

// charged is what the account of a subject was told of a client.
type charged struct {
	subject string // whose session it is; "" if there is none
	bytes   int64
}

// StepBytes is how many bytes of a call or request count as one step more: whoever sends
// large ones moves them through the memory of all.
const StepBytes = 64 << 10

func stepsOf(bytes int) int64 { return 1 + int64(bytes/StepBytes) }

// take charges a call to who pays for it, and returns why it must not go on, or nil. One that
// is presented again becomes a debt: its object refuses it if it has not been executed.
// Objects look at the debts of time when the turn has come, workers have nobody else who does.
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

// giveBack returns a done that ends the charge of a call.
func (g *Clients) giveBack(payer string, size int64, done func(proto.Answer)) func(proto.Answer) {
	return func(a proto.Answer) {
		g.accounts.Add(payer, budget.Waiting, -size)
		done(a)
	}
}

// charge tells the account what the client's session keeps. A session that grows while its
// subject keeps more than it may is to be ended: then charge returns what does it. c.mu is
// held.
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
