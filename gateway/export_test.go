package gateway

import "github.com/lumenize/lmz/internal/budget"

// Accounts returns the accounts of the subjects.
func (g *Gateway) Accounts() *budget.Accounts { return g.accounts }

// StopExpiry stops the timers that close connections when their token expires, like a machine
// that sleeps.
func (g *Gateway) StopExpiry() { g.clients.StopExpiry() }

// Retired returns how many clients without connection and session are remembered.
func (g *Gateway) Retired() int { return g.clients.Retired() }
