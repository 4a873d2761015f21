package output

import (
	"io"
	"strings"
)

// List prints a list page by page.
type List[T any] struct {
	Out  io.Writer
	JSON bool   // one JSON object per line, instead of a table
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

// Pages gets and prints page after page, until the last one or until limit entries have been
// printed; 0 means all. ask gets the maximum size of the page, 0 for any size, and reports
// whether the page was the last.
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

// Print prints a complete list: one JSON object per line, or a table whose first row is head.
func Print[T any](w io.Writer, asJSON bool, list []T, head string, row func(T) []string) error {
	return (&List[T]{Out: w, JSON: asJSON, Head: head, Row: row}).Print(list)
}
