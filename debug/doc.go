// Package debug says what a mesh does, in lines of JSON, to whoever asks by one
// variable: DEBUG=lmz.gateway.*:info,-lmz.gateway.call. [NewHandler] is a slog.Handler
// for Go programs; [Func] does without package log/slog, for browsers. Both write
// entries such as this one, which goes on a line:
//
//	{"timestamp":"2026-11-21T11:37:39.602Z","level":"warn","message":"client refused",
//	"type":"debug","namespace":"lmz.gateway.connect","data":{"instance":"ann.t1"}}
//
// In the place of a secret they put [redacted]: values whose key says so, bearer tokens,
// JWTs, tokens in links. That is a second line of defence: lmz gives its log no secrets.
//
// Characters that could control a terminal are written as JSON escapes, and values are cut
// after 16 KiB.
//
// The namespaces of lmz are lmz.gateway.connect, lmz.gateway.session, lmz.gateway.call,
// lmz.gateway.request, lmz.object, lmz.auth and lmz.client. A logger of your own gets one
// by With(debug.Namespace, "my.name").
package debug
