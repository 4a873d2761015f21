package proto

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/lumenize/lmz"
)

// frames has one frame of each kind, as bytes and in diagnostic notation (RFC 8949 section 8).
// PROTOCOL.md shows the same.
var frames = []struct {
	name  string
	frame Frame
	hex   string
	diag  string
}{
	{"hello, first", Frame{Kind: KindHello, Session: SessionID{1, 2, 3}},
		"8410" + "50" + "01020300000000000000000000000000" + "50" + "00000000000000000000000000000000" + "00",
		"[16, h'01020300000000000000000000000000', h'00000000000000000000000000000000', 0]"},
	{"hello, fourth", Frame{Kind: KindHello, Session: SessionID{10}, Resume: SessionID{1}, Ack: 7, Attempt: 4},
		"8510" + "50" + "0a000000000000000000000000000000" + "50" + "01000000000000000000000000000000" + "0704",
		"[16, h'0a000000000000000000000000000000', h'01000000000000000000000000000000', 7, 4]"},
	{"welcome", Frame{Kind: KindWelcome, Resumed: true, Ack: 7, Grace: 5 * time.Second, Heartbeat: 30 * time.Second},
		"8511f507191388197530", "[17, true, 7, 5000, 30000]"},
	{"hello with features", Frame{Kind: KindHello, Session: SessionID{10}, Features: FeatureMissed},
		"8610" + "50" + "0a000000000000000000000000000000" + "50" + "00000000000000000000000000000000" + "0000" + "81666d6973736564",
		"[16, h'0a000000000000000000000000000000', h'00000000000000000000000000000000', 0, 0, [\"missed\"]]"},
	{"welcome with features", Frame{Kind: KindWelcome, Grace: 5 * time.Second, Heartbeat: 30 * time.Second, Features: FeatureMissed},
		"8611f40019138819753081666d6973736564", `[17, false, 0, 5000, 30000, ["missed"]]`},
	{"missed", Frame{Kind: KindMissed, Seq: 9, Ack: 4, From: lmz.At("DOCUMENT_DO", "notes"), Count: 120},
		"86040904" + "6b" + hex.EncodeToString([]byte("DOCUMENT_DO")) + "65" + hex.EncodeToString([]byte("notes")) + "1878",
		`[4, 9, 4, "DOCUMENT_DO", "notes", 120]`},
	{"call", Frame{
		Kind: KindCall, Seq: 1, To: lmz.At("DOCUMENT_DO", "notes"), Timeout: 30 * time.Second,
		Context: []byte{0xa0}, Payload: []byte("\x82iSubscribe\x80"),
	},
		"8901" + "01" + "00" + "6b" + hex.EncodeToString([]byte("DOCUMENT_DO")) + "65" + hex.EncodeToString([]byte("notes")) +
			"197530" + "f4" + "41a0" + "4c" + hex.EncodeToString([]byte("\x82iSubscribe\x80")),
		`[1, 1, 0, "DOCUMENT_DO", "notes", 30000, false, h'a0', h'826953756273637269626580']`},
	{"answer", Frame{Kind: KindAnswer, Seq: 1, Ack: 1, Call: 1, Payload: []byte{0x62, 'h', 'i'}},
		"8602010101" + "60" + "43626869", `[2, 1, 1, 1, "", h'626869']`},
	{"failed answer", Frame{Kind: KindAnswer, Seq: 2, Ack: 2, Call: 2, Failed: lmz.CodeGuard, Payload: []byte{0xf6}},
		"8602020202" + "656775617264" + "41f6", `[2, 2, 2, 2, "guard", h'f6']`},
	{"cancel", Frame{Kind: KindCancel, Seq: 300, Ack: 2, Call: 299}, "840319012c0219012b", "[3, 300, 2, 299]"},
	{"welcome with a name", Frame{Kind: KindWelcome, Features: FeatureMissed, To: lmz.At("", "a.t"), After: time.Minute},
		"8811f4000000" + "81666d6973736564" + "63612e74" + "19ea60", `[17, false, 0, 0, 0, ["missed"], "a.t", 60000]`},
	{"renewed", Frame{Kind: KindRenewed, After: 10 * time.Minute}, "82171a000927c0", "[23, 600000]"},
	{"ack", Frame{Kind: KindAck, Ack: 32}, "82121820", "[18, 32]"},
	{"ping", Frame{Kind: KindPing}, "8113", "[19]"},
	{"pong", Frame{Kind: KindPong}, "8114", "[20]"},
	{"token", Frame{Kind: KindToken, Token: "a.b.c"}, "8215" + "65612e622e63", `[21, "a.b.c"]`},
	{"away", Frame{Kind: KindAway, After: 1500 * time.Millisecond}, "82161905dc", "[22, 1500]"},
}

func TestFramesOfTheProtocol(t *testing.T) {
	for _, tt := range frames {
		got := tt.frame.Append(nil)
		if hex.EncodeToString(got) != tt.hex {
			t.Errorf("%s: got %x, want %s", tt.name, got, tt.hex)
		}
		if diag, err := cbor.Diagnose(got); err != nil || diag != tt.diag {
			t.Errorf("%s: got %s, %v, want %s", tt.name, diag, err, tt.diag)
		}
		back, err := ParseFrame(got)
		if err != nil || !cmp.Equal(back, tt.frame) {
			t.Errorf("%s: read back %+v, %v", tt.name, back, err)
		}
	}
}

func TestFramesOfLaterVersions(t *testing.T) {
	longer := append([]byte{0x83, 0x12, 0x18, 0x20}, 0xf6) // an ack with one more element
	if f, err := ParseFrame(longer); err != nil || f.Ack != 32 {
		t.Errorf("longer: %+v, %v", f, err)
	}
	later := Frame{Kind: KindWelcome, Features: FeatureMissed} // with one more feature and element
	greeting := later.Append(nil)
	greeting = append(greeting[:len(greeting)-8], 0x82, 0x65, 'l', 'a', 't', 'e', 'r', 0x66, 'm', 'i', 's', 's', 'e', 'd', 0xf6)
	greeting[0]++
	if f, err := ParseFrame(greeting); err != nil || f.Features != FeatureMissed {
		t.Errorf("a later welcome: %+v, %v", f, err)
	}
	unknown := []byte{0x82, 0x18, 0x63, 0x61, 'x'}
	if f, err := ParseFrame(unknown); err != nil || f.Kind != 99 {
		t.Errorf("unknown kind: %+v, %v", f, err)
	}
}

func TestBrokenFrames(t *testing.T) {
	for _, tt := range frames {
		whole := tt.frame.Append(nil)
		for n := range whole {
			if _, err := ParseFrame(whole[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were no error", tt.name, n, len(whole))
			}
		}
	}
	for _, broken := range []string{"", "00", "a0", "9f01ff", "81f6", "8201", "84105041005000", "9b7fffffffffffffff01", "85117501020304"} {
		data, _ := hex.DecodeString(broken)
		if f, err := ParseFrame(data); err == nil {
			t.Errorf("%s: no error, %+v", broken, f)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	for _, tt := range frames {
		f.Add(tt.frame.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := ParseFrame(data)
		if err != nil || frameLength[frame.Kind] == 0 {
			return
		}
		again, err := ParseFrame(frame.Append(nil))
		if err != nil || !cmp.Equal(frame, again) {
			t.Errorf("%x: %+v became %+v, %v", data, frame, again, err)
		}
	})
}

func TestFrameAllocations(t *testing.T) {
	data := frames[2].frame.Append(nil)
	if n := testing.AllocsPerRun(100, func() { ParseFrame(data) }); n > 2 {
		t.Errorf("%v allocations, want 2: the binding and the instance", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	f := Frame{
		Kind: KindCall, Seq: 1000, Ack: 999, To: lmz.At("DOCUMENT_DO", "notes"), Timeout: 30 * time.Second,
		Context: []byte{0xa0}, Payload: bytes.Repeat([]byte("x"), 200),
	}
	data := f.Append(nil)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 512)
		for b.Loop() {
			buf = f.Append(buf[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseFrame(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
