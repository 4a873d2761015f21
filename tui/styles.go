package tui

import (
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// styles are the looks of the screen. They use the sixteen colours of the terminal,
// which its owner has chosen to be readable on a light or dark background, and say
// nothing by colour alone.
type styles struct {
	title, strong, bar, alarm, faint, good, bad, selected lipgloss.Style

	// Lipgloss underlines code point by code point, which takes accents off their letters.
	wrong, found, chosen ansi.Style

	peers []peerStyles // of others, by turns
}

// peerStyles are the looks of somebody else.
type peerStyles struct{ name, caret, selected ansi.Style }

// peerColours are those of the sixteen that mean nothing else here. The last cannot be
// read on a light background.
var peerColours = []ansi.BasicColor{ansi.Magenta, ansi.Cyan, ansi.Blue, ansi.Green, ansi.Yellow}

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

// adapt fits the colours of others to the background.
func (s *styles) adapt(dark bool) {
	if !dark && len(s.peers) == len(peerColours) {
		s.peers = s.peers[:len(peerColours)-1]
	}
}

// peer returns the looks of one of the others, who are numbered from 1.
func (s *styles) peer(n int) peerStyles { return s.peers[max(n-1, 0)%len(s.peers)] }
