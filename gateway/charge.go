package gateway

import (
	"io"

	"github.com/lumenize/lmz/gateway/internal/clients"
	"github.com/lumenize/lmz/internal/budget"
)

// chargedBody charges the body of a request as it is read, because it is kept until the
// request has ended.
type chargedBody struct {
	io.ReadCloser
	accounts *budget.Accounts
	payer    string
	charged  int64
}

// Read implements [io.Reader].
func (b *chargedBody) Read(p []byte) (n int, err error) {
	n, err = b.ReadCloser.Read(p)
	if refused := b.accounts.Take(b.payer, budget.Waiting, int64(n)); refused != nil {
		return 0, refused
	}
	before := b.charged / clients.StepBytes
	b.charged += int64(n)
	b.accounts.Add(b.payer, budget.Steps, b.charged/clients.StepBytes-before)
	return n, err
}

func (b *chargedBody) giveBack() { b.accounts.Add(b.payer, budget.Waiting, -b.charged) }
