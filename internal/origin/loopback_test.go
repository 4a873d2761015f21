package origin

import "testing"

func TestLoopbackHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8787": true, "127.1.2.3:1": true, "[::1]": true, "[::1]:80": true,
		"localhost": true, "LOCALHOST:8787": true, "localhost.": true,
		"": false, "evil.example": false, "localhost.evil.example:1": false, "10.0.0.1": false,
		"0.0.0.0:8787": false, "127.0.0.1.evil.example": false, "2130706433": false, "[::]:80": false, "::2": false,
		"127.0.0.1:80@evil.example": false, "[::1%25lo]:80": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
