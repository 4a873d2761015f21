package tui

import "strings"

// helpKeys are the keys of the editor, for the help screen.
var helpKeys = [][2]string{
	{"arrows, Home, End", "move; Ctrl: by word, to the ends; Shift: select"},
	{"Alt-A", "select everything"},
	{"mouse", "click, drag, double click for a word, three for a line"},
	{"Ctrl-C, Ctrl-X, Ctrl-V", "copy, cut, paste through the terminal's clipboard"},
	{"Ctrl-F", "find; Enter for the next match, Up for the last"},
	{"Ctrl-W, Alt-D", "delete the word before, after"},
	{"Ctrl-Z, Ctrl-Y", "undo and redo your own changes"},
	{"Alt-Enter", "suggestions for the underlined word; or right-click"},
	{"Ctrl-O", "open or create another document"},
	{"Ctrl-R", "see and restore earlier versions"},
	{"Ctrl-Q", "quit; also Ctrl-C when nothing is selected"},
}

// helpLines returns the help screen for a width: in two columns, or a short form.
func helpLines(width int) []string {
	const left = 24
	var lines []string
	if width < 80 {
		return []string{
			"^C ^X ^V  copy, cut, paste",
			"^Z ^Y     undo, redo your own",
			"^F find   ^O documents   ^Q quit",
			"^R        earlier versions",
			"⌥↵        spelling of the word",
			"shift     select   ^←→ by words",
			"", "any key closes this",
		}
	}
	for _, k := range helpKeys {
		lines = append(lines, k[0]+strings.Repeat(" ", left-len(k[0]))+k[1])
	}
	return append(lines, "", "Everything is saved automatically. Offline changes are stored on this machine",
		"and sent later, at the latest when you open it again. Any key closes this help.")
}
