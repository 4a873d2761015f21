package flags

import (
	"errors"
	"regexp"

	"github.com/spf13/pflag"
)

// Tab is the value of --tab: the second half of a client's instance name, after the user.
type Tab string

// TabUsage is the help of --tab.
const TabUsage = "client `name` to keep across commands; by default, each command is a new client"

var tabSyntax = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var _ pflag.Value = (*Tab)(nil)

func (t *Tab) String() string { return string(*t) }
func (t *Tab) Type() string   { return "name" }

func (t *Tab) Set(name string) error {
	if !tabSyntax.MatchString(name) {
		return errors.New("a name has 1 to 64 letters, digits, _ or -")
	}
	*t = Tab(name)
	return nil
}
