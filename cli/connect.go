package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/debug"
)

// connection is how a command connects to the gateway.
type connection struct {
	*account
	tab  tabName
	wait bool // keep trying to reach the server until ctx ends

	handler                lmz.Handler // what others may call; nil: nothing
	onSubscriptionRequired func(ctx context.Context)
	onMissed               func(ctx context.Context, from lmz.Address, calls int) // nil: the session ends instead
	onLoginRequired        func(*client.LoginRequiredError)                       // of a client that was connected
}

// clientOptions are those of every client that a command makes.
func (a *app) clientOptions(o *account, server string) client.Options {
	return client.Options{
		URL: server,
		Token: func(ctx context.Context, refused string) (string, error) {
			return a.token(ctx, o, server, refused)
		},
	}
}

// connect makes a client and waits until the gateway has welcomed it.
func (a *app) connect(ctx context.Context, o connection) (*client.Peer, error) {
	server, err := o.origin()
	if err != nil {
		return nil, err
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	options := a.clientOptions(o.account, server)
	options.Tab, options.Handler, options.OnSubscriptionRequired = string(o.tab), o.handler, o.onSubscriptionRequired
	options.OnMissed = o.onMissed
	options.OnLoginRequired = o.onLoginRequired
	options.Log = a.log("").With(debug.Namespace, "lmz.client").Debug
	options.OnConnectionError = func(err error) {
		if !o.wait && !mayPass(err) {
			giveUp(err)
		}
	}
	peer, err := client.New(options)
	if err != nil {
		return nil, err
	}
	if err := peer.Connect(ctx); err != nil {
		peer.Close()
		peer.Wait()
		return nil, a.explainConnect(o.account, server, a.kept(ctx, o.account, server).Email, err)
	}
	return peer, nil
}

// connected connects, runs f, which has some time for all together, and disconnects.
func (a *app) connected(ctx context.Context, o connection, timeout time.Duration, f func(ctx context.Context, peer *client.Peer, server string) error) error {
	server, err := o.origin()
	if err != nil {
		return err
	}
	if timeout <= 0 {
		return usagef("--timeout 30s", "--timeout %v leaves no time", timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	peer, err := a.connect(ctx, o)
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	return f(ctx, peer, server)
}

// mayPass reports whether another attempt may go better without anybody doing
// something: the client has another token to try, or the server is busy.
func mayPass(err error) bool {
	var refused *client.DialError
	if errors.As(err, &refused) {
		s := refused.Status
		return s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusTooManyRequests || s >= 500
	}
	return errors.Is(err, client.ErrLoginRequired) // the client itself stops then
}

// signInAgain is a failure of somebody who may not connect any more.
func signInAgain(server, email string, err *client.LoginRequiredError, message string) error {
	if strings.Contains(err.Reason, "not yet approved") || err.Reason == "Approval withdrawn" { // another sign-in would not help
		return &loginError{failure{code: exitLogin, message: message, try: "wait until an admin approves you with lmz approve"}}
	}
	return loginRequired(server, email, message)
}

// explainConnect says why there is no connection. What the last attempt failed with
// knows more than what ended the waiting.
func (a *app) explainConnect(o *account, server, email string, err error) error {
	var known *failure
	var ofToken *loginError
	var refused *client.DialError
	var login *client.LoginRequiredError
	switch {
	case errors.Is(err, context.Canceled): // by the user; giving up has a cause of its own
		return context.Canceled
	case errors.As(err, &ofToken):
		return ofToken
	case errors.As(err, &known):
		return known
	case errors.As(err, &login):
		what := "the sign-in"
		switch {
		case o.tokenStdin:
			what = "the token on stdin"
		case a.Getenv("LMZ_ACCESS_TOKEN") != "":
			what = "the token in LMZ_ACCESS_TOKEN"
		}
		return signInAgain(server, email, login, fmt.Sprintf("%s refused %s: %s", server, what, login.Reason))
	case errors.As(err, &refused) && refused.Status != 0:
		return failf(exitNotExecuted, "", "%s does not take clients: %v", server, refused)
	case refused != nil:
		return notReached(server, refused)
	}
	return notReached(server, err)
}
