// Package debug shows what a mesh does, in lines of JSON, selected by a single variable:
// DEBUG=lmz.gateway.*:info,-lmz.gateway.call. [NewHandler] is a slog.Handler for Go programs;
// [Func] works without package log/slog, for browsers. Both write entries such as this one, on
// one line:
//
//	{"timestamp":"2026-11-21T11:37:39.602Z","level":"warn","message":"client refused",
//	"type":"debug","namespace":"lmz.gateway.connect","data":{"instance":"ann.t1"}}
//
// They replace secrets by [redacted]: values with the key of a secret, bearer tokens, JWTs,
// tokens in links. That is a second line of defence: lmz does not log secrets.
//
// Characters that could control a terminal are written as JSON escapes, and values are cut
// after 16 KiB.
//
// The namespaces of lmz are lmz.gateway.connect, lmz.gateway.session, lmz.gateway.call,
// lmz.gateway.request, lmz.object, lmz.auth and lmz.client. Give your own logger a namespace
// with With(debug.Namespace, "my.name").
package debug
