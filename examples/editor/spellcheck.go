package editor

import (
	"context"
	"strings"
	"unicode"

	"github.com/lumenize/lmz"
)

// SpellCheck is a worker that looks for common misspellings.
type SpellCheck struct {
	lmz.Caller
	lmz.Mux
}

// NewSpellCheck makes the handler of the worker, for Gateway.Worker.
func NewSpellCheck(self lmz.Caller) lmz.Handler {
	s := &SpellCheck{Caller: self}
	Check.Expose(&s.Mux, lmz.Anyone, s.check)
	return s
}

// check sends the findings straight to the author, past the document that asked.
// The call chain still starts at the author, who would refuse anybody else's.
func (s *SpellCheck) check(ctx context.Context, content, author, document string) (struct{}, error) {
	to := lmz.At(lmz.DefaultGateway, author)
	return struct{}{}, s.Send(ctx, to, HandleSpellFindings.Ctn(document, misspelled(content)))
}

// misspelled returns one finding for each misspelled word of text, in order of
// appearance. Their spelling is as in the text.
func misspelled(text string) []Finding {
	findings := []Finding{}
	seen := make(map[string]bool)
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		right, wrong := corrections[strings.ToLower(word)]
		if !wrong || seen[word] {
			continue
		}
		seen[word] = true
		if unicode.IsUpper([]rune(word)[0]) {
			right = strings.ToUpper(right[:1]) + right[1:]
		}
		findings = append(findings, Finding{Word: word, Suggestions: []string{right}})
	}
	return findings
}

// corrections are common misspellings of English words.
var corrections = map[string]string{
	"accomodate": "accommodate", "acheive": "achieve", "accross": "across", "adress": "address",
	"agressive": "aggressive", "alot": "a lot", "apparant": "apparent", "arguement": "argument",
	"becuase": "because", "begining": "beginning", "beleive": "believe", "calender": "calendar",
	"catagory": "category", "collegue": "colleague", "comming": "coming", "commitee": "committee",
	"concious": "conscious", "definately": "definitely", "desparate": "desperate", "diffrent": "different",
	"dissapear": "disappear", "embarass": "embarrass", "enviroment": "environment", "existance": "existence",
	"familar": "familiar", "finaly": "finally", "foriegn": "foreign", "freind": "friend", "goverment": "government",
	"gaurd": "guard", "happend": "happened", "harrass": "harass", "immediatly": "immediately", "independant": "independent",
	"knowlege": "knowledge", "liason": "liaison", "libary": "library", "maintainance": "maintenance", "millenium": "millennium",
	"neccessary": "necessary", "necesary": "necessary", "noticable": "noticeable", "occassion": "occasion", "occured": "occurred",
	"occurence": "occurrence", "persistant": "persistent", "posession": "possession", "prefered": "preferred", "publically": "publicly",
	"recieve": "receive", "recomend": "recommend", "refered": "referred", "relevent": "relevant", "remeber": "remember",
	"resistence": "resistance", "seperate": "separate", "sence": "sense", "succesful": "successful", "supercede": "supersede",
	"suprise": "surprise", "teh": "the", "thier": "their", "tommorow": "tomorrow", "truely": "truly", "unforseen": "unforeseen",
	"untill": "until", "wich": "which", "wierd": "weird", "writting": "writing",
}
