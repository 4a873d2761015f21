package httpserver

import "net/http"

// OneMeaning closes the connection after a request that a proxy in front may end at another
// byte, so that nothing smuggled behind it is taken for a request. A chunked HTTP/1 body may
// have had a Content-Length as well, which net/http drops, and HTTP/1.0 does not know
// Transfer-Encoding.
func OneMeaning(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// OnlyHosts answers 421 to every other Host. Otherwise a foreign page could point its own name
// here (DNS rebinding) and read everything.
func OnlyHosts(answers func(host string) bool, refusal string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answers(r.Host) {
			http.Error(w, refusal, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
