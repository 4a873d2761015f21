package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/origin"
)

// signedIn is a server's sign-in service, asked as the user of an account.
type signedIn struct {
	server, access string
}

// signedIn gets ready to ask the sign-in service as the user.
func (a *app) signedIn(ctx context.Context, o *account) (*signedIn, error) {
	server, err := o.origin()
	if err != nil {
		return nil, err
	}
	access, err := a.token(ctx, o, server, "")
	return &signedIn{server, access}, err
}

// do sends a request as the user and decodes the answer.
func (s *signedIn) do(ctx context.Context, method, endpoint string, question, answer any) error {
	return s.explain(ask(ctx, s.server, authRequest{method: method, endpoint: endpoint, access: s.access, question: question}, answer))
}

// pageSize is how many entries of a list one request asks for.
const pageSize = 200

// page asks for a page of a list, of at most so many entries that are wanted; 0 means any
// number.
func (s *signedIn) page(ctx context.Context, endpoint string, query url.Values, want int, answer any) error {
	if want == 0 || want > pageSize {
		want = pageSize
	}
	query.Set("limit", strconv.Itoa(want))
	return s.do(ctx, http.MethodGet, endpoint+"?"+query.Encode(), nil, answer)
}

// notAdmin is what sign-in services say to others than admins, ours and the original's.
const notAdmin = "Admin access required"

// adminHint says how the user with a mail address, which may be unknown, becomes an admin
// of a server.
func adminHint(server, email string) string {
	again := loginHint(server, email)
	email = shellWord(cmp.Or(sameAddress(email), "you@example.com"))
	if origin.IsLoopback(strings.TrimPrefix(server, "http://")) {
		return fmt.Sprintf("stop the gateway, start it with --bootstrap-email %s, and sign in again: %s", email, again)
	}
	return fmt.Sprintf("have an admin run 'lmz subjects set %s --admin=true', or the operator start the gateway with --bootstrap-email %s, and sign in again: %s", email, email, again)
}

// explain makes refusals into failures with the exit codes of the program.
func (s *signedIn) explain(_ http.Header, err error) error {
	var refused *refusal
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case refused.Status == http.StatusUnauthorized:
		who, _ := readClaims(s.server, s.access)
		return loginRequired(s.server, who.Email, s.server+" does not know the sign-in any more: "+refused.Error())
	case refused.Status == http.StatusForbidden && refused.Description == notAdmin:
		who, _ := readClaims(s.server, s.access)
		return failf(exitRefused, adminHint(s.server, who.Email), "%s refused it: %v", s.server, refused)
	case refused.Status == http.StatusForbidden:
		return failf(exitRefused, "", "%s refused it: %v", s.server, refused)
	case refused.Status == http.StatusNotFound && refused.Code == "":
		return failf(exitAbsent, "", "%s has no such service", s.server)
	case refused.Status == http.StatusNotFound:
		return failf(exitAbsent, "", "%v", refused)
	case refused.Status == http.StatusTooManyRequests || refused.Status >= 500:
		return failf(exitNotExecuted, "", "%s: %v", s.server, refused)
	}
	return failf(exitFailed, "", "%v", refused)
}

// subject is an account at the sign-in service.
type subject struct {
	Sub      string   `json:"sub"`
	Email    string   `json:"email"`
	Verified bool     `json:"emailVerified"`
	Approved bool     `json:"adminApproved"`
	Admin    bool     `json:"isAdmin"`
	Created  int64    `json:"createdAt"`   // Unix milliseconds
	Login    *int64   `json:"lastLoginAt"` // Unix milliseconds
	Actors   []string `json:"authorizedActors"`
}

// find returns the account with a mail address or a sub.
func (s *signedIn) find(ctx context.Context, who string) (subject, error) {
	if !strings.Contains(who, "@") {
		var found struct{ Subject subject }
		err := s.do(ctx, http.MethodGet, "subject/"+url.PathEscape(who), nil, &found)
		return found.Subject, err
	}
	var found struct{ Subjects []subject }
	err := s.do(ctx, http.MethodGet, "subjects?email="+url.QueryEscape(sameAddress(who)), nil, &found)
	if err == nil && len(found.Subjects) == 0 {
		err = failf(exitAbsent, "lmz subjects", "%s has no account at %s", oneLine(who), s.server)
	}
	if err != nil {
		return subject{}, err
	}
	return found.Subjects[0], nil
}

// findSubject is find for commands that are about one account.
func (a *app) findSubject(ctx context.Context, o *account, who string) (s *signedIn, found subject, err error) {
	if s, err = a.signedIn(ctx, o); err == nil {
		found, err = s.find(ctx, who)
	}
	return s, found, err
}

// when is a time in Unix milliseconds, for people; 0 is never.
func when(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04")
}

func whenSet(ms *int64) string {
	if ms == nil {
		return "never"
	}
	return when(*ms)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
