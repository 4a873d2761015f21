package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// writeTable prints a Markdown table: a row for each case, a column for each system.
func writeTable(w io.Writer, figures []*figure) error {
	var rows []string
	for _, c := range cases {
		if slices.ContainsFunc(figures, func(f *figure) bool { return f.Case == c.name }) {
			rows = append(rows, c.name)
		}
	}
	fmt.Fprint(w, "| |")
	for _, s := range systems {
		fmt.Fprintf(w, " %s |", s.name)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("--:|", len(systems)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s, %s |", row, findCase(row).unit)
		for _, s := range systems {
			fmt.Fprintf(w, " %s |", cell(figures, row, s.name))
		}
		fmt.Fprintln(w)
	}
	return nil
}

// cell formats one figure, with its ratio to the first system of the row.
func cell(figures []*figure, row, system string) string {
	var first, own *figure
	for _, f := range figures {
		if f.Case == row && first == nil {
			first = f
		}
		if f.Case == row && f.System == system {
			own = f
		}
	}
	if own == nil {
		return "–"
	}
	text := number(median(own.Rounds))
	if own != first {
		text += fmt.Sprintf(" (%.2f ×)", median(own.Rounds)/median(first.Rounds))
	}
	return text
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// number writes a figure with three digits that count.
func number(v float64) string {
	switch {
	case v >= 1000:
		thousands := fmt.Sprintf("%d", int(v+0.5))
		return thousands[:len(thousands)-3] + "," + thousands[len(thousands)-3:]
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.1f", v)
	}
}
