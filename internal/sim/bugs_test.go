package sim

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var bugs = flag.String("sim.bugs", "", "have the simulator find the bugs whose `names` match, each built into a copy of itself")

// bug is a change to the code that breaks a promise.
type bug struct {
	name    string
	file    string
	changes []string // pairs of the text to replace and its replacement, in order
}

// seeded are bugs that the simulator must find.
var seeded = []bug{
	{
		"run again after a crash", "object/outcome.go",
		[]string{"	if !c.Again {\n", "	if true {\n"},
	},
	{
		"answer before commit", "object/serve.go",
		[]string{"	r.end(answer, done)\n", "	done(answer)\n	r.end(answer, func(proto.Answer) {})\n"},
	},
	{
		"dedupe by address", "gateway/internal/clients/calls.go",
		[]string{
			"ID: proto.CallID{Session: c.session.ID, Number: number}", "ID: proto.CallID{Number: number}",
			"call.ID, call.Again = f.Again, true", "call.ID, call.Again = proto.CallID{Number: f.Again.Number}, true",
		},
	},
	{
		"lost waiting call", "internal/session/session.go",
		[]string{"	waiting = append(waiting, s.waiting...)\n", ""},
	},
	{
		"double OnSubscriptionRequired", "client/shell.go",
		[]string{"	if subscribe {\n", "	if true {\n"},
	},
	{
		"reorder on resume", "internal/session/session.go",
		[]string{"	waiting = append(waiting, s.waiting...)\n", "	waiting = append(append([]call{}, s.waiting...), waiting...)\n"},
	},
	{
		"outcome swept early", "object/outcome.go",
		[]string{"Expires: r.deadline.Add(outcomeGrace)", "Expires: time.Now()"},
	},
	{
		"gone without resubscribe", "gateway/internal/clients/calls.go",
		[]string{"		if c.session == nil {\n			return nil\n		}\n		if c.link != nil && c.from.expired() {",
			"		if c.session == nil || c.link == nil {\n			return nil\n		}\n		if c.link != nil && c.from.expired() {"},
	},
	{
		"started marker missing", "object/outcome.go",
		[]string{"	if answer == nil && r.begun {\n", "	if answer == nil {\n"},
	},
	{
		"send sent twice", "object/run.go",
		[]string{"		for _, effect := range effects {\n", "		for _, effect := range append(effects, effects...) {\n"},
	},
	{
		"effects of a turn reversed", "object/run.go",
		[]string{"		for _, effect := range effects {\n			effect()\n", "		for i := range effects {\n			effects[len(effects)-1-i]()\n"},
	},
	{
		"reply settled before it ran", "object/outbox.go",
		[]string{
			"		rt.reply(s, i, a)\n		return\n",
			"		rt.mu.Lock()\n		if s.key != \"\" {\n			s.settle(i)\n			rt.unsaved[s.from.Address] = append(rt.unsaved[s.from.Address], settlement{s, i, nil})\n		}\n		rt.mu.Unlock()\n		rt.reply(s, i, a)\n		return\n",
		},
	},
	{
		"broadcast settled with its first target", "object/outbox.go",
		[]string{"	if s.left == 0 {\n", "	if s.left < len(s.settled) {\n"},
	},
	{
		"settled targets of a broadcast not read", "object/outbox.go",
		[]string{"	if err != nil || !found {\n		return err\n	}\n	for i := range s.settled {\n", "	if err != nil || !found {\n		return err\n	}\n	for i := range s.settled[:0] {\n"},
	},
	{
		"expired token goes on", "gateway/internal/clients/connection.go",
		[]string{
			"	return at != 0 && time.Now().UnixNano() >= at\n", "	return at != 0 && false\n",
			"time.Until(auth.Expires), c.closeExpired)", "100*time.Hour, c.closeExpired)",
		},
	},
	{
		"session goes on with another subject", "gateway/internal/clients/seat.go",
		[]string{"		if c.auth != nil && c.auth.Subject != from.auth.Subject {", "		if false {"},
	},
	{
		"planned stop refuses calls", "gateway/internal/clients/calls.go",
		[]string{"		answer = c.clients.leaveToNext(call, answer)\n", ""},
	},
	{
		"stored send sent twice", "object/outbox.go",
		[]string{"p := o.rt.join(s, i, true, ", "p := o.rt.join(s, i, false, "},
	},
	{
		"stored send dropped when its receiver is unable", "object/laneretry.go",
		[]string{"	case p == nil:\n", "	case p != nil || p == nil:\n"},
	},
	{
		"alarm lost", "object/due.go", // the index is written some time after the commit
		[]string{
			"import (\n", "import (\n	\"time\"\n",
			"wakes.Announce(a, atStart); err != nil", "wakes.Announce(a, wake.Never); err != nil",
			"			wakes.Committed(a, atStart, alarm)\n", "			wakes.Committed(a, atStart, alarm)\n			time.AfterFunc(time.Second, func() { wakes.Announce(a, atStart) })\n",
		},
	},
	{
		"watch lost", "object/sessionwatch.go",
		[]string{"; !o.rt.watch(x, g.Payer) {", "; o.rt.watch(x, g.Payer) {"},
	},
	{
		"watch lost while the object is closed", "gateway/internal/clients/seat.go",
		[]string{"	c.toldOf, c.ended = append(c.toldOf, c.ended...), nil\n", "	c.ended = nil\n"},
	},
	{
		"reply lost", "object/outbox.go",
		[]string{"		if settled {\n			continue\n", "		if settled || s.row.Reply != nil {\n			s.settle(i)\n			continue\n"},
	},
	{
		"stale socket accepted", "internal/session/seat.go",
		[]string{"	return s.taken && s.ours(hello) && hello.Attempt != 0 && hello.Attempt < s.attempt\n", "	return s.taken && s.ours(hello) && false\n"},
	},
	{
		"superseded client takes its address back", "internal/session/seat.go",
		[]string{"	return slices.Contains(s.superseded, hello.Resume) || slices.Contains(s.superseded, hello.Session)\n", "	return len(s.superseded) < 0 && slices.Contains(s.superseded, hello.Session)\n"},
	},
	{
		"nothing repeated on resume", "internal/session/session.go",
		[]string{"	for _, n := range s.outbox {\n", "	for _, n := range s.outbox[:0] {\n"},
	},
	{
		"worker called again", "gateway/mesh.go",
		[]string{"	if c.Again && !m.g.isObject(c.To.Binding) {\n", "	if false {\n"},
	},
	{
		"running call not waited for", "object/outcome.go",
		[]string{"		if c.Again && k.caller == callerOf(c) {\n", "		if false {\n"},
	},
	{
		"failed turn not rolled back", "object/run.go",
		[]string{"		if err := r.o.undo(); err != nil {\n", "		if err := error(nil); err != nil {\n"},
	},
	{
		"sent called not sent", "internal/session/session.go",
		[]string{"		s.settle(s.calls[number].key, lmz.CodeUnknown, why+", "		s.settle(s.calls[number].key, lmz.CodeGateway, why+"},
	},
	{
		"interrupted subscription lost", "client/shell.go",
		[]string{"	p.session.Unlink()\n", "	p.session.Unlink()\n	p.dropSubscriptions()\n"},
	},
	{
		"dropped calls not counted", "internal/session/backlog.go",
		[]string{"		kept[i].frame.Count++\n", "		kept[i].frame.Count = 1\n"},
	},
	{
		"calls dropped without a word", "internal/session/session.go",
		[]string{"		s.do(Missed{Frame: f})\n", ""},
	},
	{
		"missed frame for a client that does not know it", "internal/session/backlog.go",
		[]string{"s.limits.Policy != nil && s.peer.Has(proto.FeatureMissed) }", "s.limits.Policy != nil }"},
	},
	{
		"grace period never over", "internal/session/seat.go",
		[]string{"	if grace != s.grace || s.link != 0 || !s.taken {\n", "	if true {\n"},
	},
}

// repository is the path of the module root, relative to this package.
const repository = "../.."

// source returns the path of the file that the bug changes, and its changed text.
func (b bug) source(t *testing.T) (path, changed string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, b.file))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed = string(data)
	for i := 0; i < len(b.changes); i += 2 {
		old := b.changes[i]
		if n := strings.Count(changed, old); n != 1 {
			t.Fatalf("%s contains %d times, and must contain once, what the bug %q changes:\n%s", b.file, n, b.name, old)
		}
		changed = strings.Replace(changed, old, b.changes[i+1], 1)
	}
	return path, changed
}

// build compiles these tests against the code with the bug.
func (b bug) build(t *testing.T) (binary string) {
	t.Helper()
	dir := t.TempDir()
	path, changed := b.source(t)
	replacement, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	mapping, err := json.Marshal(map[string]any{"Replace": map[string]string{path: replacement}})
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{replacement: []byte(changed), overlay: mapping} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary = filepath.Join(dir, "sim.test")
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building it with the bug %q: %v\n%s", b.name, err, out)
	}
	return binary
}

var failing = regexp.MustCompile(`seed=(\d+)`)

// TestSeededBugs requires that each bug is found within 2,000 schedules. Without -sim.bugs it
// only checks that the bugs still apply to the code.
func TestSeededBugs(t *testing.T) {
	for _, b := range seeded {
		if *bugs == "" {
			b.source(t)
			continue
		}
		if !regexp.MustCompile(*bugs).MatchString(b.name) {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			binary := b.build(t)
			start := time.Now()
			out, err := exec.Command(binary, "-test.run", "RandomSchedules", "-test.timeout", "100s", "-sim.n", "2000", "-sim.stop").CombinedOutput()
			seed := failing.FindStringSubmatch(string(out))
			if err == nil || seed == nil {
				t.Fatalf("2,000 schedules did not find it")
			}
			_, why, _ := strings.Cut(string(out), "sim_test.go:")
			why, _, _ = strings.Cut(why, "\n")
			_, why, _ = strings.Cut(why, ": ")
			t.Logf("found by seed %s after %v: %s", seed[1], time.Since(start).Round(100*time.Millisecond), why)
		})
	}
}
