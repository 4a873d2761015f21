package text

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// office is an authority with its log, and clients whose connections may lose a push or its
// answer, or deliver late.
type office struct {
	t     *testing.T
	a     *Authority
	log   MemoryLog
	now   time.Time
	typed map[string]int // marks, and how often they were typed
}

func newOffice(t *testing.T, doc string) *office {
	return &office{t: t, a: NewAuthority(0, NewText(doc)), now: time.Unix(1e9, 0), typed: make(map[string]int)}
}

// push pushes edits after a round trip through their wire form.
func (o *office) push(base int, edits []Edit) (int, error) {
	read, err := Edits(Updates(edits))
	if err != nil {
		return 0, err
	}
	p, err := o.a.Push(&o.log, base, read, o.now)
	if err != nil {
		return 0, err
	}
	o.log.Add(p.New...)
	o.a.Commit(p)
	return o.a.Version(), nil
}

func (o *office) join(editor string) *Client {
	return NewClient(editor, o.a.Version(), o.a.Text().Clone())
}

// pushAll performs one push of a client.
func (o *office) pushAll(c *Client) {
	base, edits := c.Push()
	if len(edits) == 0 {
		return
	}
	version, err := o.push(base, edits)
	if err != nil {
		o.t.Fatalf("push of %s: %v", c.Editor(), err)
	}
	c.Pushed(version)
}

// deliver gives a client up to n entries that it lacks.
func (o *office) deliver(c *Client, n int) {
	for ; n > 0 && c.Version() < o.a.Version(); n-- {
		e, _, _ := o.log.Entry(c.Version() + 1)
		before := c.Text().String()
		changes, err := c.Receive(e)
		if err != nil {
			o.t.Fatalf("%s receives version %d: %v", c.Editor(), e.Version, err)
		}
		if got := applied(o.t, before, changes); got != c.Text().String() {
			o.t.Fatalf("%s: the screen has %q, the client %q", c.Editor(), got, c.Text())
		}
	}
}

func TestClientsConverge(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := newOffice(t, randomString(r, 20))
		var clients []*Client
		for i := range 4 {
			clients = append(clients, o.join(fmt.Sprint("editor", i)))
		}
		for range 150 {
			c := clients[r.IntN(len(clients))]
			switch r.IntN(8) {
			case 0, 1, 2:
				if err := c.Edit(randomChanges(r, c.Text().String())); err != nil {
					t.Fatal(err)
				}
			case 3:
				c.Undo()
			case 4:
				c.Redo()
			case 5:
				o.pushAll(c)
			case 6: // the answer is lost, or the push
				if base, edits := c.Push(); len(edits) > 0 {
					if r.IntN(2) == 0 {
						if _, err := o.push(base, edits); err != nil {
							t.Fatal(err)
						}
					}
					c.PushFailed()
				}
			case 7:
				o.deliver(c, 1+r.IntN(5))
			}
		}
		for _, c := range clients {
			for !c.Saved() {
				o.pushAll(c)
				o.deliver(c, 1000)
			}
		}
		for _, c := range clients {
			o.deliver(c, 1000)
			if c.Text().String() != o.a.Text().String() {
				t.Fatalf("seed %d: %s has %q, the document %q", seed, c.Editor(), c.Text(), o.a.Text())
			}
		}
	}
}

func TestUndoAroundRemoteEdit(t *testing.T) {
	o := newOffice(t, "start ")
	ann, bob := o.join("ann"), o.join("bob")
	for i, s := range []string{"one ", "two ", "three"} {
		if err := ann.Edit(Insert(ann.Text().Len(), ann.Text().Len(), s)); err != nil {
			t.Fatal(i, err)
		}
	}
	o.pushAll(ann)
	o.deliver(ann, 9)
	o.deliver(bob, 9)
	if err := bob.Edit(Insert(bob.Text().Len(), len("start one t"), "[bob]")); err != nil {
		t.Fatal(err)
	}
	o.pushAll(bob)
	o.deliver(ann, 9)
	if _, ok := ann.Undo(); !ok || ann.Text().String() != "start [bob]" {
		t.Errorf("after undo: %q", ann.Text())
	}
	if _, ok := ann.Undo(); ok {
		t.Error("the typing without a pause was more than one step")
	}
	if _, ok := ann.Redo(); !ok || ann.Text().String() != "start one two three[bob]" && ann.Text().String() != "start one t[bob]wo three" {
		t.Errorf("after redo: %q", ann.Text())
	}
	if _, ok := bob.Undo(); !ok || bob.Text().String() != "start one two three" {
		t.Errorf("bob after undo: %q", bob.Text())
	}
}

func TestUndoOfDeletionAroundRemoteText(t *testing.T) {
	o := newOffice(t, "abcdef")
	ann, bob := o.join("ann"), o.join("bob")
	if err := ann.Edit(Delete(6, 1, 5)); err != nil {
		t.Fatal(err)
	}
	if err := bob.Edit(Insert(6, 3, "X")); err != nil {
		t.Fatal(err)
	}
	o.pushAll(bob)
	o.deliver(ann, 9)
	if ann.Text().String() != "aXf" {
		t.Fatalf("%q", ann.Text())
	}
	if _, ok := ann.Undo(); !ok || !strings.Contains(ann.Text().String(), "bcde") || !strings.Contains(ann.Text().String(), "X") {
		t.Errorf("%q", ann.Text())
	}
}

func TestUndoStepsByPause(t *testing.T) {
	c := NewClient("ann", 0, new(Text))
	for _, s := range []string{"a", "b"} {
		if err := c.Edit(Insert(c.Text().Len(), c.Text().Len(), s)); err != nil {
			t.Fatal(err)
		}
		c.Boundary()
	}
	c.Undo()
	if c.Text().String() != "a" {
		t.Errorf("%q", c.Text())
	}
}

func TestRepeatedPush(t *testing.T) {
	o := newOffice(t, "")
	first := Edit{"ann", 1, Insert(0, 0, "a")}
	second := Edit{"ann", 2, Insert(1, 1, "b")}
	for _, e := range []struct {
		base int
		edit Edit
	}{{0, first}, {1, Edit{"bob", 1, Insert(1, 0, "X")}}, {2, Edit{"ann", 2, Insert(2, 2, "b")}}} {
		if _, err := o.push(e.base, []Edit{e.edit}); err != nil {
			t.Fatal(err)
		}
	}
	for _, again := range []struct {
		base  int
		edits []Edit
		want  []int
	}{
		{0, []Edit{first}, []int{1}},
		{0, []Edit{first, second}, []int{1, 3}},
		{1, []Edit{second}, []int{3}},
		{3, []Edit{{"ann", 1, Insert(3, 0, "a")}}, []int{1}}, // based on a version that includes the edit itself
		{3, []Edit{{"ann", 2, Insert(3, 0, "a")}}, []int{3}},
	} {
		p, err := o.a.Push(&o.log, again.base, again.edits, o.now)
		if err != nil || fmt.Sprint(p.Versions) != fmt.Sprint(again.want) || len(p.New) > 0 {
			t.Errorf("%v on %d: %v, new %v, %v", again.edits, again.base, p.Versions, p.New, err)
		}
	}
	if o.a.Text().String() != "Xab" {
		t.Errorf("%q", o.a.Text())
	}
}

func TestPushOnOldVersion(t *testing.T) {
	o := newOffice(t, "")
	if _, err := o.push(0, []Edit{{"bob", 1, Insert(0, 0, "b")}}); err != nil {
		t.Fatal(err)
	}
	push := func(base int) error {
		_, err := o.push(base, []Edit{{"ann", 1, Insert(base, 0, "a")}})
		return err
	}
	o.now = o.now.Add(Retention + time.Second)
	if err := push(0); err != ErrTooOld {
		t.Errorf("on a version 30 days old: %v", err)
	}
	if err := push(1); err != nil {
		t.Errorf("on the newest version, which is as old: %v", err)
	}
}

func TestInvalidPushes(t *testing.T) {
	o := newOffice(t, "😀")
	for _, test := range []struct {
		base  int
		edits []Edit
		want  error
	}{
		{1, []Edit{{"ann", 1, Insert(2, 0, "a")}}, ErrFuture},
		{-1, []Edit{{"ann", 1, Insert(2, 0, "a")}}, ErrFuture},
		{0, []Edit{{"ann", 1, Insert(2, 1, "a")}}, ErrSplit},
		{0, []Edit{{"ann", 1, Insert(3, 1, "a")}}, ErrLength},
		{0, []Edit{{"ann", 1, Insert(2, 0, "a")}, {"ann", 2, Insert(2, 0, "a")}}, ErrLength},
		{0, []Edit{{"", 1, Insert(2, 0, "a")}}, ErrNumbers},
		{0, []Edit{{"ann", 0, Insert(2, 0, "a")}}, ErrNumbers},
		{0, []Edit{{"ann", 2, Insert(2, 0, "a")}, {"ann", 1, Insert(3, 0, "a")}}, ErrNumbers},
		{0, []Edit{{"ann", 1, Insert(2, 0, "a")}, {"bob", 2, Insert(3, 0, "a")}}, ErrNumbers},
		{0, []Edit{{"ann", 1, Insert(2, 0, strings.Repeat("a", MaxEdit+1))}}, ErrTooLong},
	} {
		if _, err := o.push(test.base, test.edits); err != test.want {
			t.Errorf("%v on %d: %v, want %v", test.edits, test.base, err, test.want)
		}
	}
	if o.a.Version() != 0 || o.a.Text().String() != "😀" {
		t.Errorf("version %d: %q", o.a.Version(), o.a.Text())
	}
}

func TestLargePaste(t *testing.T) {
	o := newOffice(t, "")
	ann, bob := o.join("ann"), o.join("bob")
	paste := strings.Repeat("0123456789\n😀", 1<<20/15)
	if err := ann.Edit(Insert(0, 0, paste)); err != nil {
		t.Fatal(err)
	}
	rounds := 0
	for ; !ann.Saved(); rounds++ {
		o.pushAll(ann)
		o.deliver(ann, 1000)
	}
	o.deliver(bob, 1000)
	if bob.Text().String() != paste || o.a.Version() < 16 || rounds > 8 {
		t.Errorf("%d units in %d versions, pushed in %d rounds", bob.Text().Len(), o.a.Version(), rounds)
	}
	if _, ok := ann.Undo(); !ok || ann.Text().Len() != 0 {
		t.Errorf("%d units are left after undo", ann.Text().Len())
	}
}

func TestJournalPushedTwice(t *testing.T) {
	for _, pushed := range []bool{false, true} {
		o := newOffice(t, "text")
		ann, bob := o.join("ann"), o.join("bob")
		if err := bob.Edit(Insert(4, 0, "bob ")); err != nil {
			t.Fatal(err)
		}
		if err := ann.Edit(Insert(4, 4, " typed")); err != nil {
			t.Fatal(err)
		}
		journal := ann.Unsaved()
		if err := ann.Edit(Insert(10, 10, " more")); err != nil {
			t.Fatal(err)
		}
		o.pushAll(bob)
		if pushed {
			o.pushAll(ann) // and crashes before the answer
		}
		edits, err := Edits(journal.Edits)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := o.push(journal.Version, edits); err != nil {
				t.Fatal(err)
			}
		}
		want := "bob text typed"
		if pushed {
			want += " more"
		}
		if o.a.Text().String() != want {
			t.Errorf("%q, want %q", o.a.Text(), want)
		}
	}
}

func TestClientWithGapsAndDivergence(t *testing.T) {
	o := newOffice(t, "")
	ann := o.join("ann")
	if _, err := ann.Receive(Entry{Version: 2}); err != ErrGap {
		t.Errorf("%v", err)
	}
	if err := ann.Edit(Insert(0, 0, "a")); err != nil {
		t.Fatal(err)
	}
	ann.Push()
	if _, err := ann.Receive(Entry{Edit: Edit{"ann", 1, Insert(0, 0, "b")}, Version: 1}); err != ErrDiverged {
		t.Errorf("%v", err)
	}
	if _, err := ann.Receive(Entry{Edit: Edit{"bob", 1, Insert(5, 0, "b")}, Version: 1}); err != ErrLength {
		t.Errorf("%v", err)
	}
}

func TestPositionsOnScreen(t *testing.T) {
	o := newOffice(t, "abcdef")
	ann := o.join("ann")
	if err := ann.Edit(Insert(6, 3, "XYZ")); err != nil {
		t.Fatal(err)
	}
	for _, test := range [][3]int{{0, 0, 0}, {3, 3, 3}, {4, 3, 3}, {6, 3, 6}, {9, 6, 9}} {
		if got := ann.Confirmed(test[0]); got != test[1] {
			t.Errorf("%d on the screen is %d, want %d", test[0], got, test[1])
		}
	}
	if before, after := ann.OnScreen(3, -1), ann.OnScreen(3, 1); before != 3 || after != 6 {
		t.Errorf("3 is at %d and %d", before, after)
	}
}
