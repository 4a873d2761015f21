package auth

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
)

// Service signs people in. Make one with [Open]. Its methods may be called from any goroutine.
type Service struct {
	changeable atomic.Pointer[Changeable] // takes precedence over these options

	opts     Options // with defaults filled in
	kept     settings
	keys     *keys.Dir
	store    *store.Store
	tokens   *token.Verifier
	csrf     *http.CrossOriginProtection
	limits   *limit.Limiter
	outbox   *outbox.Outbox
	refusals *outbox.Refusals
	mails    mail.Templates
	log      *slog.Logger

	now       func() time.Time
	turnstile string // replaced by tests

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// path returns the path of an endpoint.
func (s *Service) path(endpoint string) string {
	return strings.TrimSuffix(s.opts.Prefix, "/") + "/" + endpoint
}
