// Package auth is lmz's passwordless sign-in service: links by mail, short
// access tokens, refresh tokens that rotate, and a check for them.
//
// A [Service] is an [http.Handler] for everything under its prefix ("/auth"),
// and the verifier of the tokens that it signs:
//
//	box := &auth.Mailbox{}
//	svc, err := auth.Open(auth.Options{
//		Dir:       "data",
//		PublicURL: "http://127.0.0.1:8080",
//		Sender:    box,
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer svc.Close()
//	mux := http.NewServeMux()
//	mux.Handle("/auth/", svc)
//	mux.Handle("/dev/mail", box)
//	mux.Handle("/api/", svc.Middleware(api))
//
// It needs nothing of the mesh and nothing of the mesh needs it: a gateway
// takes any function that turns a token into an identity.
//
// # Signing in
//
// POST /auth/email-magic-link mails a link. Opening the link (GET) shows a page
// that names the account and changes nothing, so that mail scanners and
// previews cannot use it; its button (POST) uses the link up, sets the refresh
// cookie and leads to [Options].Redirect. POST /auth/refresh-token turns the
// cookie, or {"refresh_token": ...} in the body for programs without cookies,
// into an access token.
//
// A terminal signs in with POST /auth/cli/start and POST /auth/cli/token: the
// same link and page, but the button leads to the terminal's own loopback
// address with a code that only the terminal can redeem (RFC 8252, RFC 7636).
//
// # Who gets in
//
// A token passes [Service.Verify] when its subject is an admin, or has a
// verified address and is approved. Verify trusts the token alone, so a change
// to a subject takes effect with its next access token.
//
// # What is kept
//
// The data directory holds auth.db (SQLite), auth.json (issuer, audience and
// public URL) and keys/. Links, codes and refresh tokens are stored as SHA-256
// hashes only.
package auth
