package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/logs"
	"github.com/lumenize/lmz/internal/httphead"
	"github.com/lumenize/lmz/internal/origin"
)

// ServeHTTP connects clients at {prefix}/{binding}/{instance}, carries requests for
// {prefix}/{binding}/{instance}/... to objects, and answers 404 to everything else.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.Start()
	to, rest, refused := g.route(r.URL)
	switch {
	case refused != nil:
		refuseFor(w, refused)
		return
	case to.Binding == "":
		http.NotFound(w, r)
		return
	}
	if !g.crossOrigin(w, r) {
		return
	}
	if f := g.fronts[to.Binding]; f != nil {
		f.connect(w, r, to.Instance+rest)
		return
	}
	g.serveObject(w, r, to)
}

// route parses a path into the address it names, with an empty binding if none. The binding
// may have one of several spellings, and the instance may contain any characters if they are
// escaped. rest begins with a slash. route finds only objects that the clients of
// Options.Binding may call: requests are subject to no other binding's rules.
func (g *Gateway) route(u *url.URL) (to lmz.Address, rest string, refused *Refusal) {
	below, ok := strings.CutPrefix(u.EscapedPath(), g.options.Prefix)
	if !ok {
		return to, "", nil
	}
	segment, below, _ := strings.Cut(below, "/")
	instance, rest, more := strings.Cut(below, "/")
	segment, errBinding := url.PathUnescape(segment)
	instance, errInstance := url.PathUnescape(instance)
	var found []string
	for _, spelling := range spellings(segment) {
		if g.fronts[spelling] != nil || g.kinds[spelling] && g.fronts[g.options.Binding].shows(spelling) {
			found = append(found, spelling)
		}
	}
	switch {
	case len(found) == 0 || errBinding != nil || errInstance != nil:
		return to, "", nil
	case len(found) > 1:
		return to, "", &Refusal{Status: http.StatusBadRequest, Message: "several bindings match " + segment}
	case instance == "":
		return to, "", &Refusal{
			Status:  http.StatusBadRequest,
			Message: "the path names no instance (expected " + g.options.Prefix + "{binding}/{instance})",
		}
	}
	if more {
		rest = "/" + rest
	}
	// Clone, because a remembered name must not keep the whole request header alive.
	return lmz.At(found[0], strings.Clone(instance)), rest, nil
}

// withSlashes normalizes a prefix so that it ends at a segment boundary.
func withSlashes(prefix string) string {
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return "/"
	}
	return "/" + prefix + "/"
}

var kebab = regexp.MustCompile(`^[a-z0-9-]+$`)

// spellings returns the bindings that a path segment may name, without duplicates. Only kebab
// case has other spellings: my-do also matches MY_DO, my_do, MyDo, myDo and MyDO.
func spellings(segment string) []string {
	if !kebab.MatchString(segment) {
		return []string{segment}
	}
	parts := strings.Split(segment, "-")
	last := len(parts) - 1
	pascal, letter := "", false
	for _, part := range parts {
		pascal += title(part)
		letter = letter || len(part) == 1
	}
	all := []string{
		segment,
		strings.ToUpper(strings.Join(parts, "_")),
		strings.Join(parts, "_"),
		pascal,
		parts[0] + strings.TrimPrefix(pascal, title(parts[0])),
	}
	if letter {
		all = append(all, strings.ToUpper(strings.Join(parts, "")))
	}
	if last > 0 && len(parts[last]) <= 2 {
		all = append(all, strings.TrimSuffix(pascal, title(parts[last]))+strings.ToUpper(parts[last]))
	}
	once := all[:0]
	seen := make(map[string]bool)
	for _, name := range all {
		if !seen[name] {
			seen[name] = true
			once = append(once, name)
		}
	}
	return once
}

func title(part string) string {
	if part == "" {
		return ""
	}
	return strings.ToUpper(part[:1]) + part[1:]
}

// crossOrigin applies the policy for pages of other origins, and reports whether the request
// may continue. If not, crossOrigin has answered it.
func (g *Gateway) crossOrigin(w http.ResponseWriter, r *http.Request) bool {
	from, ok := httphead.Origin(r.Header)
	if ok && from == "" { // not from a browser, or from a page of the same origin
		return true
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	allowed := ok && g.allows(from, r)
	if allowed {
		h.Set("Access-Control-Allow-Origin", from)
	}
	if method := r.Header.Get("Access-Control-Request-Method"); r.Method == http.MethodOptions && method != "" {
		if allowed {
			h.Set("Access-Control-Allow-Methods", method)
			if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
				h.Set("Access-Control-Allow-Headers", wanted)
			}
			h.Set("Access-Control-Max-Age", "600")
		}
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	if !allowed {
		g.log.Request.Warn("request refused", "path", logs.Shown(r.URL.Path), "origin", logs.Shown(from), "error", "a foreign origin")
		refuse(w, http.StatusForbidden, "Forbidden: Origin not allowed")
	}
	return allowed
}

// allows reports whether pages of an origin may connect and make requests.
func (g *Gateway) allows(from string, r *http.Request) bool {
	if who, err := origin.Parse(from); err == nil {
		if who.Has(r.Host) || slices.ContainsFunc(g.options.Origins, who.Matches) {
			return true
		}
	}
	return g.options.AllowOrigin != nil && g.options.AllowOrigin(from, r)
}
