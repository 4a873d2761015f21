//go:build ignore

// Make writes english.gz, whose format dictionary.go describes, from SCOWL's word lists
// (LICENSE), for instance those of Debian's package scowl:
//
//	go run examples/editor/dictionary/make.go /usr/share/dict/scowl examples/editor/dictionary/english.gz
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// sizes are SCOWL's, from common words to rare ones: a word's digit is its index here.
var sizes = []int{10, 20, 35, 40, 50, 55, 60}

// checked matches the words that the spell checker looks up. It looks up the parts of other
// words, and possessives without their 's.
var checked = regexp.MustCompile(`^[A-Za-zÀ-ÖØ-öø-ÿ']+$`)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: make.go SCOWL-FOLDER FILE")
	}
	rarity := read(os.Args[1])
	for w := range rarity { // the same word at the beginning of a sentence
		if lower := strings.ToLower(w); lower != w && lower[1:] == w[1:] {
			if _, twin := rarity[lower]; twin {
				delete(rarity, w)
			}
		}
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	check(err)
	last := ""
	for _, w := range slices.Sorted(maps.Keys(rarity)) {
		n := shared(last, w)
		fmt.Fprintf(z, "%c%s%d\n", 'A'+n, w[n:], rarity[w])
		last = w
	}
	check(z.Close())
	check(os.WriteFile(os.Args[2], out.Bytes(), 0o644))
	fmt.Println(len(rarity), "words")
}

// read returns the words of American and British English and their rarity.
func read(folder string) map[string]int {
	rarity := make(map[string]int)
	for i, size := range sizes {
		for _, region := range []string{"english", "american", "british", "british_z"} {
			for _, category := range []string{"words", "contractions", "upper", "proper-names"} {
				data, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%s-%s.%d", region, category, size)))
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				check(err)
				if !utf8.Valid(data) {
					log.Fatalf("%s-%s.%d is not UTF-8", region, category, size)
				}
				for w := range strings.FieldsSeq(string(data)) {
					if _, had := rarity[w]; !had && checked.MatchString(w) && !strings.HasSuffix(w, "'s") {
						rarity[w] = i
					}
				}
			}
		}
	}
	return rarity
}

// shared returns the length in bytes of the two words' common beginning, in whole
// characters and at most 25, the letter Z.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b), 25) && a[n] == b[n] {
		n++
	}
	for n < len(b) && !utf8.RuneStart(b[n]) {
		n--
	}
	return n
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
