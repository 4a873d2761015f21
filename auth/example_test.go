package auth_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/lumenize/lmz/auth"
)

// A web server whose /api/ requires a signed-in user. It needs no mesh.
func ExampleService_Middleware() {
	dir, err := os.MkdirTemp("", "auth")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	service, err := auth.Open(auth.Options{
		Dir:       dir,
		PublicURL: "https://example.com",
		Redirect:  "/app",
		Sender:    new(auth.Mailbox), // in production: auth.NewSMTP or auth.NewResend
	})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()

	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := auth.ClaimsFrom(r.Context())
		fmt.Fprintln(w, "Hello,", claims.Email)
	})
	mux := http.NewServeMux()
	mux.Handle("/auth/", service)
	mux.Handle("/api/", service.Middleware(api))
	server := httptest.NewServer(mux)
	defer server.Close()

	// A token for a script, without a mail.
	token, err := auth.Mint(dir, nil, "ada@example.com", false, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(get(server.URL+"/api/hello", ""))
	fmt.Println(get(server.URL+"/api/hello", token))
	// Output:
	// 401 {"error":"invalid_request","error_description":"Missing Authorization header with Bearer token"}
	// 200 Hello, ada@example.com
}

// A production service: behind one proxy, with a mail server, a bot check and the operator's own
// mail templates.
func ExampleOpen() {
	data, password, secret := flag.String("data", "data", "directory"), os.Getenv("SMTP_PASSWORD"), os.Getenv("TURNSTILE_SECRET_KEY")
	mail, err := auth.NewSMTP(auth.SMTPOptions{Server: "mail.example.com", Username: "lmz", Password: password, From: "Lumenize <login@example.com>"})
	if err != nil {
		log.Fatal(err)
	}
	users, err := auth.Open(auth.Options{
		Dir: *data, PublicURL: "https://example.com", Sender: mail, BootstrapEmail: "you@example.com",
		Proxies: 1, HostCookie: true, TurnstileSecret: secret, Templates: os.DirFS("mails"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer users.Close()
}

// A sign-in link without a mail server, for development.
func ExampleMailbox() {
	dir, err := os.MkdirTemp("", "auth")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	box := &auth.Mailbox{OnMail: func(m auth.Mail) { fmt.Println("To", m.To+":", m.Subject) }}
	service, err := auth.Open(auth.Options{Dir: dir, PublicURL: "https://example.com", Sender: box})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()

	body := strings.NewReader(`{"email":"ada@example.com"}`)
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/auth/email-magic-link", body))
	// Output:
	// To ada@example.com: Your login link
}

// Keys are rotated without a restart: create one, wait until all verifiers know it, and switch.
func ExampleRotateKeys() {
	dir, err := os.MkdirTemp("", "auth")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	service, err := auth.Open(auth.Options{Dir: dir, PublicURL: "https://example.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()

	if _, err := auth.NewKey(dir, nil); err != nil {
		log.Fatal(err)
	}
	// Verifiers that cache the keys need auth.KeysCached here to learn of the new one.
	slot, err := auth.RotateKeys(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(slot, "signs")
	// Output: GREEN signs
}

func get(url, token string) string {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", string(body))
}
