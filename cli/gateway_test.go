package cli

import "testing"

// The Host of a request matches the public URL, however each is spelled.
func TestPublicURLSpellings(t *testing.T) {
	for _, url := range []string{"https://müller.example", "https://MÜLLER.example.", "https://xn--mller-kva.example:443/"} {
		public, err := (&gatewayOptions{publicURL: url}).public()
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"xn--mller-kva.example", "xn--mller-kva.example.", "XN--MLLER-KVA.example:443"} {
			if !public.Has(host) {
				t.Errorf("%s does not answer to %s", url, host)
			}
		}
	}
}
