package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/internal/printable"
)

// jsonFlag adds --json to a command that prints a list.
func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print one JSON object a line")
}

// printList prints a list: one JSON object a line, or a table whose first row is head.
func printList[T any](a *app, asJSON bool, list []T, head string, row func(T) []string) error {
	return (&listing[T]{a: a, json: asJSON, head: head, row: row}).print(list)
}

// listing prints a list that comes in pages, each as it comes.
type listing[T any] struct {
	a    *app
	json bool   // one JSON object a line, in place of a table
	head string // the first row of the table
	row  func(T) []string

	table   table
	printed int // how many entries
}

func (l *listing[T]) print(page []T) error {
	var rows [][]string
	for _, item := range page {
		if l.json {
			if err := l.a.encodeJSON(item); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, l.row(item))
	}
	if len(rows) > 0 && l.printed == 0 {
		rows = append([][]string{strings.Fields(l.head)}, rows...)
	}
	l.printed += len(page)
	return l.table.print(l.a.Out, rows)
}

// pages asks for page after page and prints each, until there are no more or a number of
// entries is printed; 0 means all. ask gets how many are wanted at most, 0 for any number,
// and reports whether that page was the last.
func (l *listing[T]) pages(limit int, ask func(want int) (page []T, last bool, err error)) error {
	for {
		page, last, err := ask(max(limit-l.printed, 0))
		if err != nil {
			return err
		}
		if limit > 0 {
			page = page[:min(len(page), limit-l.printed)]
		}
		if err := l.print(page); err != nil {
			return err
		}
		if last || limit > 0 && l.printed >= limit {
			return nil
		}
	}
}

// limitFlag adds --limit to a command that prints a list which may be long.
func limitFlag(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", 0, "list at most this many (default all)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *limit < 0 {
			return usagef("--limit 1000", "--limit %d: it must not be negative", *limit)
		}
		return nil
	}
}

// table prints rows whose columns are below each other. Columns only grow: rows that are
// printed later may need wider ones.
type table struct{ widths []int }

func (t *table) print(to io.Writer, rows [][]string) error {
	for _, row := range rows {
		for i := range row {
			row[i] = oneLine(row[i])
			if i == len(t.widths) {
				t.widths = append(t.widths, 0)
			}
			t.widths[i] = max(t.widths[i], ansi.StringWidth(row[i]))
		}
	}
	var lines strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			lines.WriteString(cell)
			if i < len(row)-1 {
				lines.WriteString(strings.Repeat(" ", t.widths[i]+2-ansi.StringWidth(cell)))
			}
		}
		lines.WriteByte('\n')
	}
	_, err := io.WriteString(to, lines.String())
	return err
}

// encodeJSON prints v as JSON on one line, without anything that a terminal may obey.
func (a *app) encodeJSON(v any) error {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := a.Out.Write(printable.JSON(line.Bytes()))
	return err
}
