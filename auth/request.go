package auth

import (
	"net/http"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/remote"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/internal/printable"
)

// request is an HTTP request and what the service knows about its sender.
type request struct {
	*http.Request
	id    string   // of this request, in the audit log and in the answer
	ip    string   // of the client
	agent string   // User-Agent, shortened
	vars  []string // the values of {id} in the path, in order
	// actor and email are those of the caller, once it is known.
	actor, email string
	// events are those recorded in the database, to be logged after the commit.
	events []event
}

// origin returns the origin of r, in the form stored with a session.
func (r *request) origin() store.Origin {
	return store.Origin{IP: r.ip, Site: limit.Site(r.ip), Agent: r.agent}
}

const agentLimit = 200 // of a User-Agent, in bytes

func (s *Service) newRequest(r *http.Request) *request {
	return &request{Request: r, id: secret.UUID(), ip: remote.Client(r, s.opts.Proxies), agent: printable.StripCut(r.UserAgent(), agentLimit)}
}
