package httpserver

import "net/http"

// OneMeaning ends the connection after a request whose end a proxy in front could see
// elsewhere: what comes behind it is never taken for a request. In HTTP/1 a chunked body
// may have had a Content-Length beside it, and net/http has dropped that; to HTTP/1.0 a
// Transfer-Encoding means nothing.
func OneMeaning(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// OnlyHosts answers 421 to every other Host, but for the paths of health. A page elsewhere could
// have its own name lead here (DNS rebinding), and then reads what it likes.
func OnlyHosts(answers func(host string) bool, refusal string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answers(r.Host) {
			http.Error(w, refusal, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
