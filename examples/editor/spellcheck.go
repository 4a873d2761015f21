//go:build !js

package editor

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// SpellCheck is a worker that looks for misspelled English words and knows what was
// probably meant.
type SpellCheck struct {
	lmz.Caller
	lmz.Mux
}

// NewSpellCheck makes the handler of the worker, for Gateway.Worker.
func NewSpellCheck(self lmz.Caller) lmz.Handler {
	s := &SpellCheck{Caller: self}
	CheckParts.Expose(&s.Mux, lmz.Anyone, s.checkParts)
	return s
}

// checkParts sends what is wrong in parts of a document straight to their author, past the
// document that asked.
func (s *SpellCheck) checkParts(ctx context.Context, p Parts) (struct{}, error) {
	to := lmz.At(lmz.DefaultGateway, p.Author)
	return struct{}{}, s.Send(ctx, to, HandleSpelling.Ctn(p.Document, spellingOf(p)))
}

// spellingOf looks for what is wrong in parts of a document.
func spellingOf(p Parts) Spelling {
	found := Spelling{Version: p.Version, Checked: []Range{}, Found: []Misspelling{}}
	for _, part := range p.Parts {
		if len(found.Found) == maxFindings {
			break // what is not checked stays as it was
		}
		found.Checked = append(found.Checked, Range{part.From, part.From + text.Units(part.Text)})
		for _, w := range words(part.Text) {
			if english().knows(w.text) {
				continue
			}
			found.Found = append(found.Found, Misspelling{
				From: part.From + w.from, To: part.From + w.from + text.Units(w.text),
				Word: w.text, Suggestions: english().suggest(w.text),
			})
			if len(found.Found) == maxFindings {
				break
			}
		}
	}
	return found
}

// maxFindings is how many words one check complains about: more than that is no English.
const maxFindings = 200
