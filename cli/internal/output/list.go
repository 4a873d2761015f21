package output

import (
	"io"
	"strings"
)

// List prints a list that comes in pages, each as it comes.
type List[T any] struct {
	Out  io.Writer
	JSON bool   // one JSON object a line, in place of a table
	Head string // the first row of the table
	Row  func(T) []string

	table   Table
	printed int
}

// Printed is how many entries were printed.
func (l *List[T]) Printed() int { return l.printed }

// Print prints a page.
func (l *List[T]) Print(page []T) error {
	var rows [][]string
	for _, item := range page {
		if l.JSON {
			if err := JSON(l.Out, item); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, l.Row(item))
	}
	if len(rows) > 0 && l.printed == 0 {
		rows = append([][]string{strings.Fields(l.Head)}, rows...)
	}
	l.printed += len(page)
	return l.table.Print(l.Out, rows)
}

// Pages asks for page after page and prints each, until there are no more or limit entries
// have been printed; 0 means all. ask gets how many are wanted at most, 0 for any number,
// and reports whether that page was the last.
func (l *List[T]) Pages(limit int, ask func(want int) (page []T, last bool, err error)) error {
	for {
		page, last, err := ask(max(limit-l.printed, 0))
		if err != nil {
			return err
		}
		if limit > 0 {
			page = page[:min(len(page), limit-l.printed)]
		}
		if err := l.Print(page); err != nil {
			return err
		}
		if last || limit > 0 && l.printed >= limit {
			return nil
		}
	}
}

// Print prints a list that is there as a whole: one JSON object a line, or a table whose
// first row is head.
func Print[T any](w io.Writer, asJSON bool, list []T, head string, row func(T) []string) error {
	return (&List[T]{Out: w, JSON: asJSON, Head: head, Row: row}).Print(list)
}
