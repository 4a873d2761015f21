package signin

import (
	"context"
	"fmt"

	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/output"
)

// loopback requests a link, waits until a browser on this machine has confirmed it, and redeems
// the code that the browser brings (RFC 8252 with RFC 7636).
func (f *flow) loopback(ctx context.Context) (t authclient.Tokens, err error) {
	callback, err := listenForCode()
	if err != nil {
		return t, err
	}
	defer callback.close()
	var asked struct{ Notice string }
	err = authclient.Post(ctx, f.server, "cli/start", map[string]string{
		"email": f.email, "redirect_uri": callback.url, "state": callback.state,
		"code_challenge": callback.challenge(), "code_challenge_method": "S256",
		"client_name": "lmz", "hostname": hostname(),
	}, &asked)
	if err != nil {
		return t, f.refused(err)
	}
	fmt.Fprintf(f.con.Err, "A link was sent to %s. Open it in a browser on this machine and confirm.\n", output.Line(f.email))
	f.con.Notice(asked.Notice)
	fmt.Fprintln(f.con.Err, "If your mail is on another device, press Ctrl-C and try again with --device.")
	f.pointToMailbox(ctx)
	code, err := callback.wait(ctx)
	if err != nil {
		return t, f.ended(ctx)
	}
	err = authclient.Post(ctx, f.server, "cli/token", map[string]string{
		"grant_type": "authorization_code", "code": code, "code_verifier": callback.verifier, "redirect_uri": callback.url,
	}, &t)
	if err != nil {
		return t, f.refused(err)
	}
	return t, nil
}
