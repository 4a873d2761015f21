package tui

import "strings"

// helpKeys are the keys of the editor, for the help screen.
var helpKeys = [][2]string{
	{"arrows, Home, End", "move; Ctrl: by word, to the ends; Shift: select"},
	{"Alt-A", "select everything"},
	{"mouse", "click, drag, double click for a word, three for a line"},
	{"Ctrl-C, Ctrl-X, Ctrl-V", "copy, cut, paste, by the terminal's clipboard"},
	{"Ctrl-F", "find; Enter and Up go on and back"},
	{"Ctrl-W, Alt-D", "delete the word before, after"},
	{"Ctrl-S", "save now; it also happens by itself"},
	{"R, Esc", "while a bar says that the text was changed:"},
	{"", "capital R takes it, Esc keeps yours,"},
	{"", "anything else goes on typing"},
	{"Ctrl-Z", "after R: your text back"},
	{"Ctrl-Q", "quit; Ctrl-C too, when nothing is selected"},
}

// helpLines returns the help screen for a width: two columns, or a short one.
func helpLines(width int) []string {
	const left = 24
	var lines []string
	if width < 80 {
		return []string{
			"R    take the changed text (in its bar)",
			"Esc  keep yours",
			"^Z   after R: your text back",
			"^C ^X ^V  copy, cut, paste",
			"^F   find             ^S  save now",
			"shift  select         ^Q  quit",
			"", "any key closes this",
		}
	}
	for _, k := range helpKeys {
		lines = append(lines, k[0]+strings.Repeat(" ", left-len(k[0]))+k[1])
	}
	return append(lines, "", "Underlined words may be misspelled; the last line says how to spell", "the one at the cursor. Any key closes this help.")
}
