package server

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/lumenize/lmz/internal/textin"
)

// certificateCheck is how often the files of a certificate are checked.
const certificateCheck = time.Minute

// Certificate is a TLS certificate in two files, which can be renewed without restarting the
// gateway.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	changed time.Time // of certFile, when it was loaded
	checked time.Time
}

// NewCertificate loads the files for the first time.
func NewCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.load()
}

func (c *Certificate) load() error {
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	cert, err := textin.ReadFile(c.certFile)
	if err != nil {
		return err
	}
	key, err := textin.ReadFile(c.keyFile)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return err
	}
	c.loaded, c.changed = &pair, info.ModTime()
	return nil
}

// Use switches to these files, unless they are invalid.
func (c *Certificate) Use(certFile, keyFile string) error {
	next, err := NewCertificate(certFile, keyFile, c.log)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.certFile, c.keyFile, c.loaded, c.changed = next.certFile, next.keyFile, next.loaded, next.changed
	return nil
}

// get implements GetCertificate of [tls.Config]. If new files are invalid, it logs why and
// keeps the previous certificate.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certificateCheck {
		return c.loaded, nil
	}
	c.checked = time.Now()
	if info, err := os.Stat(c.certFile); err == nil && !info.ModTime().Equal(c.changed) {
		if err := c.load(); err != nil {
			c.log.Warn("cannot use the new TLS certificate", "error", err)
		}
	}
	return c.loaded, nil
}

// Config returns a server configuration with the certificate, or nil for a nil Certificate.
func (c *Certificate) Config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
}
