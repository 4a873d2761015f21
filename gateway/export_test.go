package gateway

import "github.com/lumenize/lmz/internal/budget"

// Accounts returns what subjects use.
func (g *Gateway) Accounts() *budget.Accounts { return g.accounts }

// StopExpiry stops the timers that close connections whose token expires, as a machine
// does that sleeps meanwhile.
func (g *Gateway) StopExpiry() { g.clients.StopExpiry() }

// Retired returns how many clients without connection and session are remembered.
func (g *Gateway) Retired() int { return g.clients.Retired() }
