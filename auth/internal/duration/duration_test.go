package duration

import (
	"testing"
	"time"
)

func TestDurationsInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 90 * time.Second: "90 seconds", time.Minute: "1 minute", 30 * time.Minute: "30 minutes",
		90 * time.Minute: "90 minutes", time.Hour: "1 hour", 36 * time.Hour: "36 hours", 7 * 24 * time.Hour: "7 days",
	} {
		if got := Words(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestTimeSince(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "just now", 59 * time.Second: "just now", 61 * time.Second: "1 minute ago", 150 * time.Minute: "150 minutes ago"} {
		if got := Ago(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
