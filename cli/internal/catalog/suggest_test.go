package catalog

import "testing"

func TestSuggestions(t *testing.T) {
	names := []string{"DOCUMENT_DO", "WORKSPACE_DO", "update", "updateAll", "subscribe"}
	for word, want := range map[string]string{
		"document-do": ". Did you mean DOCUMENT_DO?", "DOCUMNT_DO": ". Did you mean DOCUMENT_DO?", "updat": ". Did you mean update or updateAll?",
		"subscirbe": ". Did you mean subscribe?", "x": "", "remove": "", "": "",
	} {
		if got := DidYouMean(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
