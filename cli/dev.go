package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/object"
)

const defaultAddr = "127.0.0.1:8787"

// devOptions are the flags of lmz dev.
type devOptions struct {
	addr, data     string
	bootstrapEmail string
	noBrowser      bool
	testMode       bool
	callLimit      time.Duration
}

func (a *app) devCommand() *cobra.Command {
	var o devOptions
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a gateway on this machine, with the editor example",
		Long: "dev runs a gateway for development: storage in a directory, keys of its own, a mailbox\n" +
			"in place of a mail server, the editor example and its page. Only this machine can reach\n" +
			"it. Ctrl-C stops it; what was acknowledged is on disk.",
		Example: "  lmz dev\n  lmz dev --addr 127.0.0.1:0 --data ./mesh --no-browser",
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runDev(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", defaultAddr, "loopback `address` to listen on; port 0 takes a free one")
	f.StringVar(&o.data, "data", "", "data `directory` (default lmz/dev in $XDG_DATA_HOME or ~/.local/share)")
	f.BoolVar(&o.noBrowser, "no-browser", a.Getenv("LMZ_NO_BROWSER") != "", "do not open the page")
	f.StringVar(&o.bootstrapEmail, "bootstrap-email", "", "`address` that becomes an admin when it signs in")
	f.BoolVar(&o.testMode, "test-mode", false, "let every program on this machine sign in as anyone, for tests")
	f.DurationVar(&o.callLimit, "call-limit", 5*time.Minute, "the longest that a call of a client may take")
	return cmd
}

func (a *app) runDev(ctx context.Context, o devOptions) error {
	if o.callLimit <= 0 {
		return usagef("lmz dev --call-limit 5m", "--call-limit %v leaves no time", o.callLimit)
	}
	addr, err := loopback(o.addr)
	if err != nil {
		return err
	}
	if o.data, err = a.dataDir(o.data); err != nil {
		return err
	}
	a.runForLong()
	mailbox := &auth.Mailbox{OnMail: func(m auth.Mail) {
		fmt.Fprintf(a.Out, "mail to %s: %s\n", oneLine(m.To), m.Link)
	}}
	s, err := a.openServer(serverPlan{
		addr: addr, data: o.data, callLimit: o.callLimit,
		log:     a.log(serverLog),
		auth:    auth.Options{Sender: mailbox, BootstrapEmail: o.bootstrapEmail, AutoApprove: true, TestMode: o.testMode},
		routes:  map[string]http.Handler{"/dev/mail": mailbox, "/dev/": http.NotFoundHandler()},
		answers: origin.IsLoopback,
		refusal: "lmz dev answers to localhost and loopback addresses only",
	})
	if err != nil {
		return explainDev(err, addr)
	}
	a.greet(s.url, o)
	if !o.noBrowser {
		openBrowser(s.url)
	}
	err = s.serve(ctx)
	if err == nil {
		fmt.Fprintln(a.Err, "lmz dev has stopped.")
	}
	return err
}

// explainDev makes errors that users can act upon.
func explainDev(err error, addr string) error {
	var listen *net.OpError
	switch {
	case errors.Is(err, object.ErrInUse):
		return failf(exitFailed, "lmz dev --data OTHER --addr 127.0.0.1:0", "%v", err)
	case errors.As(err, &listen) && listen.Op == "listen":
		return failf(exitFailed, "lmz dev --addr 127.0.0.1:0", "cannot listen on %s: %v", addr, listen.Err)
	}
	return err
}

// loopback refuses addresses that others can reach. The name localhost stands for
// 127.0.0.1: what else it leads to is up to the resolver.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usagef("lmz dev --addr "+defaultAddr, "--addr %s is not an address such as %s", addr, defaultAddr)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return "", usagef("lmz dev --addr "+defaultAddr,
			"--addr %s is not a loopback address: lmz dev has a mailbox that lets everyone in, so it serves this machine only", addr)
	}
	return net.JoinHostPort(host, port), nil
}

// dataDir makes the data directory, for the user alone, and returns its path.
func (a *app) dataDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = a.defaultDataDir(); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return dir, takeForUser(dir)
}

func (a *app) defaultDataDir() (string, error) {
	base := a.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // relative ones are to be ignored, says the XDG specification
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usagef("--data DIR", "no home directory to keep data in: %v", err)
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "lmz", "dev"), nil
}

// takeForUser takes the rights of others away from a data directory, but never from
// a directory with something else in it.
func takeForUser(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	ours := len(entries) == 0
	for _, e := range entries {
		ours = ours || e.Name() == "auth.json"
	}
	if !ours {
		return usagef("--data with a new directory", "%s holds other files and can be read by others: it is no data directory", dir)
	}
	return os.Chmod(dir, 0o700)
}

// greet says where everything is and what to do next.
func (a *app) greet(url string, o devOptions) {
	fmt.Fprintf(a.Out, "lmz dev is running.\n\n  page     %s/\n  mailbox  %s/dev/mail\n  data     %s\n\n", url, url, o.data)
	fmt.Fprint(a.Out, "Your browser sends its sign-in cookie to every port of this host, so other servers that you\n"+
		"open here can read it: run none that you do not trust.\n\n")
	if o.testMode {
		fmt.Fprint(a.Out, "Test mode: every program on this machine can sign in as anyone.\n\n")
	}
	fmt.Fprint(a.Out, "Next, in another terminal:\n\n")
	if url != defaultServer {
		fmt.Fprintf(a.Out, "  export LMZ_SERVER=%s\n", url)
	}
	for _, words := range []string{
		"login magic-link you@example.com",
		`call DOCUMENT_DO notes subscribe + update '"The teh fox"'`,
		"edit notes",
	} {
		fmt.Fprintf(a.Out, "  %s %s\n", a.Program, words)
	}
	fmt.Fprint(a.Out, "\nCtrl-C stops it.\n\n")
}

var quietBrowser sync.Once

// openBrowser shows the page, if there is a browser. The address was printed anyway.
func openBrowser(url string) {
	quietBrowser.Do(func() { browser.Stdout, browser.Stderr = io.Discard, io.Discard })
	go browser.OpenURL(url) // some browsers return only when they are closed
}
