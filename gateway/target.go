package gateway

import (
	"strconv"

	"github.com/lumenize/lmz"
)

// CheckTarget returns why no node of the mesh can be at to, or nil. It does not ask
// whether a client is connected.
func (g *Gateway) CheckTarget(to lmz.Address) *lmz.Error {
	_, worker := g.workers[to.Binding]
	switch {
	case worker && to.Instance != "":
		return noSuchTarget(to.Binding + " is a worker and has no instance " + strconv.Quote(shown(to.Instance)))
	case worker:
		return nil
	case g.fronts[to.Binding] != nil && to.Instance == "":
		return noSuchTarget(to.Binding + " is where clients are: the instance of one is missing")
	case g.fronts[to.Binding] != nil && !canBeName(to.Instance):
		return noSuchTarget("no client of " + to.Binding + " can be called " + strconv.Quote(shown(to.Instance)))
	case g.fronts[to.Binding] != nil:
		return nil
	}
	return g.objects.CheckTarget(to)
}

func noSuchTarget(message string) *lmz.Error {
	return &lmz.Error{Code: lmz.CodeAbsent, Message: message}
}
