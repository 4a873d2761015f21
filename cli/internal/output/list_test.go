package output

import (
	"bytes"
	"testing"
)

func TestTableAcrossPages(t *testing.T) {
	var out bytes.Buffer
	list := List[string]{Out: &out, Head: "A B C", Row: func(s string) []string { return []string{s, "x", ""} }}
	pages := [][]string{{"one", "three"}, {}, {"twelve", "字"}, {"last", "never"}}
	err := list.Pages(5, func(int) (page []string, last bool, err error) {
		page, pages = pages[0], pages[1:]
		return page, len(pages) == 0, nil
	})
	if want := "A      B  C\none    x  \nthree  x  \ntwelve  x  \n字      x  \nlast    x  \n"; err != nil || out.String() != want {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
