package client

import (
	"testing"
	"time"
)

// Only the difference between a token's own times is reliable. A clock that was an hour fast
// made the client request the next token every 5 s.
func TestTokenExpiryByTheLocalClock(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) float64 { return float64(now.Add(d).Unix()) }
	for _, test := range []struct {
		what     string
		iat, exp float64
		want     time.Duration
	}{
		{"new", at(0), at(time.Minute), time.Minute},
		{"kept for a while", at(-10 * time.Minute), at(5 * time.Minute), 5 * time.Minute},
		{"the clock here is an hour fast", at(-time.Hour), at(-59 * time.Minute), time.Minute},
		{"it is 40 s fast", at(-40 * time.Second), at(20 * time.Second), time.Minute},
		{"it is an hour slow", at(time.Hour), at(61 * time.Minute), time.Minute},
		{"a very short one", at(0), at(10 * time.Second), 10 * time.Second},
		{"without iat", 0, at(20 * time.Second), 20 * time.Second},
		{"nonsense", at(time.Hour), at(time.Minute), time.Minute},
	} {
		if got := expiry(now, test.iat, test.exp).Sub(now); got != test.want {
			t.Errorf("%s: %v left, want %v", test.what, got, test.want)
		}
	}
}
