package cli

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deviceGrant is the grant type of RFC 8628.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// How the server is polled (RFC 8628 3.5): slowDown is added each time it asks for it,
// and attempts that did not reach it double the wait up to maxPoll.
const (
	slowDown = 5 * time.Second
	maxPoll  = time.Minute
)

// device is the server's answer to a sign-in by code.
type device struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
	Interval   int64  `json:"interval"`   // seconds
	Notice     string `json:"notice"`
}

// signInByDevice shows a code, which is to be typed on the page that the mailed link
// leads to, on any machine, and polls until that has happened (RFC 8628).
func (a *app) signInByDevice(ctx context.Context, server, email string) (t tokens, err error) {
	var d device
	err = post(ctx, server, "cli/device", map[string]string{
		"email": email, "client_name": "lmz", "hostname": hostname(),
	}, &d)
	if err != nil {
		return t, refusedLogin(server, email, err)
	}
	fmt.Fprintf(a.Err, "A link was sent to %s. Open it on any device and type this code there:\n\n    %s\n\n",
		oneLine(email), oneLine(d.UserCode))
	a.sayNotice(d.Notice)
	a.pointToMailbox(ctx, server)
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(d.ExpiresIn)*time.Second, errCodeExpired)
	defer cancel()
	return pollDevice(ctx, server, email, d)
}

var errCodeExpired = errors.New("the code has expired before anybody typed it")

// pollDevice asks until the code has been typed, refused or forgotten.
func pollDevice(ctx context.Context, server, email string, d device) (t tokens, err error) {
	interval := max(time.Duration(d.Interval)*time.Second, time.Second)
	wait := interval
	for {
		select {
		case <-ctx.Done():
			return t, endedDevice(ctx, server, email)
		case <-time.After(wait):
		}
		err := post(ctx, server, "cli/token", map[string]string{"grant_type": deviceGrant, "device_code": d.DeviceCode}, &t)
		var refused *refusal
		switch {
		case err == nil:
			return t, nil
		case ctx.Err() != nil:
			return t, endedDevice(ctx, server, email)
		case !errors.As(err, &refused) || refused.Status >= 500 || refused.Status == 429:
			wait = min(2*wait, maxPoll) // the server may come back
			continue
		}
		switch refused.Code {
		case "authorization_pending":
		case "slow_down":
			interval += slowDown
		case "expired_token":
			return t, failf(exitLogin, loginHint(server, email), "%v", errCodeExpired)
		case "access_denied":
			return t, failf(exitLogin, loginHint(server, email), "the sign-in was refused, or the code was typed wrong too often")
		default:
			return t, refusedLogin(server, email, err)
		}
		wait = interval
	}
}

func endedDevice(ctx context.Context, server, email string) error {
	if context.Cause(ctx) == errCodeExpired {
		return failf(exitLogin, loginHint(server, email), "%v", errCodeExpired)
	}
	return endedLogin(ctx, server, email)
}
