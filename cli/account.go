package cli

import (
	"errors"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/textin"
)

const defaultServer = "http://" + defaultAddr

// account says which server a command talks to, as whom, and where sign-ins are kept.
type account struct {
	server     string
	email      string // "" is the one that was used for signing in last
	configDir  string
	noKeyring  bool
	tokenStdin bool

	readToken sync.Once // from stdin
	token     string
	tokenErr  error
}

// accountFlags adds the flags of an account to a command.
func (a *app) accountFlags(cmd *cobra.Command) *account {
	o := a.serverFlags(cmd)
	cmd.Flags().BoolVar(&o.tokenStdin, "token-stdin", false, "read an access token from stdin and use it as it is")
	return o
}

// serverFlags are those flags of an account that do not sign in by a token.
func (a *app) serverFlags(cmd *cobra.Command) *account {
	o := new(account)
	server := a.Getenv("LMZ_SERVER")
	if server == "" {
		server = defaultServer
	}
	f := cmd.Flags()
	f.StringVar(&o.server, "server", server, "`URL` of the server")
	f.StringVar(&o.email, "email", a.Getenv("LMZ_EMAIL"), "mail `address` of the account, if there are several at the server")
	f.StringVar(&o.configDir, "config-dir", a.Getenv("LMZ_CONFIG_DIR"), "`directory` where sign-ins are kept")
	f.BoolVar(&o.noKeyring, "no-keyring", a.Getenv("LMZ_NO_KEYRING") != "", "keep sign-ins in a file, not in the system's keyring")
	return o
}

// origin returns the server in its one spelling, which sign-ins are kept under.
func (o *account) origin() (string, error) {
	server, err := origin.Parse(o.server)
	if err != nil || server.Scheme != "http" && server.Scheme != "https" {
		return "", usagef("--server "+defaultServer, "--server %q is not an origin such as https://mesh.example.com", o.server)
	}
	return server.String(), nil
}

// stdinToken returns the first line of in, which is read once.
func (o *account) stdinToken(in io.Reader) (string, error) {
	o.readToken.Do(func() {
		line, err := textin.ReadLine(in, maxLine)
		if err != nil && !errors.Is(err, io.EOF) {
			o.tokenErr = usagef("lmz token | lmz whoami --token-stdin", "--token-stdin: %v", err)
			return
		}
		if o.token = line; o.token == "" {
			o.tokenErr = usagef("lmz token | lmz whoami --token-stdin", "--token-stdin: there is no token on stdin")
		}
	})
	return o.token, o.tokenErr
}

// sameAddress is a mail address in the spelling that sign-ins are kept under.
func sameAddress(email string) string {
	email, _ = auth.NormalEmail(email)
	return email
}
