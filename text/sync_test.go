package text

import (
	"errors"
	"reflect"
	"testing"
)

// effectsOf returns the effects of a Sync, without the timers.
func effectsOf(s *Sync) (all []Effect) {
	for _, e := range s.Effects() {
		if _, timer := e.(Wait); !timer {
			all = append(all, e)
		}
	}
	return all
}

// wantEffects checks the types of a Sync's effects, and returns the last one.
func wantEffects(t *testing.T, s *Sync, want ...Effect) Effect {
	t.Helper()
	all := effectsOf(s)
	same := len(all) == len(want)
	for i := range all {
		same = same && i < len(want) && reflect.TypeOf(all[i]) == reflect.TypeOf(want[i])
	}
	if !same {
		t.Fatalf("effects %#v, want types %#v", all, want)
	}
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// openSync returns a Sync that shows a text at a version.
func openSync(t *testing.T, version int, doc string) *Sync {
	t.Helper()
	s := NewSync()
	s.Start()
	wantEffects(t, s, Subscribe{})
	reopen(t, s, version, doc)
	if !s.Pull().Loaded {
		t.Fatal("no text was loaded")
	}
	s.Effects()
	return s
}

// reopen answers a Subscribe and the following Load.
func reopen(t *testing.T, s *Sync, version int, doc string) {
	t.Helper()
	s.Subscribed(Opening{Version: version, Moment: s.moment + 1})
	all := effectsOf(s)
	load, ok := all[len(all)-1].(Load)
	if !ok {
		t.Fatalf("effects %#v, want a Load", all)
	}
	s.Loaded(load.Call, NewText(doc), "ann"+doc)
	wantEffects(t, s)
}

func typeText(t *testing.T, s *Sync, at int, what string) {
	t.Helper()
	if err := s.Edit(Insert(s.Client().Text().Len(), at, what)); err != nil {
		t.Fatal(err)
	}
}

func TestSyncPushesOneAtATime(t *testing.T) {
	s := openSync(t, 0, "")
	typeText(t, s, 0, "a")
	push := wantEffects(t, s, Push{}).(Push)
	typeText(t, s, 1, "b")
	typeText(t, s, 2, "c")
	wantEffects(t, s)
	s.Pushed(push.Call, 1, 1)
	wantEffects(t, s) // the next one is based on the result of the first
	s.Arrived([]Entry{{Edit: push.Edits[0], Version: 1}})
	wantEffects(t, s, Wake{})
	if s.Pull(); s.Saved() {
		t.Error("saved too early")
	}
	if next := wantEffects(t, s, Push{}).(Push); next.Base != 1 || len(next.Edits) != 1 {
		t.Errorf("%+v", next)
	}
}

func TestSyncWithForgottenVersions(t *testing.T) {
	s := openSync(t, 3, "old")
	typeText(t, s, 3, "!")
	push := wantEffects(t, s, Push{}).(Push)
	s.Failed(push.Call, "", errors.New("the line was cut"))
	if step, err := s.Problem(); step != StepPush || err == nil {
		t.Errorf("problem %v in step %d", err, step)
	}
	s.Resubscribe()
	wantEffects(t, s, Wake{}, Subscribe{})
	s.Subscribed(Opening{Version: 9, Moment: 2})
	fetch := wantEffects(t, s, Fetch{}).(Fetch)
	s.Failed(fetch.Call, TooOld, errors.New("forgotten"))
	wantEffects(t, s, Subscribe{})
	typeText(t, s, 4, "?") // the old text stays until there is a new one
	reopen(t, s, 9, "new")
	if news := s.Pull(); !news.Loaded || s.Client().Text().String() != "new" || s.Saved() {
		t.Errorf("%+v, text %q, saved %v", news, s.Client().Text(), s.Saved())
	}
	// Typed text is pushed separately, and shown to the user if that is refused.
	fetch = wantEffects(t, s, Fetch{}).(Fetch)
	if fetch.Since != 3 {
		t.Errorf("%+v", fetch)
	}
	s.Failed(fetch.Call, TooOld, errors.New("forgotten"))
	wantEffects(t, s, Wake{})
	news := s.Pull()
	if len(news.Refused) != 1 || news.Refused[0].Record.Text() != "!\n?" || !s.Saved() {
		t.Errorf("%+v, saved %v", news, s.Saved())
	}
}

func TestSyncAfterRollback(t *testing.T) {
	s := openSync(t, 9, "nine")
	s.Arrived([]Entry{{Edit: Edit{"bob", 1, Insert(4, 0, "x")}, Version: 11}}) // of an obsolete history
	s.Resubscribe()
	s.Effects()
	s.Subscribed(Opening{Version: 5, Moment: 2})
	wantEffects(t, s, Subscribe{})
	reopen(t, s, 5, "five")
	s.Pull()
	if s.Client().Version() != 5 || s.Client().Text().String() != "five" {
		t.Errorf("version %d: %q", s.Client().Version(), s.Client().Text())
	}
	wantEffects(t, s)
}

func TestSyncOfDivergedDocument(t *testing.T) {
	s := openSync(t, 0, "")
	typeText(t, s, 0, "mine")
	push := wantEffects(t, s, Push{}).(Push)
	other := push.Edits[0]
	other.Changes = Insert(0, 0, "theirs")
	s.Pushed(push.Call, 1, 1)
	s.Arrived([]Entry{{Edit: other, Version: 1}})
	s.Pull()
	wantEffects(t, s, Wake{}, Subscribe{})
	reopen(t, s, 1, "theirs")
	if s.Pull(); s.Client().Text().String() != "theirs" || s.Saved() {
		t.Errorf("%q, saved %v", s.Client().Text(), s.Saved())
	}
}

func TestSyncAfterRefusedEdit(t *testing.T) {
	s := openSync(t, 0, "")
	typeText(t, s, 0, "mine")
	push := wantEffects(t, s, Push{}).(Push)
	s.Failed(push.Call, Refused, errors.New("not this"))
	wantEffects(t, s, Subscribe{})
	reopen(t, s, 0, "")
	news := s.Pull()
	if len(news.Refused) != 1 || news.Refused[0].Record.Text() != "mine" || news.Refused[0].Err.Error() != "not this" {
		t.Errorf("%+v", news)
	}
	s.Due(JournalTimer)
	store := wantEffects(t, s, Store{}).(Store)
	if len(store.Records) != 1 || len(store.Records[0].Edits) != 1 {
		t.Errorf("%+v", store) // it stays in the journal
	}
	s.Stored(1, nil)
	s.Discard(news.Refused[0].Record.Editor)
	if store = wantEffects(t, s, Store{}).(Store); len(store.Records) != 1 || len(store.Records[0].Edits) != 0 {
		t.Errorf("%+v", store)
	}
}

func TestSyncForgottenByDocument(t *testing.T) {
	s := openSync(t, 0, "")
	typeText(t, s, 0, "a")
	push := wantEffects(t, s, Push{}).(Push)
	for range 3 { // a guard that always refuses costs two calls per pause
		s.Failed(push.Call, NotSubscribed, errors.New("only subscribers"))
		s.Effects()
		typeText(t, s, 0, "b")
		wantEffects(t, s) // it waits
		s.Due(RetryTimer)
		wantEffects(t, s, Subscribe{})
		s.Subscribed(Opening{Moment: s.moment + 1})
		all := effectsOf(s)
		push = all[len(all)-1].(Push)
		if _, err := s.Problem(); err == nil {
			t.Error("the problem is over before the edits are saved")
		}
	}
	if s.failures != 3 {
		t.Errorf("%d failures in a row", s.failures)
	}
}

func TestSyncJournalRetries(t *testing.T) {
	s := openSync(t, 0, "")
	typeText(t, s, 0, "a")
	wantEffects(t, s, Push{})
	for range 5 {
		s.Due(JournalTimer)
		store := wantEffects(t, s, Store{}).(Store)
		if len(store.Records) != 1 {
			t.Fatalf("%d copies wait for the disk", len(store.Records))
		}
		s.Stored(0, errors.New("the disk is full"))
		s.Effects()
		s.Pull()
	}
	if s.JournalErr() == nil {
		t.Error("nobody is told")
	}
	s.Close()
	wantEffects(t, s, Store{})
	s.Stored(1, nil)
	if s.JournalErr() != nil {
		t.Error(s.JournalErr())
	}
	s.Effects()
	s.Close()
	wantEffects(t, s) // it has everything
}

func TestSyncPeople(t *testing.T) {
	s := openSync(t, 1, "text")
	s.Met(Person{ClientID: "bob", Color: 1, Version: 1, Anchor: 2, Head: 4, Moment: 1})
	typeText(t, s, 0, "ab")
	if all := s.People(); len(all) != 1 || all[0].Anchor != 4 || all[0].Head != 6 {
		t.Errorf("%+v", all)
	}
	for i := range 500 { // one client that presents a new editor each time
		s.Met(Person{ClientID: string(rune(0xE000 + i)), Color: 1, Moment: 1})
	}
	if len(s.people) != 1 {
		t.Errorf("%d people are remembered", len(s.people))
	}
	// People who left are remembered while a subscription is under way: its answer may be
	// older.
	s.Resubscribe()
	s.Met(Person{ClientID: "eve", Color: 2, Gone: true, Moment: 2})
	s.Subscribed(Opening{Version: 1, Moment: 2, People: []Person{{ClientID: "eve", Color: 2}, {ClientID: "kim", Color: 0}}})
	if all := s.People(); len(all) != 1 || all[0].ClientID != "kim" {
		t.Errorf("%+v", all)
	}
	s.SetCursor(1, 3)
	s.SetCursor(2, 3)
	count := 0
	for _, e := range s.Effects() {
		if p, ok := e.(Present); ok {
			count++
			if p.Cursor.Anchor != 0 || p.Cursor.Head != 1 { // their positions without the unpushed edits
				t.Errorf("%+v", p.Cursor)
			}
		}
	}
	if count != 1 {
		t.Errorf("%d words about the cursor at once", count)
	}
}
