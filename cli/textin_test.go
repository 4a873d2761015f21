package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asWindows is what an editor or a shell there makes of a text, and as UTF-16.
func asWindows(text string) (marked, utf16 string) {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	utf16 = "\xff\xfe"
	for _, b := range []byte(text) {
		utf16 += string([]byte{b, 0})
	}
	return "\ufeff" + text, utf16
}

// Every text that comes from outside has been written on Windows.
func TestTextFromOutside(t *testing.T) {
	dir := t.TempDir()
	for what, test := range map[string]struct {
		text string
		read func(path, content string) (string, error)
		want string
	}{
		"settings": {"{\"public-url\": \"https://mesh.example\"}\n", func(path, _ string) (string, error) {
			kept, err := readSettings(path)
			return kept["public-url"], err
		}, "https://mesh.example"},
		"a secret":     {"secret\n", func(path, _ string) (string, error) { return secretOf("", path) }, "secret"},
		"a token":      {"a.b.c\n", func(_, content string) (string, error) { return new(account).stdinToken(strings.NewReader(content)) }, "a.b.c"},
		"an argument":  {"{\"a\": 1}\n", func(path, _ string) (string, error) { return new(inputs).text("@" + path) }, "{\"a\": 1}\r\n"},
		"stdin":        {"1\n", func(_, content string) (string, error) { return (&inputs{stdin: strings.NewReader(content)}).text("-") }, "1\r\n"},
		"kept sign-in": {"{}\n", func(path, _ string) (string, error) { return "", (&credentials{path: path}).read() }, ""},
		"an answer": {"yes\n", func(_, content string) (string, error) {
			return (&app{Streams: Streams{In: strings.NewReader(content)}}).readLine(t.Context())
		}, "yes"},
	} {
		marked, utf16 := asWindows(test.text)
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte(marked), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := test.read(path, marked); got != test.want || err != nil {
			t.Errorf("%s is read as %q, %v", what, got, err)
		}
		if err := os.WriteFile(path, []byte(utf16), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := test.read(path, utf16); err == nil || !strings.Contains(err.Error(), "it is UTF-16: make it UTF-8") {
			t.Errorf("%s in UTF-16 is read as %q, %v", what, got, err)
		}
	}
}

func TestVariablesWithLineEnds(t *testing.T) {
	var stderr bytes.Buffer
	variables := map[string]string{"LMZ_SERVER": "http://127.0.0.1:1\r", "LMZ_ACCESS_TOKEN": "\ufeffa.b.c\r\n", "LMZ_CONFIG_DIR": t.TempDir()}
	Main(context.Background(), []string{"whoami"}, Streams{
		In: strings.NewReader(""), Out: new(bytes.Buffer), Err: &stderr, Getenv: func(name string) string { return variables[name] },
	})
	if strings.Contains(stderr.String(), "not an origin") || strings.Contains(stderr.String(), `\u000d`) {
		t.Errorf("%s", stderr.String())
	}
}

func TestCertificateWithByteOrderMark(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		marked, _ := asWindows(string(pem.EncodeToMemory(block)))
		if err := os.WriteFile(path, []byte(marked), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := newCertificate(certFile, keyFile, nil); err != nil {
		t.Error(err)
	}
}
