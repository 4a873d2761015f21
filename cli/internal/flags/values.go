// Package flags parses what users type: it checks the number of arguments, has the flag types
// that pflag lacks, and sets flags from the environment and from files.
package flags

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lumenize/lmz/cli/internal/exit"
)

// allowed describes the values of a flag by its type. The errors of other types do so
// themselves.
var allowed = map[string]string{
	"int":      "a whole number, such as 1",
	"int64":    "a whole number, such as 1",
	"bool":     "true or false",
	"duration": "a time, such as 90s or 5m",
}

// WrongValue explains an invalid value of a flag: where it was set (by default the flag itself,
// else a variable or a place in a file) and what the flag takes. It returns other errors
// unchanged.
func WrongValue(where string, err error) error {
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

// Limit adds --limit to a command that prints a list which may be long.
func Limit(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", 0, "print at most this many (default all)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *limit < 0 {
			return exit.Usagef("--limit 1000", "--limit %d must not be negative", *limit)
		}
		return nil
	}
}

// JSON adds --json to a command that prints a list.
func JSON(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print one JSON object per line")
}
