package cli

import (
	"cmp"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/datadir"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/cli/internal/output"
)

func keysCommand(con *console.Console) *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "The keys that sign access tokens: list, make, rotate",
		Long: "keys lists the two slots of a data directory, BLUE and GREEN. One signs, both verify. To\n" +
			"replace a key without refusing anyone: 'lmz keys new' puts a key into the idle slot;\n" +
			"after 5 minutes, when everybody who verifies has seen it, 'lmz keys rotate' has it sign;\n" +
			"it refuses to do so before, without --now. A gateway that runs notices both by itself.",
		Example: "  lmz keys\n  lmz keys new && sleep 300 && lmz keys rotate",
		Args:    flags.NoWords,
		RunE: func(*cobra.Command, []string) error {
			dir, err := datadir.Existing(con.Getenv, data)
			if err != nil {
				return err
			}
			slots, err := auth.KeySlots(dir, con.Getenv)
			if err != nil {
				return err
			}
			return printKeys(con, slots, asJSON)
		},
	}
	dataFlag(con, cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: slot, signs, from, sha256")
	cmd.AddCommand(newKeyCommand(con), rotateKeysCommand(con))
	return cmd
}

func newKeyCommand(con *console.Console) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "new", Short: "Make a key in the idle slot", Args: flags.NoWords,
		RunE: func(*cobra.Command, []string) error {
			dir, err := datadir.Existing(con.Getenv, data)
			if err != nil {
				return err
			}
			slot, err := auth.NewKey(dir, con.Getenv)
			if err != nil {
				return err
			}
			fmt.Fprintf(con.Out, "%s has a new key; it verifies from now on.\n", slot)
			fmt.Fprintf(con.Err, "Who verifies tokens elsewhere may keep the old list of keys for %.0f minutes. After that: %s keys rotate%s\n",
				auth.KeysCached.Minutes(), con.Program, dataWords(data))
			return nil
		},
	}
	dataFlag(con, cmd, &data)
	return cmd
}

func rotateKeysCommand(con *console.Console) *cobra.Command {
	var data string
	var now bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Have the idle slot sign from now on", Args: flags.NoWords,
		RunE: func(*cobra.Command, []string) error {
			dir, err := datadir.Existing(con.Getenv, data)
			if err != nil {
				return err
			}
			if !now {
				if err := knownKeys(con, dir, data); err != nil {
					return err
				}
			}
			slot, err := auth.RotateKeys(dir, con.Getenv)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(con.Out, "%s signs from now on.\n", slot)
			return err
		},
	}
	dataFlag(con, cmd, &data)
	cmd.Flags().BoolVar(&now, "now", false, "do not wait until everybody who verifies can know the key")
	return cmd
}

// knownKeys refuses to have a key sign that is too new for everybody to know it.
func knownKeys(con *console.Console, dir, data string) error {
	slots, err := auth.KeySlots(dir, con.Getenv)
	if err != nil {
		return err
	}
	for _, s := range slots {
		age := time.Since(s.Made).Round(time.Second)
		if wait := auth.KeysCached - age; !s.Primary && !s.Made.IsZero() && wait > 0 {
			return exit.Errorf(exit.Failed, "wait, or if no one but the gateway verifies: "+con.Program+" keys rotate --now"+dataWords(data),
				"the key of %s is %v old: who verifies tokens elsewhere may not know it for another %v, and would refuse its tokens", s.Name, age, wait)
		}
	}
	return nil
}

// dataWords are the words of a command line that choose a data directory.
func dataWords(data string) string {
	if data == "" {
		return ""
	}
	return " --data " + hint.Quote(data)
}

func dataFlag(con *console.Console, cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", "", "data `directory` of the gateway (default that of lmz dev)")
}

// keySlot is a line of lmz keys --json.
type keySlot struct {
	Slot        string `json:"slot"`
	Signs       bool   `json:"signs"`
	From        string `json:"from"`   // file, environment or none
	Fingerprint string `json:"sha256"` // of the public key, base64url
}

func printKeys(con *console.Console, slots []auth.KeySlot, asJSON bool) error {
	keys := make([]keySlot, len(slots))
	for i, s := range slots {
		keys[i] = keySlot{Slot: s.Name, Signs: s.Primary, From: "file", Fingerprint: s.Fingerprint}
		switch {
		case s.Fingerprint == "":
			keys[i].From = "none"
		case s.Environment:
			keys[i].From = "environment"
		}
	}
	return output.Print(con.Out, asJSON, keys, "SLOT SIGNS FROM SHA256", func(k keySlot) []string {
		return []string{k.Slot, output.Yes(k.Signs), k.From, cmp.Or(k.Fingerprint, "-")}
	})
}
