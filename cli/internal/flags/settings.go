package flags

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/jsonvalue"
	"github.com/lumenize/lmz/internal/textin"
)

// settingsVariable is the environment variable that sets a flag.
func settingsVariable(flag string) string {
	return "LMZ_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// ApplySettings sets the flags that the command line does not set, from the environment (LMZ_
// and the flag's name) or else from a file, a JSON object with the flags' names as members.
// file may be empty.
func ApplySettings(getenv func(string) string, command string, flags *pflag.FlagSet, file string) error {
	kept, err := readSettings(file)
	if err != nil {
		return err
	}
	var wrong []string
	flags.VisitAll(func(f *pflag.Flag) {
		fromFile, inFile := kept[f.Name]
		delete(kept, f.Name)
		value, from := getenv(settingsVariable(f.Name)), settingsVariable(f.Name)
		switch {
		case f.Changed || f.Name == "help":
			return
		case value != "":
		case inFile:
			value, from = fromFile, file+": "+f.Name
		default:
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			wrong = append(wrong, WrongValue(from, err).Error())
		}
	})
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		wrong = append(wrong, fmt.Sprintf("%s: unknown setting %q", file, name))
	}
	if len(wrong) > 0 {
		return exit.Usagef(command+" --help", "%s", strings.Join(wrong, "; "))
	}
	return nil
}

// readSettings reads a file of settings. Values are strings, numbers, or booleans.
func readSettings(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	data, err := textin.ReadFile(file)
	if err != nil {
		return nil, exit.Usagef("--config FILE", "cannot read settings: %v", err)
	}
	read, err := jsonvalue.Parse(data)
	raw, isObject := read.(map[string]any)
	if err == nil && !isObject {
		err = errors.New("it is not an object")
	}
	kept := make(map[string]string, len(raw))
	for name, value := range raw {
		switch value := value.(type) {
		case string:
			kept[name] = value
		case nil, []any, map[string]any:
			err = cmp.Or(err, fmt.Errorf("%s is not a string, number, or boolean", name))
		default:
			kept[name] = fmt.Sprint(value)
		}
	}
	if err != nil {
		return nil, exit.Usagef(`{"public-url": "https://mesh.example.com"}`, "%s is not a JSON object of settings: %v", file, err)
	}
	return kept, nil
}

// Secret returns a secret: the value of a variable, or else the first line of a file.
func Secret(value, file string) (string, error) {
	if value != "" || file == "" {
		return value, nil
	}
	line, err := textin.ReadFirstLine(file)
	if err != nil {
		return "", exit.Usagef("", "cannot read a secret: %v", err)
	}
	if line == "" {
		return "", exit.Usagef("", "%s contains no secret", file)
	}
	return line, nil
}
