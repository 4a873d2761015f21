package test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

// TestFewFileDescriptors uses more clients and objects than the process may open files. No call
// may be refused.
func TestFewFileDescriptors(t *testing.T) {
	nofile, clients, objects, rounds := 96, 40, 120, 3
	if soak() {
		nofile, clients, objects, rounds = 256, 200, 1000, 20
	}
	dev := &devServer{t: t, data: t.TempDir(), log: new(bytes.Buffer), nofile: nofile}
	dev.listen("127.0.0.1:0")
	var tokens []string
	for i := range clients / 4 { // a few clients each: the objects of one user are limited too
		tokens = append(tokens, dev.token(fmt.Sprintf("user%d@example.com", i)))
	}
	var connecting, work sync.WaitGroup
	begin := make(chan struct{})
	var mu sync.Mutex
	refused := make(map[string]int)
	for i := range clients {
		p, err := client.New(client.Options{
			URL: dev.url(), Handler: editor.NewDesk(),
			Token: func(context.Context, string) (string, error) { return tokens[i%len(tokens)], nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close(); p.Wait() })
		connecting.Go(func() {
			if err := p.Connect(t.Context()); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
		work.Go(func() {
			<-begin
			for n := range rounds * objects / clients {
				doc := lmz.At(editor.DocumentBinding, fmt.Sprint((i*17+n*31)%objects))
				_, err := editor.Subscribe.Call(t.Context(), p, doc)
				if err == nil {
					_, err = editor.Update.Call(t.Context(), p, doc, fmt.Sprintf("client %d, save %d", i, n))
				}
				if err != nil {
					mu.Lock()
					refused[err.Error()]++
					mu.Unlock()
				}
			}
		})
	}
	connecting.Wait()
	close(begin)
	work.Wait()
	for why, n := range refused {
		t.Errorf("%d calls failed: %s", n, why)
	}
	if t.Failed() {
		t.Logf("%s", dev.log)
	}
}
