package text

import "time"

// Effect is an action that a [Sync] requests: a [Subscribe], [Load], [Fetch], [Push],
// [Present], [Store], [Wait] or [Wake].
type Effect interface{ effect() }

// Subscribe asks the document for its state and for all later edits and cursors. Answer
// with [Sync.Subscribed], or with [Sync.Failed] and call number 0.
type Subscribe struct{}

// Load reads the rest of a text whose first part is in the opening. Answer with
// [Sync.Loaded].
type Load struct {
	Call    int
	Opening *Opening // read-only
}

// Fetch asks the document for the edits made since a version. Answer with [Sync.Fetched].
type Fetch struct{ Call, Since int }

// Push sends edits that are based on a version. Answer with [Sync.Pushed].
type Push struct {
	Call  int
	Base  int
	Edits []Edit
}

// Present tells the document where this user's cursor is. It needs no answer: the next
// cursor move makes up for a lost one.
type Present struct{ Cursor Cursor }

// Store writes records to the journal, in order; a record without edits is deleted. Answer
// with [Sync.Stored].
type Store struct{ Records []Record }

// Wait starts a timer, replacing an earlier one of the same kind. Call [Sync.Due] when it
// expires.
type Wait struct {
	Timer Timer
	For   time.Duration
}

// Wake says that [Sync.Pull] has news. It is not repeated before the Pull.
type Wake struct{}

func (Subscribe) effect() {}
func (Load) effect()      {}
func (Fetch) effect()     {}
func (Push) effect()      {}
func (Present) effect()   {}
func (Store) effect()     {}
func (Wait) effect()      {}
func (Wake) effect()      {}

// Timer is a kind of timer.
type Timer int

// The timers of a Sync.
const (
	RetryTimer   Timer = iota // until a failed call is retried
	GapTimer                  // until missing versions are fetched
	JournalTimer              // until typed text is written to the journal
	CursorTimer               // until the cursor may be presented again
)

// How long a Sync waits.
const (
	holePatience = 50 * time.Millisecond // for missing versions to arrive unasked
	echoPatience = 3 * time.Second       // for pushed edits to arrive after the answer
	journalDelay = 300 * time.Millisecond
	cursorPause  = 100 * time.Millisecond // between two Present effects
)

// retryDelays are the pauses after one failure, two failures, and so on.
var retryDelays = [...]time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}

// Failure is the reason for a failed call. Its values are error names on the wire; a Sync
// takes any value other than those below for a temporary failure.
type Failure string

// The failures that a Sync knows.
const (
	// Refused says that the document rejected a push for good: none of its edits was applied.
	Refused Failure = "EditRefused"
	// TooOld says that the document no longer knows the edits since a version.
	TooOld Failure = "VersionTooOld"
	// NotSubscribed says that a guard of the document refused the call: this client is not
	// one of its subscribers.
	NotSubscribed Failure = "guard"
)

// Step is a stage in the work of a Sync.
type Step int

// The steps, in the order in which a Sync takes them.
const (
	NoStep      Step = iota
	StepOpen         // subscribing and reading the text
	StepReplay       // pushing unsaved edits of earlier openings
	StepCatchUp      // fetching others' edits
	StepPush         // pushing new edits
)
