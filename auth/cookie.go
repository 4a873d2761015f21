package auth

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/lumenize/lmz/internal/credential"
)

// Names of the refresh cookie. The second is that of Options.HostCookie.
const (
	cookieName     = credential.Cookie
	hostCookieName = credential.HostCookie
)

func (s *Service) cookieName() string {
	if s.opts.HostCookie {
		return hostCookieName
	}
	return cookieName
}

// refreshCookie returns the refresh token in a request's cookie, or "". The name that other hosts
// cannot set takes precedence.
func refreshCookie(r *http.Request) string {
	for _, name := range []string{hostCookieName, cookieName} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" {
			return c.Value
		}
	}
	return ""
}

// setCookie writes the attributes in the order of the original; [http.Cookie] would not.
func (s *Service) setCookie(w http.ResponseWriter, token string, ends time.Time) {
	w.Header().Add("Set-Cookie", fmt.Sprintf("%s=%s; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=%d",
		s.cookieName(), token, int64(math.Ceil(ends.Sub(s.now()).Seconds()))))
}

func (s *Service) clearCookie(w http.ResponseWriter) {
	w.Header().Add("Set-Cookie", s.cookieName()+"=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0")
}

// clearCache makes the browser drop its cached pages, which the Back button would show to the
// next user. Data stored by pages stays: it may be unsent text.
func clearCache(w http.ResponseWriter) { w.Header().Set("Clear-Site-Data", `"cache"`) }
