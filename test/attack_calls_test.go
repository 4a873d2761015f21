package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/proto"
)

// Attacks with calls: few frames that request much work.

// nonsense returns n words that are in no dictionary.
func nonsense(n int) string {
	words := make([]string, n)
	for i := range words {
		word := make([]byte, 8+rand.IntN(5))
		for j := range word {
			word[j] = "bcdfghjklmnpqrstvwxzaeiou"[rand.IntN(25)]
		}
		words[i] = string(word)
	}
	return strings.Join(words, " ")
}

var spellingFlood = attack{
	name: "spelling words",
	sent: "200 frames of 3 KB with 220 unknown words each to the spelling worker, and 200 pushes of such words",
	run: func(ctx context.Context, s *siege) {
		var work sync.WaitGroup
		defer work.Wait()
		work.Go(func() {
			s.keep(ctx, "direct", manners{}, func(ctx context.Context, t *rogue) bool {
				return stay(ctx, t, paced(ctx, 200, 50, func(int) error {
					part := map[string]any{"from": 0, "text": nonsense(220)}
					return t.send(lmz.Worker(editor.SpellCheckBinding), encoded(lmz.Ctn("checkParts", map[string]any{
						"document": "mallory", "author": t.at.Instance, "version": 1, "parts": []any{part},
					})))
				}))
			})
		})
		s.keep(ctx, "pushes", manners{}, func(ctx context.Context, t *rogue) bool {
			if _, err := t.call(ctx, document("mallory"), lmz.Ctn("subscribe")); err != nil {
				return false
			}
			return stay(ctx, t, paced(ctx, 200, 4, func(int) error {
				return t.send(document("mallory"), encoded(lmz.Ctn("update", nonsense(220))))
			}))
		})
	},
}

// typeInto makes n edits of one letter each, 500 in a push.
func (s *siege) typeInto(ctx context.Context, doc lmz.Address, n int) {
	s.keep(ctx, "types", manners{}, func(ctx context.Context, t *rogue) bool {
		opening, err := t.call(ctx, doc, lmz.Ctn("subscribe"))
		if err != nil {
			return false
		}
		version, length := number(opening, "version"), number(opening, "length")
		for i := 0; i < n; {
			var updates []any
			for range 500 {
				i++
				updates = append(updates, map[string]any{
					"clientID": fmt.Sprint("typist", version), "number": len(updates) + 1, "changes": edit(length+len(updates), "a"),
				})
			}
			if _, err := t.call(ctx, doc, lmz.Ctn("push", version, updates)); err != nil {
				s.t.Fatalf("typing into %s: %v", doc, err)
			}
			version, length = version+500, length+500
		}
		return true
	})
}

// edit inserts text at the beginning of a text of some length.
func edit(length int, insert string) []any {
	if length == 0 {
		return []any{[]any{0, insert}}
	}
	return []any{[]any{0, insert}, length}
}

// number returns a member of a map in an answer.
func number(value any, member string) int {
	m, _ := value.(map[string]any)
	switch n := m[member].(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

// all wraps calls in one that takes them as arguments, a hundred in a list.
func all(calls []lmz.Continuation) []any {
	var lists []any
	for len(calls) > 0 {
		n := min(100, len(calls))
		var list []any
		for _, c := range calls[:n] {
			list = append(list, c)
		}
		lists, calls = append(lists, list), calls[n:]
	}
	return lists
}

// presenting is a call of present with other calls among its arguments. It succeeds if they do,
// because unknown members of a cursor are ignored.
func presenting(editorID string, calls []lmz.Continuation) lmz.Continuation {
	return lmz.Ctn("present", map[string]any{"clientID": editorID, "version": 0, "anchor": 0, "head": 0, "more": all(calls)})
}

// nested returns n calls.
func nested(n int, one func(i int) lmz.Continuation) []lmz.Continuation {
	var calls []lmz.Continuation
	for i := range n {
		calls = append(calls, one(i))
	}
	return calls
}

// mostNested determines how many calls one frame may contain, by halving the number until it is
// accepted.
func (s *siege) mostNested(ctx context.Context, t *rogue, doc lmz.Address, one func(i int) lmz.Continuation) (n int) {
	for n = 490; n > 1; n /= 2 {
		_, err := t.call(ctx, doc, presenting("probe", nested(n, one)))
		if err == nil || !strings.Contains(err.Error(), "at most") && !strings.Contains(err.Error(), "too much") {
			break
		}
	}
	return n
}

// perSecond converts a rate of frames with 490 calls into a rate of frames with n calls: as many
// calls in all, but no more than the rate of calls allows.
func perSecond(often, n int) int { return min(often*490/n, 90) }

var nestedReads = attack{
	name: "nested reads",
	sent: "frames of 15 KB with 490 nested reads of old versions (or as many as are allowed), 4 in a second (or as many calls in more frames)",
	prepare: func(ctx context.Context, s *siege) {
		s.typeInto(ctx, document("shared"), 9500)
	},
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "reads", manners{}, func(ctx context.Context, t *rogue) bool {
			if _, err := t.call(ctx, document("shared"), lmz.Ctn("subscribe")); err != nil {
				return false
			}
			read := func(int) lmz.Continuation { return lmz.Ctn("read", 8500+rand.IntN(1000), 64<<10) }
			n := s.mostNested(ctx, t, document("shared"), read)
			return paced(ctx, 6000, perSecond(4, n), func(i int) error {
				return t.send(document("shared"), encoded(presenting("reader", nested(n, read))))
			})
		})
	},
}

var manyRows = attack{
	name: "rows",
	sent: "200 frames of 490 pushes by new editors (or as many pushes in more frames), and edits of 60 KB to cause snapshots",
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "rows", manners{}, func(ctx context.Context, t *rogue) bool {
			if _, err := t.call(ctx, document("shared"), lmz.Ctn("subscribe")); err != nil {
				return false
			}
			n := s.mostNested(ctx, t, document("shared"), func(int) lmz.Continuation { return lmz.Ctn("history", 1) })
			return paced(ctx, 200*490/n, perSecond(10, n), func(int) error {
				opening, err := t.call(ctx, document("shared"), lmz.Ctn("subscribe"))
				if err != nil {
					return err
				}
				pushes := nested(n, func(i int) lmz.Continuation {
					return lmz.Ctn("push", number(opening, "version"), []any{map[string]any{
						"clientID": fmt.Sprint(t.at.Instance[:8], time.Now().UnixNano(), i), "number": 1,
						"changes": edit(number(opening, "length"), "a"),
					}})
				})
				if _, err = t.call(ctx, document("shared"), presenting("rows", pushes)); err != nil && t.alive() {
					err = nil
				}
				return err
			})
		})
		s.keep(ctx, "snapshots", manners{}, func(ctx context.Context, t *rogue) bool {
			t.call(ctx, document("shared"), lmz.Ctn("subscribe"))
			return paced(ctx, 200, 2, func(i int) error {
				return t.send(document("shared"), encoded(lmz.Ctn("update", strings.Repeat(string(rune('a'+i%26)), 60<<10))))
			})
		})
	},
}

// alive reports whether the connection is open.
func (t *rogue) alive() bool {
	select {
	case <-t.ended:
		return false
	default:
		return true
	}
}

var subscribeFlood = attack{
	name: "subscriptions",
	sent: "500 frames of 490 subscribe each (or as many in more frames), then the end of the session",
	run: func(ctx context.Context, s *siege) {
		half, cancel := context.WithTimeout(ctx, *attackFor*2/3)
		defer cancel()
		s.keep(half, "subscribes", manners{}, func(ctx context.Context, t *rogue) bool {
			if _, err := t.call(ctx, document("shared"), lmz.Ctn("subscribe")); err != nil {
				return false
			}
			subscribe := func(int) lmz.Continuation { return lmz.Ctn("subscribe") }
			n := s.mostNested(ctx, t, document("shared"), subscribe)
			chain := encoded(presenting("subscriber", nested(n, subscribe)))
			return paced(ctx, 500*490/n, perSecond(20, n), func(int) error {
				answer := make(chan proto.Frame, 1)
				if err := t.frame(document("shared"), chain, false, answer); err != nil {
					return err
				}
				select {
				case <-answer:
				case <-ctx.Done():
				case <-t.ended:
				}
				return nil
			})
		})
	},
}

var ghostEditors = attack{
	name: "ghosts",
	sent: "present with a new editor id, 3,000 times and more, 490 in a frame (or as many as are allowed)",
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "ghosts", manners{}, func(ctx context.Context, t *rogue) bool {
			if _, err := t.call(ctx, document("shared"), lmz.Ctn("subscribe")); err != nil {
				return false
			}
			ghost := func(i int) lmz.Continuation {
				return presenting(fmt.Sprint("ghost", time.Now().UnixNano(), i), nil)
			}
			n := s.mostNested(ctx, t, document("shared"), ghost)
			return paced(ctx, 6000, perSecond(1, n), func(i int) error {
				return t.send(document("shared"), encoded(presenting("host", nested(n, ghost))))
			})
		})
	},
	after: func(s *siege) string {
		n := 0
		s.honest.ghosts.Range(func(any, any) bool { n++; return true })
		text := fmt.Sprintf("%d editors in the honest user's page that are not gone", n)
		if n > 5 {
			return "FAULT: " + text
		}
		return text
	},
}
