package client

import (
	"context"
	"errors"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// getToken asks the user for a token for dial number. p.mu is held.
func (p *Peer) getToken(number uint64, refuse bool) {
	refused := ""
	if refuse {
		refused = p.token
	}
	p.askToken(refused, func(c claims, err error) {
		var unusable *unusableTokenError
		switch {
		case errors.As(err, &unusable):
			p.attemptFailed(number, err)
			p.doLife(p.life.TokenUnusable(number, err.Error()))
			return
		case err != nil:
			p.attemptFailed(number, err)
			code, reason := refusalOf(err)
			p.doLife(p.life.TokenFailed(time.Now(), number, code, reason))
			return
		}
		if p.instance == "" {
			p.subject, p.instance = c.subject, p.nameFor(c.subject)
		}
		p.doLife(p.life.Token(number, c.expires))
	})
}

// nameFor returns the instance name of a client whose token has a subject, or "" if only the
// gateway knows it.
func (p *Peer) nameFor(subject string) string {
	if subject != "" {
		return subject + "." + p.options.Tab
	}
	return p.options.Instance
}

// renewToken replaces the token on link number. p.mu is held.
func (p *Peer) renewToken(number uint64) {
	if !p.wire.Dialect().Traits().Renewal {
		return // the server closes the link with 4401 when the token expires
	}
	p.askToken("", func(c claims, err error) {
		switch {
		case err == nil && c.subject != p.subject && c.subject != "" && p.subject != "":
			p.doLife(p.life.RenewFailed(number, statusUnauthorized, "the next token is of another user"))
		case err != nil:
			p.options.Log("token not renewed", "error", err.Error())
			p.failed = err
			code, reason := refusalOf(err)
			p.doLife(p.life.RenewFailed(number, code, reason))
		case p.link != nil && p.link.Number == number:
			p.write((&proto.Frame{Kind: proto.KindToken, Token: p.token}).Append(nil))
			p.doLife(p.life.Renewed(time.Now(), number, c.expires))
		}
	})
}

// askToken calls Options.Token in the background, stores the token, and calls then with p.mu
// held. p.mu is held. It is not inlined: a browser would load its code twice.
//
//go:noinline
func (p *Peer) askToken(refused string, then func(claims, error)) {
	p.work.Go(func() {
		p.asking <- struct{}{} // one request at a time
		defer func() { <-p.asking }()
		ctx, cancel := context.WithTimeout(p.ctx, tokenTimeout)
		defer cancel()
		token, err := p.options.Token(ctx, refused)
		var c claims
		if err == nil {
			if err = proto.CheckToken(token); err != nil {
				err = &unusableTokenError{err}
			} else {
				c = p.claims(token)
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if err == nil {
			p.token = token
		}
		then(c, err)
	})
}
