package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// linkURL never depends on the request, whose Host header anyone can forge.
func (s *Service) linkURL(token string) string { return s.kept.PublicURL + s.linkPath(token) }

func (s *Service) linkPath(token string) string {
	return s.path("magic-link") + "?one_time_token=" + url.QueryEscape(token)
}

// appURL returns the URL of the application for mails, where a path alone leads nowhere.
func (s *Service) appURL() string {
	base, err := url.Parse(s.kept.PublicURL + "/")
	if err != nil {
		return s.kept.PublicURL
	}
	to, err := base.Parse(s.opts.Redirect)
	if err != nil {
		return s.kept.PublicURL
	}
	return to.String()
}

func (s *Service) invitePath(token string) string {
	return s.path("accept-invite") + "?invite_token=" + url.QueryEscape(token)
}

// redirect sends the Location unchanged and no body. [http.Redirect] would add a body and a base
// path.
func redirect(w http.ResponseWriter, status int, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

// withQuery adds parameters to a URL, before its fragment.
func withQuery(raw string, pairs ...string) string {
	base, fragment, hasFragment := strings.Cut(raw, "#")
	sep := "?"
	if strings.Contains(base, "?") {
		sep = "&"
	}
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	out := base + sep + values.Encode()
	if hasFragment {
		out += "#" + fragment
	}
	return out
}
