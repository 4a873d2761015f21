// Package proto defines what nodes send each other, and how a call is made within a process.
//
// A [Frame] is one message of the subprotocol lmz.cbor: its header is parsed by hand, and its
// contents stay encoded until the node that needs them decodes them. A [Call] is a call on its
// way to a [Node], and an [Answer] its outcome. [Execute] runs the methods that a call names.
package proto

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// Subprotocols that a client offers, in order (PROTOCOL.md, "Connecting").
const (
	SubprotocolCBOR = "lmz.cbor"
	SubprotocolJSON = "lmz"
)

// MaxFrame is the largest frame that either side accepts, in bytes. Payloads
// are checked against [MaxPayload] when they are encoded.
const MaxFrame = 1 << 20

// MaxPayload is the largest chain or answer: a frame less the room for its header
// and call context.
const MaxPayload = MaxFrame - 16<<10

// Kind is the first element of a frame.
type Kind uint64

// The kinds of frame. The first four are numbered, and repeated after a resume until they are
// acknowledged; the others belong to one link. Unknown kinds are ignored.
const (
	KindCall    Kind = 1
	KindAnswer  Kind = 2
	KindCancel  Kind = 3
	KindMissed  Kind = 4 // calls without a reply that were dropped; only for peers with FeatureMissed
	KindHello   Kind = 16
	KindWelcome Kind = 17
	KindAck     Kind = 18
	KindPing    Kind = 19
	KindPong    Kind = 20
	KindToken   Kind = 21 // the client's next access token, instead of the one it connected with
	KindAway    Kind = 22 // the gateway will close the link; says when to reconnect
	KindRenewed Kind = 23 // the gateway accepted the client's next token; says how long it is valid
)

// Numbered reports whether frames of this kind carry a number and are repeated.
func (k Kind) Numbered() bool { return k >= KindCall && k <= KindMissed }

// Frame is one frame of the subprotocol lmz.cbor. Which fields are used depends on its kind;
// PROTOCOL.md has the table. Byte slices share memory with the parsed data.
type Frame struct {
	Kind Kind
	Seq  uint64 // numbered kinds: this frame's number, from 1
	Ack  uint64 // highest number received from the other side

	// call
	To      lmz.Address   // welcome: the client's address; only the instance travels
	Timeout time.Duration // until its deadline, whole milliseconds
	NoReply bool
	Context []byte // encoded call context
	Again   CallID // the call's id in a session that has ended; zero: it is new

	// call: the caller, known only to the sender; missed: the sender of the dropped calls
	From  lmz.Address
	Count uint64 // missed: their number

	// call: encoded chain; answer: encoded value or error
	Payload []byte

	// answer, cancel: the number of the call
	Call   uint64
	Failed lmz.Code // answer: "" or who failed

	// hello: the session to resume, zero for none, and the id of a new one in case that has ended;
	// welcome: whether the session was resumed
	Resume    SessionID
	Session   SessionID
	Attempt   uint64 // hello: counts the client's links, to recognize a late hello; 0: unknown
	Resumed   bool
	Token     string        // token
	After     time.Duration // away: when to reconnect; welcome, renewed: how long the token is valid, 0: unknown; whole milliseconds
	Grace     time.Duration // welcome: how long a dropped session is kept, whole milliseconds
	Heartbeat time.Duration // welcome: how often to ping, whole milliseconds
	Features  Features      // hello, welcome: the features of the sender
}

// Append appends the encoding of f to dst.
func (f *Frame) Append(dst []byte) []byte {
	w := frameWriter{dst}
	switch f.Kind {
	case KindCall:
		again := f.Again != CallID{}
		w.begin(callLength(again), f.Kind)
		w.uint(f.Seq)
		w.uint(f.Ack)
		w.text(f.To.Binding)
		w.text(f.To.Instance)
		w.duration(f.Timeout)
		w.bool(f.NoReply)
		w.bytes(f.Context)
		w.bytes(f.Payload)
		if again {
			w.bytes(f.Again.Session[:])
			w.uint(f.Again.Number)
		}
	case KindAnswer:
		w.begin(6, f.Kind)
		w.uint(f.Seq)
		w.uint(f.Ack)
		w.uint(f.Call)
		w.text(string(f.Failed))
		w.bytes(f.Payload)
	case KindCancel:
		w.begin(4, f.Kind)
		w.uint(f.Seq)
		w.uint(f.Ack)
		w.uint(f.Call)
	case KindMissed:
		w.begin(frameLength[KindMissed], f.Kind)
		w.uint(f.Seq)
		w.uint(f.Ack)
		w.text(f.From.Binding)
		w.text(f.From.Instance)
		w.uint(f.Count)
	case KindHello:
		n := helloLength(f)
		w.begin(n, f.Kind)
		w.bytes(f.Session[:])
		w.bytes(f.Resume[:])
		w.uint(f.Ack)
		if n >= attemptLength {
			w.uint(f.Attempt)
		}
		if n >= helloFeatures {
			w.features(f.Features)
		}
	case KindWelcome:
		n := welcomeLength(f)
		w.begin(n, f.Kind)
		w.bool(f.Resumed)
		w.uint(f.Ack)
		w.duration(f.Grace)
		w.duration(f.Heartbeat)
		if n >= welcomeFeatures {
			w.features(f.Features)
		}
		if n >= welcomeName {
			w.text(f.To.Instance)
			w.duration(f.After)
		}
	case KindAck:
		w.begin(2, f.Kind)
		w.uint(f.Ack)
	case KindToken:
		w.begin(2, f.Kind)
		w.text(f.Token)
	case KindAway, KindRenewed:
		w.begin(2, f.Kind)
		w.duration(f.After)
	default: // ping, pong
		w.begin(1, f.Kind)
	}
	return w.buf
}

// callLength returns the number of elements of a call.
func callLength(again bool) uint64 {
	if again {
		return againLength
	}
	return frameLength[KindCall]
}

// helloLength returns the number of elements of a hello.
func helloLength(f *Frame) uint64 {
	switch {
	case f.Features != 0:
		return helloFeatures
	case f.Attempt > 0:
		return attemptLength
	}
	return frameLength[KindHello]
}

// welcomeLength returns the number of elements of a welcome.
func welcomeLength(f *Frame) uint64 {
	switch {
	case f.To.Instance != "":
		return welcomeName
	case f.Features != 0:
		return welcomeFeatures
	}
	return frameLength[KindWelcome]
}

// The lengths of frames with elements that the first version lacked.
const (
	againLength     = 11 // a repeated call
	attemptLength   = 5  // a hello with its attempt
	helloFeatures   = 6  // a hello with features
	welcomeFeatures = 6  // a welcome with features
	welcomeName     = 8  // a welcome with the client's name and the lifetime of its token
)

// ParseFrame decodes one frame. For an unknown kind it sets only Kind. It ignores elements after
// the known ones, so that later versions can add some.
func ParseFrame(data []byte) (Frame, error) {
	r := frameReader{data: data}
	var f Frame
	n := r.head(cbordoc.MajorArray)
	f.Kind = Kind(r.uint())
	want, known := frameLength[f.Kind]
	if r.err == nil && known && n < want {
		return f, errors.New("frame of kind " + strconv.FormatUint(uint64(f.Kind), 10) + " is too short")
	}
	if r.err != nil || !known {
		return f, r.err
	}
	r.fields(&f, n)
	return f, r.err
}

// frameLength is the minimum number of elements of each known kind of frame.
var frameLength = map[Kind]uint64{
	KindCall: 9, KindAnswer: 6, KindCancel: 4, KindHello: 4, KindWelcome: 5, KindAck: 2, KindPing: 1, KindPong: 1,
	KindToken: 2, KindAway: 2, KindMissed: 6, KindRenewed: 2,
}

// fields reads the elements after the kind in a frame of n elements.
func (r *frameReader) fields(f *Frame, n uint64) {
	if f.Kind.Numbered() {
		f.Seq, f.Ack = r.uint(), r.uint()
	}
	switch f.Kind {
	case KindCall:
		f.To.Binding = string(r.text())
		f.To.Instance = string(r.text())
		f.Timeout = r.duration()
		f.NoReply = r.bool()
		f.Context = r.bytes()
		f.Payload = r.bytes()
		if n >= againLength {
			f.Again = CallID{Session: r.session(), Number: r.uint()}
		}
	case KindAnswer:
		f.Call = r.uint()
		f.Failed = lmz.Code(r.text())
		f.Payload = r.bytes()
	case KindCancel:
		f.Call = r.uint()
	case KindHello:
		f.Session, f.Resume = r.session(), r.session()
		f.Ack = r.uint()
		if n >= attemptLength {
			f.Attempt = r.uint()
		}
		if n >= helloFeatures {
			f.Features = r.features()
		}
	case KindWelcome:
		f.Resumed = r.bool()
		f.Ack = r.uint()
		f.Grace = r.duration()
		f.Heartbeat = r.duration()
		if n >= welcomeFeatures {
			f.Features = r.features()
		}
		if n >= welcomeName {
			f.To.Instance = string(r.text())
			f.After = r.duration()
		}
	case KindMissed:
		f.From.Binding = string(r.text())
		f.From.Instance = string(r.text())
		f.Count = min(r.uint(), math.MaxInt32)
	case KindAck:
		f.Ack = r.uint()
	case KindToken:
		f.Token = string(r.text())
	case KindAway, KindRenewed:
		f.After = r.duration()
	}
}

// frameWriter writes a frame without the codec of values.
type frameWriter struct{ buf []byte }

func (w *frameWriter) begin(n uint64, k Kind) {
	w.buf = cbordoc.AppendHead(w.buf, cbordoc.MajorArray, n)
	w.uint(uint64(k))
}

// The writers of elements are not inlined: that would repeat their code thirty times in the
// browser's module.

//go:noinline
func (w *frameWriter) uint(n uint64) { w.buf = cbordoc.AppendHead(w.buf, cbordoc.MajorUint, n) }

//go:noinline
func (w *frameWriter) text(s string) { w.buf = cbordoc.AppendText(w.buf, s) }

//go:noinline
func (w *frameWriter) bytes(b []byte) { w.buf = cbordoc.AppendBytes(w.buf, b) }

//go:noinline
func (w *frameWriter) bool(b bool) { w.buf = cbordoc.AppendBool(w.buf, b) }

//go:noinline
func (w *frameWriter) duration(d time.Duration) {
	w.uint(uint64(max(d, 0) / time.Millisecond))
}

// frameReader reads a frame. After the first error every read returns the zero
// value.
type frameReader struct {
	data []byte
	pos  int
	err  error
}

func (r *frameReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.pos = len(r.data)
}

// head reads the head of an item of this major type and returns its argument.
func (r *frameReader) head(major byte) uint64 {
	h, next, err := cbordoc.ReadHead(r.data, r.pos)
	switch {
	case r.err != nil:
		return 0
	case err != nil:
		r.fail(err)
		return 0
	case h.Major != major:
		r.fail(cbordoc.Malformed(r.pos, "major type "+strconv.Itoa(int(h.Major))+" where "+strconv.Itoa(int(major))+" belongs"))
		return 0
	}
	r.pos = next
	return h.Arg
}

func (r *frameReader) uint() uint64 { return r.head(cbordoc.MajorUint) }

func (r *frameReader) take(major byte) []byte {
	n := r.head(major)
	if n > uint64(len(r.data)-r.pos) {
		r.fail(cbordoc.Malformed(r.pos, "the data ends early"))
		return nil
	}
	start := r.pos
	r.pos += int(n)
	return r.data[start:r.pos:r.pos]
}

func (r *frameReader) bytes() []byte { return r.take(cbordoc.MajorBytes) }
func (r *frameReader) text() []byte  { return r.take(cbordoc.MajorText) }

func (r *frameReader) session() (id SessionID) {
	b := r.bytes()
	if r.err == nil && len(b) != len(id) {
		r.fail(cbordoc.Malformed(r.pos, "a session id has 16 bytes"))
	}
	copy(id[:], b)
	return id
}

// MaxTimeout is the longest duration on the wire. It also stands for no deadline.
const MaxTimeout = 366 * 24 * time.Hour

func (r *frameReader) duration() time.Duration {
	return time.Duration(min(r.uint(), uint64(MaxTimeout/time.Millisecond))) * time.Millisecond
}

func (r *frameReader) bool() bool {
	if r.err != nil {
		return false
	}
	if r.pos >= len(r.data) || (r.data[r.pos] != cbordoc.ByteTrue && r.data[r.pos] != cbordoc.ByteFalse) {
		r.fail(cbordoc.Malformed(r.pos, "true or false belongs here"))
		return false
	}
	r.pos++
	return r.data[r.pos-1] == cbordoc.ByteTrue
}
