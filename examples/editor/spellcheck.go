//go:build !js

package editor

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// SpellCheck is a worker that finds misspelled English words and suggests corrections.
type SpellCheck struct {
	lmz.Caller
	lmz.Mux
}

// NewSpellCheck returns the handler of the worker, for Gateway.HandleWorker.
func NewSpellCheck(self lmz.Caller) lmz.Handler {
	s := &SpellCheck{Caller: self}
	CheckParts.Expose(&s.Mux, onlyDocuments, s.checkParts,
		lmz.Params("parts"), lmz.Doc("Finds misspelled words and tells their author."), lmz.ReadOnly)
	return s
}

// checkParts sends the findings in parts of a document straight to their author, not to the
// calling document.
func (s *SpellCheck) checkParts(ctx context.Context, p Parts) (struct{}, error) {
	size := 0
	for _, part := range p.Parts {
		size += len(part.Text)
	}
	if size > MaxChecked {
		return struct{}{}, lmz.Errorf("one call checks at most %d bytes, not %d", MaxChecked, size)
	}
	found, err := spellingOf(ctx, p)
	if err != nil {
		return struct{}{}, err
	}
	c, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, s.Send(ctx, c.Origin().Address, HandleSpelling.Ctn(c.Caller().Instance, found))
}

// maxFindings limits the findings of one check: a text with more is not English.
const maxFindings = 200

// spellingOf finds misspelled words in parts of a document. The only error is that of ctx.
func spellingOf(ctx context.Context, p Parts) (Spelling, error) {
	found := Spelling{Version: p.Version, Checked: []Range{}, Found: []Misspelling{}}
	for _, part := range p.Parts {
		if len(found.Found) == maxFindings {
			break // unchecked parts keep their findings
		}
		found.Checked = append(found.Checked, Range{part.From, part.From + text.Units(part.Text)})
		for _, w := range words(part.Text) {
			if english().knows(w.text) {
				continue
			}
			if ctx.Err() != nil {
				return found, context.Cause(ctx)
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
	return found, nil
}
