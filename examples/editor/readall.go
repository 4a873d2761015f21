package editor

import (
	"context"
	"strings"
	"sync"

	"github.com/lumenize/lmz"
)

// readers is how many parts of a text are read at once.
const readers = 8

// ReadAll returns the whole text of a document and its version, for readers that do not edit
// it. It changes nothing, and fails with an error named [NoDocumentName] if there is no such
// document.
func ReadAll(ctx context.Context, via lmz.Caller, document string) (content string, version int, err error) {
	at := lmz.At(DocumentBinding, document)
	o, err := Peek.Call(ctx, via, at)
	if err != nil {
		return "", 0, err
	}
	content, err = readAll(ctx, via, at, o)
	return content, o.Version, err
}

// readAll reads the parts that follow the first, several at once.
func readAll(ctx context.Context, via lmz.Caller, at lmz.Address, o Opening) (string, error) {
	parts := make([]string, max(1, (o.Length+PartLength-1)/PartLength))
	parts[0] = o.Text
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var work sync.WaitGroup
	for range min(readers, len(parts)-1) {
		work.Go(func() {
			for i := range next {
				part, err := Read.Call(ctx, via, at, o.Version, i*PartLength)
				if err != nil {
					cancel(err)
					return
				}
				parts[i] = part
			}
		})
	}
	for i := 1; i < len(parts) && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	work.Wait()
	return strings.Join(parts, ""), context.Cause(ctx)
}
