package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/auth"
)

func (a *app) keysCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "The keys that sign access tokens: list, make, rotate",
		Long: "keys lists the two slots of a data directory, BLUE and GREEN. One signs, both verify. To\n" +
			"replace a key without refusing anyone: 'lmz keys new' puts a key into the idle slot;\n" +
			"after 5 minutes, when everybody who verifies has seen it, 'lmz keys rotate' has it sign.\n" +
			"A gateway that runs notices both by itself.",
		Example: "  lmz keys\n  lmz keys new && sleep 300 && lmz keys rotate",
		Args:    noWords,
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.madeDataDir(data)
			if err != nil {
				return err
			}
			slots, err := auth.KeySlots(dir, a.Getenv)
			if err != nil {
				return err
			}
			return a.printKeys(slots, asJSON)
		},
	}
	a.dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: slot, signs, from, sha256")
	cmd.AddCommand(
		a.keyCommand("new", "Make a key in the idle slot", "has a new key; it verifies from now on", auth.NewKey),
		a.keyCommand("rotate", "Have the idle slot sign from now on", "signs from now on", auth.RotateKeys))
	return cmd
}

// keyCommand is a command that does something to a slot.
func (a *app) keyCommand(name, short, done string, do func(dir string, getenv func(string) string) (string, error)) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: name, Short: short, Args: noWords,
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.madeDataDir(data)
			if err != nil {
				return err
			}
			slot, err := do(dir, a.Getenv)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.Out, "%s %s.\n", slot, done)
			return err
		},
	}
	a.dataFlag(cmd, &data)
	return cmd
}

func (a *app) dataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", "", "data `directory` of the gateway (default that of lmz dev)")
}

// keySlot is a line of lmz keys --json.
type keySlot struct {
	Slot        string `json:"slot"`
	Signs       bool   `json:"signs"`
	From        string `json:"from"`   // file, environment or none
	Fingerprint string `json:"sha256"` // of the public key, base64url
}

func (a *app) printKeys(slots []auth.KeySlot, asJSON bool) error {
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
	return printList(a, asJSON, keys, "SLOT SIGNS FROM SHA256", func(k keySlot) []string {
		return []string{k.Slot, yes(k.Signs), k.From, cmp.Or(k.Fingerprint, "-")}
	})
}
