// Package connect connects commands to a gateway, and explains why that failed.
package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/internal/credential"
)

// Connection is how a command connects to the gateway.
type Connection struct {
	*account.Account
	Tab  flags.Tab
	Wait bool // keep trying to reach the server until ctx ends

	Handler                lmz.Handler // what others may call; nil: nothing
	OnSubscriptionRequired func(ctx context.Context)
	// OnMissed is nil if the session ends instead.
	OnMissed func(ctx context.Context, from lmz.Address, calls int)
	// OnLoginRequired runs only after a connection.
	OnLoginRequired func(*client.LoginRequiredError)
}

// ClientOptions returns the options that all clients of commands share.
func ClientOptions(o *account.Account, server string) client.Options {
	return client.Options{
		URL: server,
		Token: func(ctx context.Context, refused string) (string, error) {
			return o.Token(ctx, server, refused)
		},
	}
}

// Open creates a client and waits until the gateway has welcomed it.
func (o Connection) Open(ctx context.Context, con *console.Console) (*client.Peer, error) {
	server, err := o.Origin()
	if err != nil {
		return nil, err
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	options := ClientOptions(o.Account, server)
	options.Tab, options.Handler, options.OnSubscriptionRequired = string(o.Tab), o.Handler, o.OnSubscriptionRequired
	options.OnMissed = o.OnMissed
	options.OnLoginRequired = o.OnLoginRequired
	options.Log = con.Log("").With(debug.Namespace, "lmz.client").Debug
	options.OnConnectionError = func(err error) {
		if !o.Wait && !mayPass(err) {
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
		return nil, explain(ctx, o.Account, server, err)
	}
	return peer, nil
}

// Do connects, runs f, and disconnects, all within timeout.
func (o Connection) Do(ctx context.Context, con *console.Console, timeout time.Duration, f func(ctx context.Context, peer *client.Peer, server string) error) error {
	server, err := o.Origin()
	if err != nil {
		return err
	}
	if timeout <= 0 {
		return exit.Usagef("--timeout 30s", "--timeout %v must be positive", timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	peer, err := o.Open(ctx, con)
	if err != nil {
		return err
	}
	defer peer.Wait()
	defer peer.Close()
	return f(ctx, peer, server)
}

// mayPass reports whether another attempt may succeed by itself: the client has another token
// to try, or the server is busy.
func mayPass(err error) bool {
	var refused *client.DialError
	if errors.As(err, &refused) {
		s := refused.Status
		return s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusTooManyRequests || s >= 500
	}
	return errors.Is(err, client.ErrLoginRequired) // the client itself stops then
}

// SignInAgain is the error for a user who was refused.
func SignInAgain(server, email string, err *client.LoginRequiredError, message string) error {
	if err.Reason == credential.ReasonNotApproved || err.Reason == credential.ReasonWithdrawn {
		// Signing in again would not help.
		return exit.NewLoginError("wait until an admin approves you with lmz approve", message)
	}
	return exit.LoginRequired(server, email, message)
}

// explain says why there is no connection. The error of the last attempt says more than
// whatever ended the wait.
func explain(ctx context.Context, o *account.Account, server string, err error) error {
	var known *exit.Error
	var ofToken *exit.LoginError
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
		if given, from, _ := o.GivenToken(); given != "" {
			what = "the token " + from
		}
		email, _ := o.Kept(ctx, server)
		return SignInAgain(server, email, login, fmt.Sprintf("%s refused %s: %s", server, what, login.Reason))
	case errors.As(err, &refused) && refused.Status != 0:
		return exit.Errorf(exit.NotExecuted, "", "%s does not accept clients: %v", server, refused)
	case refused != nil:
		return exit.NotReached(server, refused)
	}
	return exit.NotReached(server, err)
}
