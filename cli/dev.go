package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/datadir"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/cli/internal/server"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/object"
)

// devOptions are the flags of lmz dev.
type devOptions struct {
	addr, data     string
	bootstrapEmail string
	noBrowser      bool
	testMode       bool
	callLimit      time.Duration
}

func devCommand(con *console.Console) *cobra.Command {
	var o devOptions
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a development gateway with the editor example",
		Long: "dev runs a gateway for development. It stores its data in a directory, makes its\n" +
			"own signing keys, shows mail in a mailbox instead of sending it, and serves the\n" +
			"editor example. Only this machine can reach it. Ctrl-C stops it; everything that\n" +
			"was acknowledged is on disk.",
		Example: "  lmz dev\n  lmz dev --addr 127.0.0.1:0 --data ./mesh --no-browser",
		Args:    flags.NoWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDev(cmd.Context(), con, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", hint.DefaultAddr, "loopback `address` to listen on; port 0 picks a free one")
	f.StringVar(&o.data, "data", "", "data `directory` (default lmz/dev in $XDG_DATA_HOME or ~/.local/share)")
	f.BoolVar(&o.noBrowser, "no-browser", con.Getenv("LMZ_NO_BROWSER") != "", "do not open the page in a browser")
	f.StringVar(&o.bootstrapEmail, "bootstrap-email", "", "email `address` that becomes an admin when it signs in")
	f.BoolVar(&o.testMode, "test-mode", false, "let any program on this machine sign in as anyone, for tests")
	f.DurationVar(&o.callLimit, "call-limit", 5*time.Minute, "the longest that a client's call may take")
	return cmd
}

func runDev(ctx context.Context, con *console.Console, o devOptions) error {
	if o.callLimit <= 0 {
		return exit.Usagef("lmz dev --call-limit 5m", "--call-limit %v must be positive", o.callLimit)
	}
	addr, err := loopback(o.addr)
	if err != nil {
		return err
	}
	if o.data, err = datadir.Make(con.Getenv, o.data, "dev"); err != nil {
		return err
	}
	con.RunForLong()
	mailbox := &auth.Mailbox{OnMail: func(m auth.Mail) {
		fmt.Fprintf(con.Out, "mail to %s: %s\n", output.Line(m.To), m.Link)
	}}
	s, err := server.Open(server.Plan{
		Addr: addr, Data: o.data, Getenv: con.Getenv, CallLimit: o.callLimit,
		Log:     con.Log(console.ServerLog),
		Auth:    auth.Options{Sender: mailbox, BootstrapEmail: o.bootstrapEmail, AutoApprove: true, TestMode: o.testMode},
		Routes:  map[string]http.Handler{"/dev/mail": mailbox, "/dev/": http.NotFoundHandler()},
		Answers: origin.IsLoopback,
		Refusal: "lmz dev only answers to localhost and loopback addresses",
	})
	if err != nil {
		return explainDev(err, addr)
	}
	greet(con, s.URL(), o)
	if !o.noBrowser {
		openBrowser(s.URL())
	}
	err = s.Serve(ctx)
	if err == nil {
		fmt.Fprintln(con.Err, "lmz dev has stopped.")
	}
	return err
}

// explainDev adds what users can do about an error.
func explainDev(err error, addr string) error {
	var listen *net.OpError
	switch {
	case errors.Is(err, object.ErrInUse):
		return exit.Errorf(exit.Failed, "lmz dev --data OTHER --addr 127.0.0.1:0", "%v", err)
	case errors.As(err, &listen) && listen.Op == "listen":
		return exit.Errorf(exit.Failed, "lmz dev --addr 127.0.0.1:0", "cannot listen on %s: %v", addr, listen.Err)
	}
	return err
}

// loopback rejects addresses that other machines can reach. The name localhost means
// 127.0.0.1, whatever the resolver says.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", exit.Usagef("lmz dev --addr "+hint.DefaultAddr, "--addr %s is not an address such as %s", addr, hint.DefaultAddr)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return "", exit.Usagef("lmz dev --addr "+hint.DefaultAddr,
			"--addr %s is not a loopback address: lmz dev lets anyone sign in through its mailbox, so it serves this machine only", addr)
	}
	return net.JoinHostPort(host, port), nil
}

// greet prints where everything is and what to do next.
func greet(con *console.Console, url string, o devOptions) {
	fmt.Fprintf(con.Out, "lmz dev is running.\n\n  page     %s/\n  mailbox  %s/dev/mail\n  data     %s\n\n", url, url, o.data)
	fmt.Fprint(con.Out, "Your browser sends its sign-in cookie to every port of this host, so any other server that\n"+
		"you open here can read it. Do not run servers that you do not trust.\n\n")
	if o.testMode {
		fmt.Fprint(con.Out, "Test mode: any program on this machine can sign in as anyone.\n\n")
	}
	fmt.Fprint(con.Out, "Next, in another terminal:\n\n")
	if url != hint.DefaultServer {
		fmt.Fprintf(con.Out, "  export LMZ_SERVER=%s\n", url)
	}
	for _, words := range []string{
		"login magic-link you@example.com",
		`call DOCUMENT_DO notes subscribe + update '"The teh fox"'`,
		"edit notes",
	} {
		fmt.Fprintf(con.Out, "  %s %s\n", con.Program, words)
	}
	fmt.Fprint(con.Out, "\nCtrl-C stops it.\n\n")
}

var quietBrowser sync.Once

// openBrowser opens the page if there is a browser. Errors do not matter, because the address
// was printed.
func openBrowser(url string) {
	quietBrowser.Do(func() { browser.Stdout, browser.Stderr = io.Discard, io.Discard })
	go browser.OpenURL(url) // some browsers return only when they are closed
}
