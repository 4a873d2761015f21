package tui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// styles are the styles of the screen. They use the terminal's sixteen colors, which its
// owner chose to be readable, and never convey anything by color alone.
type styles struct {
	title, strong, bar, alarm, faint, good, bad, selected lipgloss.Style

	// Lipgloss underlines code point by code point, which takes accents off their letters.
	wrong, found, chosen ansi.Style

	peers []peerStyles // of other people, in rotation
}

func newStyles(colour bool) styles {
	plain := func() ansi.Style { return new(ansi.Style).Bold() }
	s := styles{
		title:    lipgloss.NewStyle().Reverse(true),
		strong:   lipgloss.NewStyle().Bold(true),
		bar:      lipgloss.NewStyle().Reverse(true).Bold(true),
		alarm:    lipgloss.NewStyle().Reverse(true).Bold(true),
		faint:    lipgloss.NewStyle().Faint(true),
		good:     lipgloss.NewStyle(),
		bad:      lipgloss.NewStyle().Bold(true),
		selected: lipgloss.NewStyle().Reverse(true),
		wrong:    new(ansi.Style).Underline(true),
		found:    plain().Underline(true),
		chosen:   plain().Reverse(true).Underline(true),
		peers: []peerStyles{{
			name: plain(), caret: plain().Reverse(true), selected: new(ansi.Style).Faint().Underline(true),
		}},
	}
	if colour {
		s.bar = lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.Yellow)
		s.alarm = lipgloss.NewStyle().Foreground(lipgloss.BrightWhite).Background(lipgloss.Red).Bold(true)
		s.wrong = s.wrong.ForegroundColor(ansi.Red)
		s.good = s.good.Foreground(lipgloss.Green)
		s.bad = s.bad.Foreground(lipgloss.Red)
		s.found = new(ansi.Style).ForegroundColor(ansi.Black).BackgroundColor(ansi.Yellow)
		s.chosen = plain().ForegroundColor(ansi.BrightWhite).BackgroundColor(ansi.Blue)
		s.peers = nil
		for _, c := range peerColours {
			s.peers = append(s.peers, peerStyles{
				name:     plain().ForegroundColor(c),
				caret:    new(ansi.Style).ForegroundColor(ansi.Black).BackgroundColor(c),
				selected: new(ansi.Style).ForegroundColor(c).Underline(true),
			})
		}
	}
	return s
}
