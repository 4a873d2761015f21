package tui

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// styles are the looks of the screen. They use the sixteen colours of the terminal,
// which its owner has chosen to be readable on a light or dark background, and say
// nothing by colour alone.
type styles struct {
	title, strong, bar, alarm, faint, good, bad lipgloss.Style
	selected, found                             lipgloss.Style

	peers []peerStyles // of others, by turns

	// Lipgloss underlines code point by code point, which takes accents off their letters.
	wrong ansi.Style
}

// peerStyles are the looks of somebody else in the text.
type peerStyles struct{ name, caret, selected lipgloss.Style }

// peer returns the looks of one of the others, who are numbered from 1.
func (s *styles) peer(n int) peerStyles { return s.peers[(n-1)%len(s.peers)] }

// peerColours are those of the sixteen that are readable on light and on dark, and mean
// nothing else here.
var peerColours = []color.Color{lipgloss.Magenta, lipgloss.Cyan, lipgloss.Blue, lipgloss.Green, lipgloss.Yellow}

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

		selected: lipgloss.NewStyle().Reverse(true),
		found:    lipgloss.NewStyle().Underline(true).Bold(true),
		peers: []peerStyles{{
			name:     lipgloss.NewStyle().Bold(true),
			caret:    lipgloss.NewStyle().Reverse(true).Bold(true),
			selected: lipgloss.NewStyle().Faint(true).Underline(true),
		}},
	}
	if colour {
		s.bar = lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.Yellow)
		s.alarm = lipgloss.NewStyle().Foreground(lipgloss.BrightWhite).Background(lipgloss.Red).Bold(true)
		s.wrong = s.wrong.ForegroundColor(ansi.Red)
		s.found = lipgloss.NewStyle().Foreground(lipgloss.Black).Background(lipgloss.Yellow)
		s.peers = nil
		for _, c := range peerColours {
			s.peers = append(s.peers, peerStyles{
				name:     lipgloss.NewStyle().Foreground(c).Bold(true),
				caret:    lipgloss.NewStyle().Foreground(lipgloss.Black).Background(c),
				selected: lipgloss.NewStyle().Foreground(c).Underline(true),
			})
		}
		s.good = s.good.Foreground(lipgloss.Green)
		s.bad = s.bad.Foreground(lipgloss.Red)
	}
	return s
}
