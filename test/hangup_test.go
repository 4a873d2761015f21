package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/poll"
)

// writeCertificate writes a certificate with a serial number, and its key.
func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serial returns the serial number of the certificate that the server presents, or 0.
func (d *devServer) serial() int64 {
	conn, err := tls.Dial("tcp", d.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return 0
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestCertificateReloadOnHangup(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	g := startGatewayWith(t, filepath.Join(dir, "data"), nil, nil, "--tls-cert", cert, "--tls-key", key)
	if got := g.serial(); got != 1 {
		t.Fatalf("certificate %d, not 1", got)
	}
	writeCertificate(t, cert, key, 2)
	g.cmd.Process.Signal(syscall.SIGHUP)
	poll.Until(t, "the new certificate", func() bool { return g.serial() == 2 })

	if err := os.WriteFile(cert, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.cmd.Process.Signal(syscall.SIGHUP)
	for range 3 {
		if got := g.serial(); got != 2 {
			t.Errorf("after files that cannot be used: certificate %d, not 2", got)
		}
	}
	if g.stop(); !strings.Contains(g.log.String(), "has stopped") {
		t.Errorf("no clean end: %s", g.log)
	}
}

func TestSettingsReloadOnHangup(t *testing.T) {
	dir := t.TempDir()
	config, secret := filepath.Join(dir, "gateway.json"), filepath.Join(dir, "secret")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, `{"app-name": "Before", "one-click-links": false}`)
	g := startGatewayWith(t, filepath.Join(dir, "data"), nil, nil, "--config", config)
	errorPage := func() string {
		r, err := http.NewRequest("GET", g.url()+"/auth/magic-link", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		return get(t, r)
	}
	front := func() string {
		r, err := http.NewRequest("GET", g.url()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		return get(t, r)
	}
	asks := func() string {
		r, err := http.NewRequest("POST", g.url()+"/auth/email-magic-link", strings.NewReader(`{"email":"ann@example.com"}`))
		if err != nil {
			t.Fatal(err)
		}
		return get(t, r)
	}
	if got := errorPage(); !strings.Contains(got, "Go to Before") {
		t.Fatalf("page %s", got)
	}
	write(secret, "1x0000000000000000000000000000000AA\n")
	write(config, `{"app-name": "After", "one-click-links": true, "turnstile-site-key": "1x00000000000000000000AA", "turnstile-secret-file": "`+secret+`"}`)
	g.cmd.Process.Signal(syscall.SIGHUP)
	poll.Until(t, "the new name", func() bool { return strings.Contains(errorPage(), "Go to After") })
	poll.Until(t, "the site key", func() bool { return strings.Contains(front(), "1x00000000000000000000AA") })
	if got := asks(); !strings.Contains(got, "turnstile_required") {
		t.Errorf("the secret is not in use: %s", got)
	}

	write(config, `{"app-name": "Wrong", "turnstile-site-key": "1x00000000000000000000AA", "bootstrap-email": "nobody"}`)
	g.cmd.Process.Signal(syscall.SIGHUP)
	write(config, `{"ap-name": "Wrong"}`)
	g.cmd.Process.Signal(syscall.SIGHUP)
	if got := errorPage(); !strings.Contains(got, "Go to After") {
		t.Errorf("after settings that cannot be used: %s", got)
	}
	write(config, `{"app-name": "Last"}`)
	g.cmd.Process.Signal(syscall.SIGHUP)
	poll.Until(t, "the last name", func() bool { return strings.Contains(errorPage(), "Go to Last") })
	if got := asks(); strings.Contains(got, "turnstile") {
		t.Errorf("the secret is still in use: %s", got)
	}
	g.stop()
	for _, want := range []string{"Changed: app-name, turnstile-secret-file, turnstile-site-key.", "take effect after a restart", `"settings":"one-click-links"`, "reload failed in part"} {
		if !strings.Contains(g.log.String(), want) {
			t.Errorf("%q is not in %s", want, g.log)
		}
	}
}

// get sends a request and returns the body of the answer.
func get(t *testing.T, r *http.Request) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestCleanStopOfDevOnHangup(t *testing.T) {
	d := startDev(t, t.TempDir(), "")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.cmd.Wait()
	if code := d.cmd.ProcessState.ExitCode(); code != 0 || !strings.Contains(d.log.String(), "has stopped") {
		t.Errorf("%v: %s", d.cmd.ProcessState, d.log)
	}
}
