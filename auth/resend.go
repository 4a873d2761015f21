package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/lumenize/lmz/internal/printable"
)

const resendURL = "https://api.resend.com/emails"

// ResendOptions configure [NewResend].
type ResendOptions struct {
	// Key is the API key. Required.
	Key string
	// From is the sender, such as "Lumenize <login@example.com>" or an address
	// alone. Required. ReplyTo is where answers go; default no-reply@ the domain
	// of From.
	From, ReplyTo string
}

// Resend is a [Sender] that hands mails to the service of that name.
type Resend struct {
	key, url string
	from     envelope
}

// NewResend checks its options. It does not connect.
func NewResend(o ResendOptions) (*Resend, error) {
	from, err := newEnvelope(o.From, o.ReplyTo)
	if err == nil && o.Key == "" {
		err = errors.New("Key is required: the API key")
	}
	if err != nil {
		return nil, fmt.Errorf("auth: Resend: %w", err)
	}
	return &Resend{key: o.Key, url: resendURL, from: from}, nil
}

// Send implements [Sender]. A mail that is tried again is not sent twice: its id
// goes along as the idempotency key.
func (s *Resend) Send(ctx context.Context, m Mail) error {
	body, err := json.Marshal(map[string]any{"from": s.from.from.String(), "to": []string{m.To}, "reply_to": s.from.replyTo,
		"subject": m.Subject, "text": m.Text, "html": m.HTML})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUndeliverable, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("Resend cannot be reached: %w", innermost(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return nil
	}
	var said struct {
		Message string `json:"message"`
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // for people: what arrived will do
	json.Unmarshal(text, &said)
	err = fmt.Errorf("Resend answered %s: %s", resp.Status, printable.StripCut(said.Message, 200))
	// What is wrong with the mail stays wrong, and so does a wrong key or sender until
	// somebody changes it; too many mails and its own troubles pass.
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", ErrUndeliverable, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
