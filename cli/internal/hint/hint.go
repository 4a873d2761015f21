// Package hint makes the commands that errors and messages of lmz suggest.
package hint

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/origin"
)

// Where lmz dev serves by default, and the server that commands use by default.
const (
	DefaultAddr   = "127.0.0.1:8787"
	DefaultServer = "http://" + DefaultAddr
)

// LoginExample is a command to sign in, for when the user's address is not known.
const LoginExample = "lmz login magic-link you@example.com"

// Login returns the command to sign in to a server, with the address if it is known.
func Login(server, email string) string {
	hint := LoginExample
	if email, _ = auth.NormalEmail(email); email != "" {
		hint = "lmz login magic-link " + Quote(email)
	}
	if server != DefaultServer {
		hint += " --server " + Quote(server)
	}
	return hint
}

// Start returns the command to start a server, or "" if it is not the default one.
func Start(server string) string {
	if server == DefaultServer {
		return "lmz dev"
	}
	return ""
}

// Admin says how a user, whose address may be unknown, becomes an admin of a server.
func Admin(server, email string) string {
	again := Login(server, email)
	email, _ = auth.NormalEmail(email)
	email = Quote(cmp.Or(email, "you@example.com"))
	if origin.IsLoopback(strings.TrimPrefix(server, "http://")) {
		return fmt.Sprintf("stop the gateway, start it with --bootstrap-email %s, and sign in again: %s", email, again)
	}
	return fmt.Sprintf("have an admin run 'lmz subjects set %s --admin=true', or the operator start the gateway with --bootstrap-email %s, and sign in again: %s", email, email, again)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]+$`)

// Quote quotes a word for a shell if necessary.
func Quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
