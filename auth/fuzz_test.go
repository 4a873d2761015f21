package auth

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/token"
)

// minted returns a service with an approved account, and its access token.
func minted(tb testing.TB) (s *Service, token string) {
	dir := tb.TempDir()
	s, err := Open(Options{Dir: dir, PublicURL: publicURL, Sender: new(Mailbox), Getenv: noEnv, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	if token, err = Mint(dir, noEnv, ada, false, time.Hour); err != nil {
		tb.Fatal(err)
	}
	return s, token
}

// FuzzVerify replaces a part of a token: only the signed one must be accepted.
func FuzzVerify(f *testing.F) {
	s, good := minted(f)
	f.Add(uint(0), uint(0), "")
	f.Add(uint(0), uint(len(good)), token.NewNamed(token.Named{}))
	f.Add(uint(0), uint(len(good)), "eyJhbGciOiJub25lIn0.e30.")
	for _, last := range []string{"A", "Q", "g", "w", "B"} { // the same signature except for unused bits
		f.Add(uint(len(good)-1), uint(len(good)), last)
	}
	f.Add(uint(len(good)), uint(len(good)), "\n")
	f.Fuzz(func(t *testing.T, from, to uint, part string) {
		n := uint(len(good))
		from, to = min(from, n), min(to, n)
		other := good[:from] + part + good[max(from, to):]
		c, err := s.Verify(t.Context(), other)
		if (err == nil) != (other == good) {
			t.Errorf("%q, made of %q, is of %+v, %v", other, good, c, err)
		}
	})
}

// BenchmarkVerify verifies an access token: its signature, and against the database that it is
// not revoked.
func BenchmarkVerify(b *testing.B) {
	s, token := minted(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
