package auth

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// A browser in which somebody has signed in to an address is known from then on, by a cookie that
// says only that: the links that it asks for to that address have a budget of their own (see
// mayMail). So nobody who uses up the budget of an address locks out its owner, who can also open
// the mailed link elsewhere.

const (
	knownCookie = "known-browser"
	knownFor    = 365 * 24 * time.Hour
)

// admitBrowser gives a browser that has signed in to an address its cookies.
func (s *Service) admitBrowser(w http.ResponseWriter, refresh, email string) {
	s.setCookie(w, refresh, s.endOf(s.now(), s.now()))
	id := secret.New()
	proof, err := s.proofOfBrowser(id, email)
	if err != nil { // the keys cannot be read, which must not prevent the sign-in
		s.log.Error("the cookie of a known browser could not be made", "error", err)
		return
	}
	w.Header().Add("Set-Cookie", fmt.Sprintf("%s=%s.%s; Path=%s; HttpOnly; Secure; SameSite=Strict; Max-Age=%d",
		knownCookie, id, proof, s.path(""), int64(knownFor/time.Second)))
}

// knownBrowser returns the id of the browser that sends a request, if somebody has signed in to
// email there, or "".
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
