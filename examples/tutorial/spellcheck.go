package main

import (
	"context"
	"strings"
	"unicode/utf16"

	"github.com/lumenize/lmz"
)

// SpellcheckBinding is the binding of the spell checker, a worker: it has no instances.
const SpellcheckBinding = "SPELLCHECK_WORKER"

// Check is the method of the spell checker: it checks a content and reports misspellings to a
// client. The last argument is the id of the document.
const Check lmz.Method3[string, string, string, struct{}] = "check"

// HandleSpellFindings is the method that the spell checker calls on a client, with the id of the
// document.
const HandleSpellFindings lmz.Method2[string, []Finding, struct{}] = "handleSpellFindings"

// Finding is a misspelled word.
type Finding struct {
	Word        string
	Position    int // of its first UTF-16 code unit in the content
	Suggestions []string
}

// NewSpellcheck returns the spell checker, for Gateway.HandleWorker.
func NewSpellcheck(self lmz.Caller) lmz.Handler {
	methods := new(lmz.Mux)
	Check.Expose(methods, lmz.Anyone, func(ctx context.Context, content, client, document string) (none struct{}, err error) {
		if findings := misspelled(content); len(findings) > 0 {
			err = self.Send(ctx, lmz.At(lmz.DefaultGateway, client), HandleSpellFindings.Ctn(document, findings))
		}
		return none, err
	}, lmz.Params("content", "clientId", "documentId"), lmz.Doc("Tells a client which words of a content are misspelled."), lmz.ReadOnly)
	return methods
}

// misspelled finds the one misspelling that it knows.
func misspelled(content string) (findings []Finding) {
	position := 0
	for word := range strings.SplitSeq(content, " ") {
		if strings.EqualFold(word, "teh") {
			findings = append(findings, Finding{word, position, []string{"the"}})
		}
		position += len(utf16.Encode([]rune(word))) + 1
	}
	return findings
}
