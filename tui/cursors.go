package tui

import "github.com/charmbracelet/x/ansi"

// peerStyles are the styles of another person.
type peerStyles struct{ name, caret, selected ansi.Style }

// peerColours are the colors of other people's cursors: those of the sixteen that have no
// other meaning here. The last one is unreadable on a light background.
var peerColours = []ansi.BasicColor{ansi.Magenta, ansi.Cyan, ansi.Blue, ansi.Green, ansi.Yellow}

// adapt adjusts the colors of other people to the background.
func (s *styles) adapt(dark bool) {
	if !dark && len(s.peers) == len(peerColours) {
		s.peers = s.peers[:len(peerColours)-1]
	}
}

// peer returns the styles of another person. People are numbered from 1.
func (s *styles) peer(n int) peerStyles { return s.peers[max(n-1, 0)%len(s.peers)] }
