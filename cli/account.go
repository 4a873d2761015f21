package cli

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

const defaultServer = "http://" + defaultAddr

// account says which server a command talks to, and where sign-ins are kept.
type account struct {
	server    string
	configDir string
	noKeyring bool
}

// accountFlags adds the flags of an account to a command.
func (a *app) accountFlags(cmd *cobra.Command) *account {
	o := new(account)
	server := a.Getenv("LMZ_SERVER")
	if server == "" {
		server = defaultServer
	}
	f := cmd.Flags()
	f.StringVar(&o.server, "server", server, "`URL` of the server")
	f.StringVar(&o.configDir, "config-dir", a.Getenv("LMZ_CONFIG_DIR"), "`directory` where sign-ins are kept")
	f.BoolVar(&o.noKeyring, "no-keyring", a.Getenv("LMZ_NO_KEYRING") != "", "keep sign-ins in a file, not in the system's keyring")
	return o
}

// origin returns the server in its one spelling, which sign-ins are kept under.
func (o *account) origin() (string, error) {
	u, err := url.Parse(o.server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", usagef("--server "+defaultServer, "--server %q is not an origin such as https://mesh.example.com", o.server)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}
