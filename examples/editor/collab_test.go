package editor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// TestCollaborationWithCodeMirror runs a gateway on a socket with two editors: one in Node
// that uses @codemirror/collab and speaks JSON, and one of ours. Both type 1,000 times at
// once.
func TestCollaborationWithCodeMirror(t *testing.T) {
	const rounds = 1000
	url := serve(t)
	dir := filepath.Join("..", "..", "text", "testdata", "oracle")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "ws")); err != nil {
		t.Fatal("the packages to edit with are missing: run make setup")
	}
	node := exec.Command("node", "collab.mjs", strings.Replace(url, "http", "ws", 1)+"/gateway/"+lmz.DefaultGateway+"/node.tab",
		"lmz", "lmz.access-token."+meshtest.Token("node", nil))
	node.Dir, node.Stderr = dir, t.Output()
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ours := connect(t, url)
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Process.Kill(); node.Wait() })
	fmt.Fprintf(stdin, `{"rounds":%d,"seed":%d}`+"\n", rounds, 1)
	said := bufio.NewReader(stdout)

	r := rand.New(rand.NewPCG(1, 2))
	typed := make(chan error, 1)
	go func() {
		line, err := said.ReadString('\n')
		if err == nil && line != "typed\n" {
			err = fmt.Errorf("node says %q", line)
		}
		typed <- err
	}()
	for round := range rounds {
		typeAtRandom(t, r, ours)
		ours.pull(t)
		if round%8 == 0 {
			ours.saved(t) // so that our typing becomes many edits, among those of the other
		}
	}
	done := false
	ours.until(t, "both are saved", func() bool {
		select {
		case err := <-typed:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		return done && ours.doc.Saved()
	})
	compareWithNode(t, ours, stdin, said, rounds)
}

// compareWithNode compares our text with the one that the other editor prints.
func compareWithNode(t *testing.T, ours *person, stdin io.Writer, said *bufio.Reader, rounds int) {
	t.Helper()
	content, version, err := ReadAll(t.Context(), ours.doc.caller, "notes")
	if err != nil {
		t.Fatal(err)
	}
	ours.until(t, "the last version", func() bool { return ours.doc.Version() == version })
	fmt.Fprintln(stdin, version)
	line, err := said.ReadString('\n')
	var theirs struct {
		Version, Confirmed int
		Text               string
	}
	if err == nil {
		err = json.Unmarshal([]byte(line), &theirs)
	}
	if err != nil || theirs.Text != ours.screen || theirs.Text != content || theirs.Version != version || theirs.Confirmed == 0 {
		t.Fatalf("CodeMirror has %q (version %d), we %q, the document %q (version %d), %v",
			theirs.Text, theirs.Version, ours.screen, content, version, err)
	}
	t.Logf("%d versions, %d of CodeMirror's, %d units", version, theirs.Confirmed, text.Units(content))
	if theirs.Confirmed < rounds/2 || version < theirs.Confirmed+rounds/20 {
		t.Errorf("the two did not edit at once: %d versions, %d of CodeMirror's", version, theirs.Confirmed)
	}
}

func typeAtRandom(t *testing.T, r *rand.Rand, p *person) {
	t.Helper()
	pieces := []string{"b", "words ", "\n", "\r\n", "ü", "o\u0308", "字", "🦊", "👩‍🚀", "🇫🇷"}
	at := boundariesOf(p.screen)
	i := r.IntN(len(at))
	j := i
	if r.IntN(3) == 0 {
		j = min(len(at)-1, i+r.IntN(6))
	}
	insert := ""
	for range r.IntN(4) {
		insert += pieces[r.IntN(len(pieces))]
	}
	c, err := text.New(p.doc.Text().Len(), text.Change{From: at[i], To: at[j], Insert: insert})
	if err != nil {
		t.Fatal(err)
	}
	p.edit(t, c)
}

// serve runs a gateway with the editor's nodes on a socket.
func serve(t testing.TB) (url string) {
	t.Helper()
	g, err := gateway.New(gateway.Options{
		Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) {
			for _, subject := range []string{"node", "ours"} {
				if token == meshtest.Token(subject, nil) {
					return &lmz.Auth{Subject: subject}, nil
				}
			}
			return nil, errors.New("unknown token")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.HandleObject(DocumentBinding, object.Kind{New: NewDocument})
	g.HandleObject(WorkspaceBinding, object.Kind{New: NewWorkspace})
	g.HandleWorker(SpellCheckBinding, NewSpellCheck)
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		g.Close()
		server.Close()
	})
	return server.URL
}

// connect opens the document notes over a socket.
func connect(t testing.TB, url string) *person {
	t.Helper()
	return connectAs(t, url, "ours")
}

func connectAs(t testing.TB, url, subject string) *person {
	t.Helper()
	p := &person{desk: NewDesk(), wake: make(chan struct{}, 1)}
	peer, err := client.New(client.Options{
		URL: url, Handler: p.desk, OnSubscriptionRequired: p.desk.SubscriptionRequired, OnMissed: p.desk.Missed,
		Token: func(context.Context, string) (string, error) { return meshtest.Token(subject, nil), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close(); peer.Wait() })
	if err := peer.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	crowd = append(crowd, p)
	t.Cleanup(func() { crowd = nil })
	p.openVia(t, peer, OpenOptions{Document: "notes"})
	return p
}
