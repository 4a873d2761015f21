package tui

import "github.com/charmbracelet/x/ansi"

// peerStyles are the looks of somebody else.
type peerStyles struct{ name, caret, selected ansi.Style }

// peerColours are those of the sixteen that mean nothing else here. The last cannot be
// read on a light background.
var peerColours = []ansi.BasicColor{ansi.Magenta, ansi.Cyan, ansi.Blue, ansi.Green, ansi.Yellow}

// adapt fits the colours of others to the background.
func (s *styles) adapt(dark bool) {
	if !dark && len(s.peers) == len(peerColours) {
		s.peers = s.peers[:len(peerColours)-1]
	}
}

// peer returns the looks of one of the others, who are numbered from 1.
func (s *styles) peer(n int) peerStyles { return s.peers[max(n-1, 0)%len(s.peers)] }
