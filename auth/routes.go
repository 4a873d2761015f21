package auth

import (
	"net/http"
	"strings"
)

// handler answers a request, or returns an error: the client receives an [*Error] unchanged; any
// other error is logged, and the client receives an internal error.
type handler func(*Service, http.ResponseWriter, *request) error

// route is an endpoint. Refusals of a page are pages too.
type route struct {
	method, path string // path is below the prefix; {id} is any one segment
	handle       handler
	page         bool
}

// routes are all endpoints; doc.go lists them.
var routes = []route{
	{"POST", "email-magic-link", (*Service).askLink, false},
	{"GET", "magic-link", (*Service).showLink, true},
	{"POST", "magic-link", (*Service).useLink, true},
	{"GET", "accept-invite", (*Service).showInvite, true},
	{"POST", "accept-invite", (*Service).acceptInvite, true},
	{"POST", "refresh-token", (*Service).refresh, false},
	{"POST", "logout", (*Service).logout, false},
	{"POST", "logout/all", (*Service).logoutAll, false},

	{"POST", "cli/start", (*Service).startCLI, false},
	{"POST", "cli/device", (*Service).startDevice, false},
	{"POST", "cli/token", (*Service).redeem, false},

	{"GET", "sessions", (*Service).listSessions, false},
	{"DELETE", "session/{id}", (*Service).deleteSession, false},
	{"GET", "tokens", (*Service).listTokens, false},
	{"POST", "tokens", (*Service).makeToken, false},
	{"DELETE", "token/{id}", (*Service).deleteToken, false},
	{"POST", "delegated-token", (*Service).delegate, false},

	{"GET", "subjects", (*Service).listSubjects, false},
	{"GET", "subject/{id}", (*Service).getSubject, false},
	{"PATCH", "subject/{id}", (*Service).patchSubject, false},
	{"DELETE", "subject/{id}", (*Service).deleteSubject, false},
	{"POST", "subject/{id}/actors", (*Service).addActor, false},
	{"DELETE", "subject/{id}/actors/{id}", (*Service).removeActor, false},
	{"GET", "subject/{id}/sessions", (*Service).listSessionsOf, false},
	{"DELETE", "subject/{id}/sessions", (*Service).deleteSessionsOf, false},
	{"GET", "subject/{id}/tokens", (*Service).listTokensOf, false},
	{"POST", "invite", (*Service).invite, false},
	{"GET", "approve/{id}", (*Service).showApproval, true},
	{"POST", "approve/{id}", (*Service).approve, true},
	{"GET", "audit", (*Service).listAudit, false},

	{"GET", ".well-known/jwks.json", (*Service).jwks, false},
	{"POST", "test/set-subject-data", (*Service).setSubjectData, false},
}

// find returns the route of a request and its variables, or nil.
func (s *Service) find(method, path string) (*route, []string) {
	endpoint, found := strings.CutPrefix(path, s.path(""))
	if !found {
		return nil, nil
	}
	for i := range routes {
		if routes[i].method != method {
			continue
		}
		if vars, ok := match(routes[i].path, endpoint); ok {
			return &routes[i], vars
		}
	}
	return nil, nil
}

// match compares exactly: a path that merely ends like an endpoint does not match.
func match(pattern, endpoint string) (vars []string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(endpoint, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i := range want {
		if want[i] == "{id}" && got[i] != "" {
			vars = append(vars, got[i])
		} else if want[i] != got[i] {
			return nil, false
		}
	}
	return vars, true
}
