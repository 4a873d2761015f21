package tui

import "strings"

// helpKeys are the keys of the editor, for the help screen.
var helpKeys = [][2]string{
	{"arrows, Home, End", "move, with Ctrl by word or to the ends"},
	{"PgUp, PgDn", "move by a page"},
	{"Ctrl-W, Alt-D", "delete the word before, after"},
	{"Ctrl-S", "save now; it also happens by itself"},
	{"R, Esc", "while a bar says that the text was changed:"},
	{"", "capital R takes it, Esc keeps yours,"},
	{"", "anything else goes on typing"},
	{"Ctrl-Z", "after R: your text back"},
	{"Ctrl-Q, Ctrl-C", "quit"},
}

// helpLines returns the help screen for a width: two columns, or a short one.
func helpLines(width int) []string {
	const left = 20
	var lines []string
	if width < 64 {
		return []string{
			"R    take the changed text (in its bar)",
			"Esc  keep yours",
			"^Z   after R: your text back",
			"^W   delete a word    ^S  save now",
			"^←→  move by words    ^Q  quit",
			"", "any key closes this",
		}
	}
	for _, k := range helpKeys {
		lines = append(lines, k[0]+strings.Repeat(" ", left-len(k[0]))+k[1])
	}
	return append(lines, "", "Underlined words may be misspelled; the last line says how to spell", "the one at the cursor. Any key closes this help.")
}
