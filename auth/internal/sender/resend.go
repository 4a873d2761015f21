// Package sender delivers mails over SMTP or through the HTTP service Resend. Its errors say
// whether retrying helps.
package sender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/internal/printable"
)

const resendURL = "https://api.resend.com/emails"

// ResendOptions are documented at auth.ResendOptions.
type ResendOptions struct {
	Key           string
	From, ReplyTo string
}

// Resend hands mails to the service Resend.
type Resend struct {
	key, url string
	from     envelope
}

// NewResend checks its options. It does not connect.
func NewResend(o ResendOptions) (*Resend, error) { return newResend(o, resendURL) }

func newResend(o ResendOptions, url string) (*Resend, error) {
	from, err := newEnvelope(o.From, o.ReplyTo)
	if err == nil && o.Key == "" {
		err = errors.New("Key is required: the API key")
	}
	if err != nil {
		return nil, err
	}
	return &Resend{key: o.Key, url: url, from: from}, nil
}

// Send delivers a mail as [SMTP.Send] does. A retried mail is not sent twice: its id is the
// idempotency key.
func (s *Resend) Send(ctx context.Context, m mail.Message) error {
	body, err := json.Marshal(map[string]any{"from": s.from.from.String(), "to": []string{m.To}, "reply_to": s.from.replyTo,
		"subject": m.Subject, "text": m.Text, "html": m.HTML})
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrUndeliverable, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	resp, err := http.DefaultClient.Do(req)
	if outer, wrapped := errors.AsType[*url.Error](err); wrapped {
		err = outer.Err // without the URL
	}
	if err != nil {
		return fmt.Errorf("Resend cannot be reached: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return nil
	}
	var said struct {
		Message string `json:"message"`
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // for people: a part is enough
	json.Unmarshal(text, &said)
	err = fmt.Errorf("Resend answered %s: %s", resp.Status, printable.StripCut(said.Message, 200))
	// A bad mail stays bad, and so does a wrong key or sender until the operator changes it. Limits
	// and failures of the service are temporary.
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", mail.ErrUndeliverable, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", mail.ErrRefused, err)
	}
	return err
}
