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

// NewSpellCheck makes the handler of the worker, for Gateway.HandleWorker.
func NewSpellCheck(self lmz.Caller) lmz.Handler {
	s := &SpellCheck{Caller: self}
	CheckParts.Expose(&s.Mux, onlyDocuments, s.checkParts,
		lmz.Params("parts"), lmz.Doc("Looks for misspelled words and tells their author."), lmz.ReadOnly)
	return s
}

// checkParts sends what is wrong in parts of a document straight to their author, past the
// document that asked.
func (s *SpellCheck) checkParts(ctx context.Context, p Parts) (struct{}, error) {
	size := 0
	for _, part := range p.Parts {
		size += len(part.Text)
	}
	if size > MaxChecked {
		return struct{}{}, lmz.Errorf("at most %d bytes are checked at once, not %d", MaxChecked, size)
	}
	found, err := spellingOf(ctx, p)
	if err != nil {
		return struct{}{}, err
	}
	c, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, s.Send(ctx, c.Origin().Address, HandleSpelling.Ctn(c.Caller().Instance, found))
}

// maxFindings is how many words one check complains about: more than that is no English.
const maxFindings = 200

// spellingOf looks for what is wrong in parts of a document. The error is that of ctx:
// nobody waits for the findings any more.
func spellingOf(ctx context.Context, p Parts) (Spelling, error) {
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
