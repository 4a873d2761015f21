package connect

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
)

// Gateway is how a command calls the gateway's own node.
type Gateway struct {
	Connection
	Timeout time.Duration
	JSON    bool // the flag --json, which commands add themselves
}

// Flags adds the flags of such a command.
func (o *Gateway) Flags(con *console.Console, cmd *cobra.Command) {
	o.Account = account.Flags(con, cmd)
	f := cmd.Flags()
	f.DurationVar(&o.Timeout, "timeout", lmz.DefaultTimeout, "maximum duration of the command")
	f.BoolVar(&o.Wait, "wait", false, "keep trying to reach the server until --timeout")
}

// Ask connects and runs f, which calls the gateway's own node.
func (o Gateway) Ask(ctx context.Context, con *console.Console, f func(context.Context, *client.Peer) error) error {
	return o.Do(ctx, con, o.Timeout, func(ctx context.Context, peer *client.Peer, server string) error {
		err := f(ctx, peer)
		if err == nil {
			return nil
		}
		email, _ := o.Kept(ctx, server)
		var of *lmz.Error
		switch {
		case errors.As(err, &of) && of.Name == admin.NoObject:
			return exit.Errorf(exit.Absent, "", "%s", of.Message)
		case errors.As(err, &of) && of.Name == admin.NotAdmin:
			return exit.Errorf(exit.Refused, hint.Admin(server, email), "%s", of.Message)
		case exit.CodeOf(err) == exit.Failed:
			// An answer to the question. The name of the method means nothing to users.
			return exit.Errorf(exit.Failed, "", "%s", err)
		}
		return CallError(lmz.Worker(admin.Binding), "the question", hint.Login(server, email), err, "")
	})
}

// AskAdmin is [Gateway.Ask] with a result, for methods that only admins may call.
func AskAdmin[R any](ctx context.Context, con *console.Console, o Gateway, f func(ctx context.Context, via lmz.Caller, at lmz.Address) (R, error)) (result R, err error) {
	err = o.Ask(ctx, con, func(ctx context.Context, peer *client.Peer) (err error) {
		result, err = f(ctx, peer, lmz.Worker(admin.Binding))
		return err
	})
	return result, err
}
