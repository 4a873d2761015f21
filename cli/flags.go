package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// allowed says what a flag takes, by its type; a type that is not here says so itself.
var allowed = map[string]string{
	"int":      "a whole number, such as 1",
	"int64":    "a whole number, such as 1",
	"bool":     "true or false",
	"duration": "a time, such as 90s or 5m",
}

// wrongValue says that a flag has a value which it does not take, where that stands (the
// flag itself, a variable, a place in a file), and what it takes. Other errors stay as
// they are.
func wrongValue(where string, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	f := invalid.GetFlag()
	if where == "" {
		where = "--" + f.Name
	}
	takes, known := allowed[f.Value.Type()]
	if !known {
		return fmt.Errorf("%s %q: %w", where, invalid.GetValue(), errors.Unwrap(invalid))
	}
	_, usage := pflag.UnquoteUsage(f)
	return fmt.Errorf("%s %q is not %s (%s)", where, invalid.GetValue(), takes, usage)
}
