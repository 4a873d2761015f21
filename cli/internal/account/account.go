// Package account determines which server a command talks to, and as which user: by flags, an
// access token, or a stored sign-in. It also sends requests to the server's sign-in service.
package account

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/textin"
)

// Account is the server and the user of a command, and where sign-ins are stored.
type Account struct {
	Server     string
	Email      string // "" is the account that is active at the server
	ConfigDir  string // "" is the default
	NoKeyring  bool
	TokenStdin bool

	con       *console.Console
	readToken sync.Once // from stdin
	token     string
	tokenErr  error
}

// Flags adds the flags of an account to a command.
func Flags(con *console.Console, cmd *cobra.Command) *Account {
	o := SignInFlags(con, cmd)
	cmd.Flags().BoolVar(&o.TokenStdin, "token-stdin", false, "read an access token from stdin")
	return o
}

// SignInFlags adds the flags of an account to a command that works on sign-ins, and so takes
// no access token.
func SignInFlags(con *console.Console, cmd *cobra.Command) *Account {
	o := &Account{con: con}
	server := con.Getenv("LMZ_SERVER")
	if server == "" {
		server = hint.DefaultServer
	}
	f := cmd.Flags()
	f.StringVar(&o.Server, "server", server, "`URL` of the server")
	f.StringVar(&o.Email, "email", con.Getenv("LMZ_EMAIL"), "email `address` of the account, if several are signed in at the server")
	f.StringVar(&o.ConfigDir, "config-dir", con.Getenv("LMZ_CONFIG_DIR"), "`directory` where sign-ins are kept")
	f.BoolVar(&o.NoKeyring, "no-keyring", con.Getenv("LMZ_NO_KEYRING") != "", "keep sign-ins in a file, not in the system's keyring")
	return o
}

// Origin returns the server in its canonical form, under which sign-ins are stored.
func (o *Account) Origin() (string, error) {
	server, err := origin.Parse(o.Server)
	if err != nil || server.Scheme != "http" && server.Scheme != "https" {
		return "", exit.Usagef("--server "+hint.DefaultServer, "--server %q is not an origin such as https://mesh.example.com", o.Server)
	}
	return server.String(), nil
}

// Credentials locks and opens the sign-ins of this machine.
func (o *Account) Credentials(ctx context.Context) (c *credentials.File, unlock func(), err error) {
	dir, err := o.configDir()
	if err != nil {
		return nil, nil, err
	}
	return credentials.Open(ctx, dir, !o.NoKeyring)
}

// CredentialsAt is [Account.Credentials] with the canonical server.
func (o *Account) CredentialsAt(ctx context.Context) (server string, c *credentials.File, unlock func(), err error) {
	if server, err = o.Origin(); err != nil {
		return "", nil, nil, err
	}
	c, unlock, err = o.Credentials(ctx)
	return server, c, unlock, err
}

func (o *Account) configDir() (string, error) {
	if o.ConfigDir != "" {
		return filepath.Abs(o.ConfigDir)
	}
	if base := o.con.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "lmz"), nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", exit.Usagef("--config-dir DIR", "no directory for sign-ins: %v", err)
	}
	return filepath.Join(base, "lmz"), nil
}

// Kept returns the address and the subject of the account at a server, as far as they are
// known. It reads them even when ctx has ended.
func (o *Account) Kept(ctx context.Context, server string) (email, subject string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // for the lock
	defer cancel()
	c, unlock, err := o.Credentials(ctx)
	if err != nil {
		return o.Email, ""
	}
	defer unlock()
	s, _ := c.Find(server, o.Email)
	if email = credentials.SameAddress(o.Email); email == "" {
		email = c.Active(server)
	}
	return email, s.Subject
}

// GivenToken returns the access token to use instead of a sign-in, or "", and its source.
func (o *Account) GivenToken() (token, from string, err error) {
	if o.TokenStdin {
		token, err = o.stdinToken()
		return token, "on stdin", err
	}
	return o.con.Getenv("LMZ_ACCESS_TOKEN"), "in LMZ_ACCESS_TOKEN", nil
}

// stdinToken returns the first line of stdin, which is read once.
func (o *Account) stdinToken() (string, error) {
	const try = "lmz token | lmz whoami --token-stdin"
	o.readToken.Do(func() {
		line, err := textin.ReadLine(o.con.In, console.MaxLine)
		if err != nil && !errors.Is(err, io.EOF) {
			o.tokenErr = exit.Usagef(try, "--token-stdin: %v", err)
			return
		}
		if o.token = line; o.token == "" {
			o.tokenErr = exit.Usagef(try, "--token-stdin: no token on stdin")
		}
	})
	return o.token, o.tokenErr
}
