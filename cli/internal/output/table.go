package output

import (
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Table prints rows in aligned columns. Columns only grow, because later rows may need wider
// ones. The zero value is ready to use.
type Table struct{ widths []int }

// Print writes rows.
func (t *Table) Print(to io.Writer, rows [][]string) error {
	for _, row := range rows {
		for i := range row {
			row[i] = Line(row[i])
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
