package tui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// styles are the looks of the screen. They use the sixteen colours of the terminal,
// which its owner has chosen to be readable on a light or dark background, and say
// nothing by colour alone.
type styles struct {
	title, strong, bar, alarm, faint, good, bad lipgloss.Style

	// Lipgloss underlines code point by code point, which takes accents off their letters.
	wrong ansi.Style
}

func newStyles(colour bool) styles {
	s := styles{
		title:  lipgloss.NewStyle().Reverse(true),
		strong: lipgloss.NewStyle().Bold(true),
		bar:    lipgloss.NewStyle().Reverse(true).Bold(true),
		alarm:  lipgloss.NewStyle().Reverse(true).Bold(true),
		wrong:  new(ansi.Style).Underline(true),
		faint:  lipgloss.NewStyle().Faint(true),
		good:   lipgloss.NewStyle(),
		bad:    lipgloss.NewStyle().Bold(true),
	}
	if colour {
		s.bar = lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.Yellow)
		s.alarm = lipgloss.NewStyle().Foreground(lipgloss.BrightWhite).Background(lipgloss.Red).Bold(true)
		s.wrong = s.wrong.ForegroundColor(ansi.Red)
		s.good = s.good.Foreground(lipgloss.Green)
		s.bad = s.bad.Foreground(lipgloss.Red)
	}
	return s
}
