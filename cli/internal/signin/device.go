package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/output"
)

// deviceGrant is the grant type of RFC 8628.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// How the server is polled (RFC 8628 3.5): slowDown is added whenever the server demands it,
// and failures to reach it double the interval up to maxPoll.
const (
	slowDown = 5 * time.Second
	maxPoll  = time.Minute
)

// deviceCode is the server's answer to a sign-in by code.
type deviceCode struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
	Interval   int64  `json:"interval"`   // seconds
	Notice     string `json:"notice"`
}

// device shows a code to enter on the page behind the mailed link, on any machine, and polls
// until that has happened (RFC 8628).
func (f *flow) device(ctx context.Context) (t authclient.Tokens, err error) {
	var d deviceCode
	err = authclient.Post(ctx, f.server, "cli/device", map[string]string{
		"email": f.email, "client_name": "lmz", "hostname": hostname(),
	}, &d)
	if err != nil {
		return t, f.refused(err)
	}
	fmt.Fprintf(f.con.Err, "A link was sent to %s. Open it on any device and enter this code there:\n\n    %s\n\n",
		output.Line(f.email), output.Line(d.UserCode))
	f.con.Notice(d.Notice)
	f.pointToMailbox(ctx)
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(d.ExpiresIn)*time.Second, errCodeExpired)
	defer cancel()
	return f.poll(ctx, d)
}

var errCodeExpired = errors.New("the code expired before it was entered")

// poll polls until the code was entered, refused, or has expired.
func (f *flow) poll(ctx context.Context, d deviceCode) (t authclient.Tokens, err error) {
	interval := max(time.Duration(d.Interval)*time.Second, time.Second)
	wait := interval
	for {
		select {
		case <-ctx.Done():
			return t, f.endedDevice(ctx)
		case <-time.After(wait):
		}
		err := authclient.Post(ctx, f.server, "cli/token", map[string]string{"grant_type": deviceGrant, "device_code": d.DeviceCode}, &t)
		var refused *authclient.Refusal
		switch {
		case err == nil:
			return t, nil
		case ctx.Err() != nil:
			return t, f.endedDevice(ctx)
		case !errors.As(err, &refused) || refused.Status >= 500 || refused.Status == 429:
			wait = min(2*wait, maxPoll) // the server may come back
			continue
		}
		switch refused.Code {
		case "authorization_pending":
		case "slow_down":
			interval += slowDown
		case "expired_token":
			return t, exit.Errorf(exit.Login, f.hint(), "%v", errCodeExpired)
		case "access_denied":
			return t, exit.Errorf(exit.Login, f.hint(), "the sign-in was refused, or a wrong code was entered too often")
		default:
			return t, f.refused(err)
		}
		wait = interval
	}
}

func (f *flow) endedDevice(ctx context.Context) error {
	if context.Cause(ctx) == errCodeExpired {
		return exit.Errorf(exit.Login, f.hint(), "%v", errCodeExpired)
	}
	return f.ended(ctx)
}
