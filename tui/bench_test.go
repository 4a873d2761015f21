package tui

import (
	"context"
	"encoding/base64"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/object"
)

// benchGateway serves the editor's mesh on a socket, with SQLite and default limits.
func benchGateway(b *testing.B) (url string) {
	b.Helper()
	g, err := gateway.New(gateway.Options{
		Dir: b.TempDir(),
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) {
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
			return &lmz.Auth{Subject: string(payload[8 : len(payload)-2])}, err
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	g.HandleObject(editor.DocumentBinding, object.Kind{New: editor.NewDocument})
	g.HandleObject(editor.WorkspaceBinding, object.Kind{New: editor.NewWorkspace})
	g.HandleWorker(editor.SpellCheckBinding, editor.NewSpellCheck)
	server := httptest.NewServer(g)
	b.Cleanup(func() {
		g.Close()
		server.Close()
	})
	return server.URL
}

// desktop is an editor without a terminal: its messages arrive through a channel.
type desktop struct {
	*model
	messages chan tea.Msg
}

func openDesktop(b *testing.B, url, user string) *desktop {
	b.Helper()
	d := &desktop{messages: make(chan tea.Msg, 100)}
	d.model = newModel(Options{Document: "notes", Client: client.Options{URL: url}, Getenv: func(string) string { return "" }})
	ctx, cancel := context.WithCancel(context.Background())
	d.ctx = ctx
	var err error
	d.peer, err = client.New(d.clientOptions(client.Options{
		URL: url, Token: func(context.Context, string) (string, error) {
			return "h." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+user+`"}`)) + ".s", nil
		},
	}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		d.doc.Close(ctx)
		cancel()
		d.peer.Close()
		d.peer.Wait()
	})
	d.do(d.Init())
	d.take(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.until(b, d.ready)
	return d
}

func (d *desktop) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, one := range msg {
				d.do(one)
			}
		default:
			select {
			case d.messages <- msg:
			case <-d.ctx.Done():
			}
		}
	}()
}

// take handles a message and draws the screen.
func (d *desktop) take(msg tea.Msg) (screen string) {
	_, cmd := d.Update(msg)
	d.do(cmd)
	return d.View().Content
}

// until handles messages until a condition holds.
func (d *desktop) until(b *testing.B, holds func() bool) {
	b.Helper()
	for timeout := time.After(poll.Patience); !holds(); {
		select {
		case msg := <-d.messages:
			d.take(msg)
		case <-timeout:
			b.Fatalf("it never happened:\n%s", d.View().Content)
		}
	}
}

// BenchmarkKeystrokeToRemoteScreen measures the time from a key in one editor to the screen
// of another, over two loopback sockets and through a document on disk.
func BenchmarkKeystrokeToRemoteScreen(b *testing.B) {
	url := benchGateway(b)
	ann, bob := openDesktop(b, url, "ann"), openDesktop(b, url, "bob")
	stop, seen := make(chan struct{}), make(chan time.Time, 1)
	done := make(chan struct{})
	go func() { // bob looks at his screen
		defer close(done)
		length := 0
		for {
			select {
			case <-stop:
				return
			case msg := <-bob.messages:
				bob.take(msg)
			}
			if len(bob.area.text) > length {
				length = len(bob.area.text)
				seen <- time.Now()
			}
		}
	}()
	var took []time.Duration
	press := func(name string) {
		start := time.Now()
		ann.take(key(name))
		for {
			select {
			case at := <-seen:
				took = append(took, at.Sub(start))
				return
			case msg := <-ann.messages:
				ann.take(msg)
			}
		}
	}
	for _, name := range []string{"t", "e", "h"} { // loads the dictionary
		press(name)
	}
	ann.until(b, func() bool { return len(ann.findings) > 0 })
	took = nil
	for b.Loop() {
		for _, r := range " all work and no play" {
			press(string(r))
		}
		press("enter")
	}
	close(stop)
	<-done
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(0, "ns/op") // it would be the time for a whole line
}

// BenchmarkKeyIn10MB presses keys in a 10 MB text and draws the screen after each.
func BenchmarkKeyIn10MB(b *testing.B) {
	ann := openDesktop(b, benchGateway(b), "ann")
	page := strings.Repeat("All work and no play makes Jack a dull boy, 日本 👍.\n", 1<<20/57)
	for len(ann.area.text) < 10<<20 {
		ann.take(tea.PasteMsg{Content: page})
		ann.until(b, ann.doc.Saved)
	}
	const start, end = "ctrl+home", "ctrl+end"
	for _, c := range []struct{ name, place, key string }{
		{"typing at the start", start, "x"},
		{"typing at the end", end, "x"},
		{"moving at the start", start, "right"},
		{"moving at the end", end, "left"},
		{"paging", start, "pgdown"},
	} {
		b.Run(c.name, func(b *testing.B) {
			ann.take(key(c.place))
			b.ReportAllocs()
			for b.Loop() {
				ann.take(key(c.key))
				for len(ann.messages) > 0 {
					ann.take(<-ann.messages)
				}
			}
			b.StopTimer()
			ann.until(b, ann.doc.Saved)
		})
	}
	b.Run("from one end to the other", func(b *testing.B) {
		for b.Loop() {
			ann.take(key(start))
			ann.take(key(end))
		}
	})
}

// BenchmarkPasteOf1MB pastes into a growing text, and waits until it is saved.
func BenchmarkPasteOf1MB(b *testing.B) {
	ann := openDesktop(b, benchGateway(b), "ann")
	page := strings.Repeat("All work and no play makes Jack a dull boy, 日本 👍.\n", 1<<20/57)
	var screen time.Duration
	for b.Loop() {
		start := time.Now()
		ann.take(tea.PasteMsg{Content: page})
		screen += time.Since(start)
		ann.until(b, ann.doc.Saved)
	}
	b.ReportMetric(float64(screen.Milliseconds())/float64(b.N), "ms-to-screen/op")
}
