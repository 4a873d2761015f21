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
		Short: "List, make, and rotate the keys that sign access tokens",
		Long: "keys lists the two key slots of a data directory, BLUE and GREEN. One signs,\n" +
			"both verify. To replace a key without rejecting any token, put a new key into\n" +
			"the idle slot with 'lmz keys new', wait 5 minutes until everyone who verifies\n" +
			"tokens has fetched it, and switch with 'lmz keys rotate', which refuses to do so\n" +
			"earlier without --now. A running gateway notices both.",
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per line: slot, signs, from, sha256")
	cmd.AddCommand(newKeyCommand(con), rotateKeysCommand(con))
	return cmd
}

func newKeyCommand(con *console.Console) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "new", Short: "Generate a key in the idle slot", Args: flags.NoWords,
		RunE: func(*cobra.Command, []string) error {
			dir, err := datadir.Existing(con.Getenv, data)
			if err != nil {
				return err
			}
			slot, err := auth.NewKey(dir, con.Getenv)
			if err != nil {
				return err
			}
			fmt.Fprintf(con.Out, "%s has a new key, which can verify tokens from now on.\n", slot)
			fmt.Fprintf(con.Err, "Others who verify tokens may cache the old keys for %.0f minutes. After that, run: %s keys rotate%s\n",
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
		Use: "rotate", Short: "Sign with the key in the idle slot from now on", Args: flags.NoWords,
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
	cmd.Flags().BoolVar(&now, "now", false, "rotate even if others who verify tokens may not know the key yet")
	return cmd
}

// knownKeys rejects a key that is too new for everyone who verifies tokens to know it.
func knownKeys(con *console.Console, dir, data string) error {
	slots, err := auth.KeySlots(dir, con.Getenv)
	if err != nil {
		return err
	}
	for _, s := range slots {
		age := time.Since(s.Made).Round(time.Second)
		if wait := auth.KeysCached - age; !s.Primary && !s.Made.IsZero() && wait > 0 {
			return exit.Errorf(exit.Failed, "wait, or if only the gateway verifies tokens: "+con.Program+" keys rotate --now"+dataWords(data),
				"the key in %s is %v old: others who verify tokens may not know it for another %v and would reject its tokens", s.Name, age, wait)
		}
	}
	return nil
}

// dataWords returns the flag that chooses a data directory, for a hint.
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
