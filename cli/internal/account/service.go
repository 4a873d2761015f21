package account

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
)

// Service is a client of a server's sign-in service, signed in as the user of an account.
type Service struct {
	Server string

	access string
}

// Service returns the sign-in service of the server.
func (o *Account) Service(ctx context.Context) (*Service, error) {
	server, err := o.Origin()
	if err != nil {
		return nil, err
	}
	access, err := o.Token(ctx, server, "")
	return &Service{server, access}, err
}

// Do sends a request as the user and decodes the answer.
func (s *Service) Do(ctx context.Context, method, endpoint string, question, answer any) error {
	return s.explain(authclient.Ask(ctx, s.Server, authclient.Request{Method: method, Endpoint: endpoint, Access: s.access, Question: question}, answer))
}

// pageSize is how many entries of a list one request asks for.
const pageSize = 200

// Page requests a page of a list, of at most want entries; 0 means any number.
func (s *Service) Page(ctx context.Context, endpoint string, query url.Values, want int, answer any) error {
	if want == 0 || want > pageSize {
		want = pageSize
	}
	query.Set("limit", strconv.Itoa(want))
	return s.Do(ctx, http.MethodGet, endpoint+"?"+query.Encode(), nil, answer)
}

// forbidden is the code with which sign-in services refuse users who are not admins.
const forbidden = "forbidden"

// explain turns refusals into errors with exit codes.
func (s *Service) explain(_ http.Header, err error) error {
	var refused *authclient.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	who, _ := ReadClaims(s.Server, s.access) // zero for an opaque token
	switch {
	case refused.Status == http.StatusUnauthorized:
		return exit.LoginRequired(s.Server, who.Email, s.Server+" no longer accepts the sign-in: "+refused.Error())
	case refused.Status == http.StatusForbidden && refused.Code == forbidden && !who.Admin:
		return exit.Errorf(exit.Refused, hint.Admin(s.Server, who.Email), "%s refused it: %v", s.Server, refused)
	case refused.Status == http.StatusForbidden:
		return exit.Errorf(exit.Refused, "", "%s refused it: %v", s.Server, refused)
	case refused.Status == http.StatusNotFound && refused.Code == "":
		return exit.Errorf(exit.Absent, "", "%s has no such service", s.Server)
	case refused.Status == http.StatusNotFound:
		return exit.Errorf(exit.Absent, "", "%v", refused)
	case refused.Status == http.StatusTooManyRequests || refused.Status >= 500:
		return exit.Errorf(exit.NotExecuted, "", "%s: %v", s.Server, refused)
	}
	return exit.Errorf(exit.Failed, "", "%v", refused)
}

// Subject is an account at the sign-in service.
type Subject struct {
	Sub      string   `json:"sub"`
	Email    string   `json:"email"`
	Verified bool     `json:"emailVerified"`
	Approved bool     `json:"adminApproved"`
	Admin    bool     `json:"isAdmin"`
	Created  int64    `json:"createdAt"`   // Unix milliseconds
	Login    *int64   `json:"lastLoginAt"` // Unix milliseconds
	Actors   []string `json:"authorizedActors"`
}

// Find returns the account with an email address or a sub.
func (s *Service) Find(ctx context.Context, who string) (Subject, error) {
	if !strings.Contains(who, "@") {
		var found struct{ Subject Subject }
		err := s.Do(ctx, http.MethodGet, "subject/"+url.PathEscape(who), nil, &found)
		return found.Subject, err
	}
	var found struct{ Subjects []Subject }
	err := s.Do(ctx, http.MethodGet, "subjects?email="+url.QueryEscape(credentials.SameAddress(who)), nil, &found)
	if err == nil && len(found.Subjects) == 0 {
		err = exit.Errorf(exit.Absent, "lmz subjects", "%s has no account at %s", output.Line(who), s.Server)
	}
	if err != nil {
		return Subject{}, err
	}
	return found.Subjects[0], nil
}

// FindSubject is [Account.Service] followed by [Service.Find].
func (o *Account) FindSubject(ctx context.Context, who string) (s *Service, found Subject, err error) {
	if s, err = o.Service(ctx); err == nil {
		found, err = s.Find(ctx, who)
	}
	return s, found, err
}

// Approve approves an account.
func (s *Service) Approve(ctx context.Context, sub string) error {
	return s.explain(authclient.Ask(ctx, s.Server, authclient.Request{
		Endpoint: "approve/" + url.PathEscape(sub), Access: s.access, Redirect: true,
	}, nil))
}
