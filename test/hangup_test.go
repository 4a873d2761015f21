package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writeCertificate makes a certificate with a number and its key.
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

// serial is the number of the certificate that the server shows, or 0.
func (d *devServer) serial() int64 {
	conn, err := tls.Dial("tcp", d.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return 0
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestHangupReloadsTheCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	g := startGatewayWith(t, filepath.Join(dir, "data"), nil, nil, "--tls-cert", cert, "--tls-key", key)
	if got := g.serial(); got != 1 {
		t.Fatalf("certificate %d, not 1", got)
	}
	writeCertificate(t, cert, key, 2)
	g.cmd.Process.Signal(syscall.SIGHUP)
	eventually(t, "the new certificate", func() bool { return g.serial() == 2 })

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

func TestHangupStopsDevCleanly(t *testing.T) {
	d := startDev(t, t.TempDir(), "")
	d.cmd.Process.Signal(syscall.SIGHUP)
	d.cmd.Wait()
	if code := d.cmd.ProcessState.ExitCode(); code != 0 || !strings.Contains(d.log.String(), "has stopped") {
		t.Errorf("%v: %s", d.cmd.ProcessState, d.log)
	}
}
