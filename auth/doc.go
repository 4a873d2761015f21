// Package auth signs users in to a web application without passwords: anyone who can read the
// mail of an address signs in with a link that is sent there. It keeps accounts, approvals and
// sessions, and issues and verifies short-lived access tokens. It works without a mesh: see the
// example of [Service.Middleware].
//
// A [Service] is an [http.Handler] for everything below its prefix ("/auth"), and verifies the
// tokens that it signs. A gateway takes its [Service.Authenticate], or any function with that
// signature.
//
// # Signing in
//
// POST email-magic-link mails a link. Opening the link (GET) shows a page that names the account
// and changes nothing, so that mail scanners and previews cannot use it up; the button on the
// page (POST) uses the link, sets the refresh cookie and redirects to [Options].Redirect. POST
// refresh-token exchanges the cookie, or {"refresh_token": ...} in the body for programs without
// cookies, for an access token.
//
// A terminal on the same machine as the browser signs in with cli/start: link and page are the
// same, but the button redirects to the terminal's own loopback address with a code that only the
// terminal can redeem (RFC 8252, RFC 7636), once: a second attempt ends the session that the code
// began. A terminal without a browser uses cli/device: it shows a code, which the user enters on
// the page behind the mailed link, and polls until then (RFC 8628).
//
// [Limits] bound the links by client and address; a client is an address and the networks around
// it. Clients that ask too often get 429. When others have exhausted a shared limit, the answer
// is the usual one, with a notice, and mail goes only to those with a share of their own:
// approved accounts, for which half of all mails are reserved, and, within the limit of one
// address, clients in a network where its owner has a session. The cookie known-browser records
// for a year that this browser has signed in to an address: requests by strangers do not count
// against it, and a link that it requests can be opened, or pasted into a terminal, anywhere.
//
// Cookies belong to a host, not to a port: browsers send the refresh cookie to every server on
// the service's host. Such a server can act as every signed-in visitor who opens it, so trust
// all servers on the host, or give the service its own host name. [Options].HostCookie keeps
// other hosts of the domain from setting the cookie; no attribute separates ports.
//
// # Who gets in
//
// A token passes [Service.Verify] when its subject is an admin, or has a verified address and is
// approved: by an admin, by an invitation, or by being [Options].BootstrapEmail. A revocation
// takes effect at the next check of a token, and [Service.OnRevoke] tells a gateway to check at
// once; new rights come with the next token.
//
// # Errors
//
// Functions return errors that begin with "auth: ". A caller can rely on these:
//
//	error                  from                   meaning
//	*Error, status 401     Verify, Authenticate   the token is invalid, expired (code token_expired) or revoked
//	*Error, status 403     Verify, Authenticate   the account is not approved (code access_denied)
//	*Error, status 500     Verify, Authenticate   the database failed (code server_error)
//	ErrUndeliverable       Sender.Send            this mail can never be delivered
//	ErrRefused             Sender.Send            the mail server accepts no mail at all from the service
//
// The codes of HTTP answers are listed with the endpoints. Everywhere:
//
//	code                status     meaning
//	invalid_request     400, 413   the body or a parameter is malformed, missing or too large
//	invalid_token       401        no credential, or one that is invalid or revoked
//	token_expired       401        the credential was valid until it expired
//	token_revoked       401        the session of the refresh token has ended
//	forbidden           403        the caller may not do this, or another site sent the request
//	access_denied       403        the account is not approved
//	turnstile_required, turnstile_failed   403   Turnstile was not passed
//	not_found           404        there is no such subject, session or token
//	rate_limited        429        too many requests; Retry-After says for how long
//	server_error        500        a failure that is in the log
//	mail_refused        503        the mail server refuses mails
//
// # Endpoints
//
// Bodies are JSON; errors are {"error": CODE, "error_description": TEXT}. Times are milliseconds
// since 1970, except in tokens. Anything not listed, including other methods, is 404. "self"
// requires a caller who is signed in by Bearer or cookie, neither acting for somebody else nor
// with a named token; "admin" requires an admin who is not acting for somebody else. Without a
// credential they answer 401, without permission 403.
//
//	POST email-magic-link           {"email", "cf-turnstile-response"?}: 200 {"message", "expires_in", "notice"?};
//	                                503 mail_refused, also of cli/start and cli/device: see [ErrRefused] and [ErrUndeliverable]
//	GET  magic-link?one_time_token= the page: 200, or 302 with ?error=invalid_token|token_expired
//	POST magic-link?one_time_token= 303 to Redirect, with the cookie; for a device the page again
//	GET, POST accept-invite?invite_token=  the same for invitations
//	POST refresh-token              cookie, or {"refresh_token"}: 200 {"access_token", "refresh_token"?, "token_type", "expires_in", "sub"}
//	POST logout                     cookie, or {"refresh_token"}: 200 {"message"}, always
//	POST logout/all                 self: 200 {"message", "sessions"}; every session of the caller ends
//
//	POST cli/start   {"email", "code_challenge", "code_challenge_method": "S256", "redirect_uri", "state", "client_name", "hostname"}:
//	                 202 {"request_id", "expires_in", "interval", "notice"?}
//	POST cli/device  {"email", "client_name", "hostname"}: 200 {"device_code", "user_code", "expires_in", "interval", "notice"?};
//	                 404 not_found if the operator turned it off
//	POST cli/token   {"grant_type": "authorization_code", "code", "code_verifier", "redirect_uri"} or
//	                 {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code"}:
//	                 200 {"access_token", "refresh_token", "token_type", "expires_in", "sub"};
//	                 400 authorization_pending|slow_down|access_denied|expired_token|invalid_grant
//
//	GET    sessions?limit=&after=   self: 200 {"sessions": [SESSION], "next"?}, most recently used first
//	DELETE session/ID               self, or any as an admin: 204, 404
//	GET    tokens                   self: 200 {"tokens": [TOKEN]}
//	POST   tokens                   self: {"name", "expiresIn"? (seconds, 90 days), "admin"?}: 201 {"token", ...TOKEN}
//	DELETE token/ID                 self, or any as an admin: 204, 404
//	POST   delegated-token          {"actFor": SUB}: 200 {"access_token", "token_type", "expires_in"}; 403, 404
//
//	GET    subjects?limit=&after=&role=admin|none&email=    admin: 200 {"subjects": [SUBJECT], "next"?, "notice"?}, newest first
//	GET    subject/SUB              admin: 200 {"subject": SUBJECT}, 404
//	PATCH  subject/SUB              admin: {"isAdmin"?, "adminApproved"?}: 200 {"subject": SUBJECT}; not oneself, not the bootstrap admin
//	DELETE subject/SUB              admin: 204; not oneself, not the bootstrap admin
//	POST   subject/SUB/actors       admin: {"actorSub"}: 200 {"subject": SUBJECT}; at most 1,000
//	DELETE subject/SUB/actors/SUB   admin: 200 {"subject": SUBJECT}
//	GET    subject/SUB/sessions?limit=&after=   admin: 200 {"sessions": [SESSION], "next"?}
//	DELETE subject/SUB/sessions     admin: 204; all of them end
//	GET    subject/SUB/tokens       admin: 200 {"tokens": [TOKEN]}
//	POST   invite                   admin: {"emails": [...]}: 200 {"invited": [...], "errors": [{"email", "error"}], "notice"?}
//	GET    approve/SUB              admin: the page; without a credential 302 with ?error=login_required
//	POST   approve/SUB              admin: 200 {"subject": SUBJECT}; the subject is notified by mail
//	GET    audit?limit=&before=ID&event=&outcome=success|failure&sub=   admin: 200 {"events": [EVENT], "next"?}, newest first
//
//	GET  .well-known/jwks.json      the public keys (RFC 7517)
//	POST test/set-subject-data      in test mode only: {"email", "adminApproved"?, "isAdmin"?}: 204
//
//	SUBJECT  {"sub", "email", "emailVerified", "adminApproved", "isAdmin", "createdAt", "lastLoginAt" or null, "authorizedActors": [SUB]}
//	SESSION  {"id", "current", "kind": "browser"|"terminal", "label", "ip", "agent", "createdAt", "lastUsedAt", "expiresAt"}
//	TOKEN    {"id", "name", "admin", "createdAt", "expiresAt", "lastUsedAt" or null}
//	EVENT    {"id", "at", "event", "outcome", "actor", "target", "email", "ip", "agent", "requestId", "detail": {...}}
//
// The notice of subjects and invite says that the mail server accepts no mail, and why.
//
// A list returns pages of at most limit entries and 256 KiB. If there are more, next is the
// after, or before, of the following page; it stays valid while entries come and go. subjects
// also accepts offset, which does not have this property.
//
// Any answer can be 429 rate_limited with Retry-After, 403 for a request that a page of another
// site sent, or 413.
//
// # What is stored
//
// The data directory holds auth.db (SQLite), auth.json (issuer, audience and public URL) and
// keys/. Links, codes and tokens are stored as hashes only, waiting mails are encrypted. The
// table Audit keeps every event for a year. Events that a client can cause at any rate share one
// row an hour: for token.refreshed, token.repeated (the answer to a refresh was lost, see
// [RefreshGrace]) and token.delegated the detail has times, and last, when the latest was.
package auth
