package auth

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// A browser that has signed in to an address is known from then on, by a cookie that says only
// that: its requests for links to that address have their own budget (see mayMail). So exhausting
// the budget of an address does not lock out its owner, who can also open the mailed link
// elsewhere.

const (
	knownCookie = "known-browser"
	knownFor    = 365 * 24 * time.Hour
)

// admitBrowser gives a browser that has signed in to an address its cookies.
func (s *Service) admitBrowser(w http.ResponseWriter, refresh, email string) {
	s.setCookie(w, refresh, s.endOf(s.now(), s.now()))
	id := secret.New()
	proof, err := s.proofOfBrowser(id, email)
	if err != nil { // unreadable keys must not prevent the sign-in
		s.log.Error("the cookie of a known browser could not be made", "error", err)
		return
	}
	w.Header().Add("Set-Cookie", fmt.Sprintf("%s=%s.%s; Path=%s; HttpOnly; Secure; SameSite=Strict; Max-Age=%d",
		knownCookie, id, proof, s.path(""), int64(knownFor/time.Second)))
}

// knownBrowser returns the id of the requesting browser, if it has signed in to email before, or
// "".
func (s *Service) knownBrowser(r *request, email string) (string, error) {
	cookie, err := r.Cookie(knownCookie)
	if err != nil {
		return "", nil
	}
	id, given, _ := strings.Cut(cookie.Value, ".")
	proof, err := s.proofOfBrowser(id, email)
	if err != nil || subtle.ConstantTimeCompare([]byte(given), []byte(proof)) == 0 {
		return "", err
	}
	return id, nil
}

func (s *Service) proofOfBrowser(id, email string) (string, error) {
	return s.keys.MAC("known browser", id+"\x00"+email)
}
