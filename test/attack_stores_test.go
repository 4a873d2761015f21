package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// Attacks with stored or pending data: documents, names, texts, and unanswered calls.

var manyDocuments = attack{
	name:  "documents",
	sent:  "as many documents subscribed as the rate allows, up to 11,000, then the socket closed",
	times: 2,
	run: func(ctx context.Context, s *siege) {
		most, cancel := context.WithTimeout(ctx, *attackFor*11/6)
		defer cancel()
		s.keep(most, "documents", manners{}, func(ctx context.Context, t *rogue) bool {
			return paced(ctx, 11_000, 99, func(i int) error {
				return t.send(document(fmt.Sprint("many", i)), encoded(lmz.Ctn("subscribe")))
			})
		})
	},
}

var deafTabs = attack{
	name: "deaf tabs",
	sent: "ten tabs that call each other with 1 MiB and never answer; one ack in 2 s",
	run: func(ctx context.Context, s *siege) {
		payload := strings.Repeat("x", proto.MaxPayload-1000)
		var work sync.WaitGroup
		defer work.Wait()
		for i := range 10 {
			work.Go(func() {
				chain := encoded(lmz.Ctn("hello", payload))
				s.keep(ctx, fmt.Sprint("deaf", i), manners{deaf: true, ackEvery: 2 * time.Second}, func(ctx context.Context, t *rogue) bool {
					to := lmz.At(lmz.DefaultGateway, fmt.Sprintf("%s.deaf%d", s.subject, (i+1)%10))
					return paced(ctx, 2000, 10, func(int) error {
						if !t.alive() {
							return context.Canceled
						}
						return t.send(to, chain)
					})
				})
			})
		}
	},
}

// lmzAs runs the program as a user and returns its output.
func (s *siege) lmzAs(token string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = environ(s.gateway.url(), token)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

var longNames = attack{
	name:  "long names",
	times: 2,
	sent:  "1,040 documents with names of 1 KiB, and 1,040 with names of 250 bytes",
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "names", manners{}, func(ctx context.Context, t *rogue) bool {
			return paced(ctx, 2*1040, 45, func(i int) error {
				length := 1020
				if i >= 1040 {
					length = 246
				}
				doc := document(fmt.Sprintf("%04d", i) + strings.Repeat("n", length))
				if err := t.send(doc, encoded(lmz.Ctn("subscribe"))); err != nil {
					return err
				}
				return t.send(doc, encoded(lmz.Ctn("update", "here")))
			})
		})
	},
	after: func(s *siege) string {
		admin, err := exec.Command(program, "token", "mint", "--data", s.gateway.data, "--email", "root@example.com", "--admin").Output()
		if err != nil {
			return fmt.Sprint("FAULT: no admin: ", err)
		}
		ann := s.gateway.token("ann@example.com")
		documents, errDocuments := s.lmzAs(ann, "ls")
		if strings.Contains(documents, "unknown command") { // a build from before that command
			documents, errDocuments = s.lmzAs(ann, "call", "WORKSPACE_DO", "main", "documents")
		}
		objects, errObjects := s.lmzAs(strings.TrimSpace(string(admin)), "objects", "ls")
		text := fmt.Sprintf("the list of documents has %d kB (%v), that of objects %d lines (%v)",
			len(documents)>>10, errDocuments, strings.Count(objects, "\n")+1, errObjects)
		switch {
		case errDocuments != nil:
			return fmt.Sprintf("FAULT: %s: %.200s", text, documents)
		case errObjects != nil:
			return fmt.Sprintf("FAULT: %s: %.200s", text, objects)
		}
		return text
	},
}

// fill creates a document of mb MiB with edits of 60 KB, fifteen per push.
func (s *siege) fill(ctx context.Context, t *rogue, doc lmz.Address, size int) error {
	opening, err := t.call(ctx, doc, lmz.Ctn("subscribe"))
	if err != nil {
		return err
	}
	version, length := number(opening, "version"), number(opening, "length")
	line := strings.Repeat("abcdefghi ", 6000)
	editorID := fmt.Sprint("filler", rand.Int64())
	for edits := 0; length < size; {
		var updates []any
		for range 15 {
			edits++
			updates = append(updates, map[string]any{"clientID": editorID, "number": edits, "changes": edit(length, line)})
			length += len(line)
		}
		if _, err := t.call(ctx, doc, lmz.Ctn("push", version, updates)); err != nil {
			return err
		}
		version += len(updates)
	}
	return nil
}

var restorePairs = attack{
	name: "restores",
	sent: "restore(0) and restore(n) in turns, on a text of 17 MB, as often as they are answered",
	prepare: func(ctx context.Context, s *siege) {
		s.keep(ctx, "fills", manners{}, func(ctx context.Context, t *rogue) bool {
			if err := s.fill(ctx, t, document("large"), 17<<20); err != nil {
				s.t.Fatal(err)
			}
			return true
		})
	},
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "restores", manners{}, func(ctx context.Context, t *rogue) bool {
			opening, err := t.call(ctx, document("large"), lmz.Ctn("subscribe"))
			if err != nil {
				return false
			}
			full := number(opening, "version")
			return paced(ctx, 200, 10, func(i int) error {
				_, err := t.call(ctx, document("large"), lmz.Ctn("restore", full*(i%2)))
				if err != nil && t.alive() {
					err = nil
				}
				return err
			})
		})
	},
}

// heavy is the number of documents of 17 MB.
const heavy = 30

var heavyReads = attack{
	name: "heavy documents",
	sent: fmt.Sprintf("small reads of %d documents of 17 MB after a restart", heavy),
	prepare: func(ctx context.Context, s *siege) {
		s.keep(ctx, "fills", manners{}, func(ctx context.Context, t *rogue) bool {
			for i := range heavy {
				if err := s.fill(ctx, t, document(fmt.Sprint("heavy", i)), 17<<20); err != nil {
					s.t.Logf("filling document %d: %v", i, err)
					return true
				}
			}
			return true
		})
		s.restart()
	},
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "reads", manners{}, func(ctx context.Context, t *rogue) bool {
			return paced(ctx, 10_000, 20, func(i int) error {
				return t.send(document(fmt.Sprint("heavy", i%heavy)), encoded(lmz.Ctn("history", 2)))
			})
		})
	},
}
