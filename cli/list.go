package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// jsonFlag adds --json to a command that prints a list.
func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print one JSON object a line")
}

// printList prints a list: one JSON object a line, or a table whose first row is head.
func printList[T any](a *app, asJSON bool, list []T, head string, row func(T) []string) error {
	if asJSON {
		for _, item := range list {
			if err := a.encodeJSON(item); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		return nil
	}
	rows := [][]string{strings.Fields(head)}
	for _, item := range list {
		rows = append(rows, row(item))
	}
	return a.printTable(rows)
}

// printTable prints rows whose columns are below each other.
func (a *app) printTable(rows [][]string) error {
	table := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = oneLine(cell)
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// encodeJSON prints v as JSON on one line, without anything that a terminal may obey.
func (a *app) encodeJSON(v any) error {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := a.Out.Write(escapeControls(line.Bytes()))
	return err
}
