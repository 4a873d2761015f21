package cli

import (
	"errors"
	"regexp"

	"github.com/spf13/pflag"
)

// tabName is the second half of a client's instance name, as a flag: the first is the
// user.
type tabName string

const tabUsage = "`name` to keep across commands; without it each is a new client"

var tabSyntax = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var _ pflag.Value = (*tabName)(nil)

func (t *tabName) String() string { return string(*t) }
func (t *tabName) Type() string   { return "name" }

func (t *tabName) Set(name string) error {
	if !tabSyntax.MatchString(name) {
		return errors.New("a name has 1 to 64 letters, digits, _ or -")
	}
	*t = tabName(name)
	return nil
}
