package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Commands without --json: they change something, are for people, or print one word for other
// programs.
var withoutJSON = []string{
	"lmz accounts use", "lmz alarms cancel", "lmz alarms run", "lmz approve", "lmz dev", "lmz edit", "lmz environment", "lmz exit-codes", "lmz gateway", "lmz help", "lmz invite",
	"lmz json", "lmz keys new", "lmz keys rotate", "lmz login", "lmz login magic-link", "lmz logout", "lmz sessions end", "lmz signals", "lmz subjects rm", "lmz subjects set",
	"lmz token", "lmz token mint", "lmz tokens new", "lmz tokens rm", "lmz alarms", "lmz objects", "lmz objects rm", "lmz sends", "lmz sends rm",
}

func TestJSONFlagOfReadingCommands(t *testing.T) {
	rule := regexp.MustCompile(`^print one JSON object( per line)?($|: |:\n)`)
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			look(sub)
		}
		path := cmd.CommandPath()
		if path == "lmz" {
			return
		}
		f := cmd.Flags().Lookup("json")
		switch listed := slices.Contains(withoutJSON, path); {
		case f == nil && !listed:
			t.Errorf("%s has no --json", path)
		case f != nil && listed:
			t.Errorf("%s has --json, and is listed as if not", path)
		case f != nil && path != "lmz call" && !rule.MatchString(f.Usage):
			t.Errorf("%s --json: %s", path, f.Usage)
		}
	}
	root := rootCommand(reading(""))
	look(root)
	for _, path := range withoutJSON {
		if cmd, _, err := root.Find(strings.Fields(path)[1:]); err != nil || cmd.CommandPath() != path {
			t.Errorf("there is no %s", path)
		}
	}
}
