package web

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/object"
)

// These tests run testdata/programs/program.ts, which is written for the original's
// client, with only its import changed.

const originalImport = "@lumenize/mesh/client"

// ranEverywhere is the program's output.
var ranEverywhere = []string{
	"connecting",
	"true, 2023-11-14T22:13:20.123Z, 86400000, now,then,later",
	"true, 1000000000000000000000000000000, undefined, NaN, 65535, true",
	"true, inner, outer",
	"7, true",
	"nothing is called absent here",
	"true, LUMENIZE_CLIENT_GATEWAY, LumenizeClient",
	"connecting",
	"connected",
	"n1 opened: ",
	"n1: hello, for somebody",
	"fail: true, true, out of range",
	"guarded: true, true, not now",
	"1",
	"disconnected",
}

// usedMembers is the output of the other program, which uses every member, option and name.
var usedMembers = []string{
	"true",
	"5, 5",
	"true, connecting,connected",
	"7",
	"TypeError",
	"n1: hello, LumenizeClient, true",
	"true, LimitError, one is enough, false",
	"Peer-to-peer client calls are disabled by default. Override onBeforeCall() to allow them.",
	"true, false",
	"false",
	`POST, https://example.com/a%20b, 1, {"a":[1]}, same-origin`,
	"201, 2, 7",
	"3",
	"true, true, false, true, false",
	"4",
	`{"type":"apply","args":[{"n":5},6]}, call, 4409, false, function`,
	"Client disconnected, Client disconnected",
	"Invalid remoteContinuation: must be created with this.ctn()",
	"Invalid remoteContinuation: must be created with this.ctn()",
	"Invalid handlerContinuation: must be created with this.ctn()",
	"Cannot access callContext outside of a mesh call. callContext is only available during @mesh handler execution.",
	"LumenizeClient requires baseUrl in Node.js environments",
	"Message queue full",
	"Client disconnected",
}

// notes is an object that the program calls.
type notes struct {
	*object.Object
	lmz.Mux
}

func newNotes(o *object.Object) lmz.Handler {
	n := &notes{Object: o}
	lmz.Method0[string]("subscribe").Expose(&n.Mux, lmz.Anyone, n.subscribe)
	lmz.Method1[string, struct{}]("write").Expose(&n.Mux, lmz.Anyone, n.write)
	lmz.Method1[map[string]time.Time, lmz.Map]("stamps").Expose(&n.Mux, lmz.Anyone, n.stamps)
	lmz.Method1[string, struct{}]("fail").Expose(&n.Mux, lmz.Anyone, n.fail)
	return n
}

func (n *notes) subscribe(ctx context.Context) (string, error) {
	c, _ := lmz.CallContextFrom(ctx)
	return "", n.KV().Put(ctx, "subscriber", c.Caller().Instance)
}

func (n *notes) write(ctx context.Context, text string) (struct{}, error) {
	var subscriber string
	if _, err := n.KV().Get(ctx, "subscriber", &subscriber); err != nil {
		return struct{}{}, err
	}
	c, _ := lmz.CallContextFrom(ctx)
	return struct{}{}, n.Send(ctx, lmz.At(lmz.DefaultGateway, subscriber), lmz.Ctn("handleContentUpdate", c.Self.Instance, text))
}

func (n *notes) stamps(_ context.Context, stamps map[string]time.Time) (lmz.Map, error) {
	back := lmz.Map{{Key: "now", Value: stamps["now"]}, {Key: "then", Value: stamps["then"]}}
	return append(back, lmz.MapEntry{Key: "later", Value: stamps["then"].Add(24 * time.Hour)}), nil
}

func (n *notes) fail(ctx context.Context, how string) (struct{}, error) {
	switch how {
	case "range":
		return struct{}{}, &lmz.Error{Name: "RangeError", Message: "out of range"}
	case "guarded":
		c, _ := lmz.CallContextFrom(ctx)
		_, err := n.CallRaw(ctx, c.Caller().Address, lmz.Ctn("guarded"))
		return struct{}{}, err
	}
	return struct{}{}, lmz.Errorf("nothing is called %s here", how)
}

// programs is a folder with the program, adapted to one environment after the other.
type programs struct {
	t    *testing.T
	site *site
	dir  string
}

func newPrograms(t *testing.T, s *site) *programs {
	t.Helper()
	p := &programs{t, s, t.TempDir()}
	modules := p.root("web/testdata/programs/node_modules")
	if _, err := os.Stat(filepath.Join(modules, "typescript")); err != nil { // a fresh checkout
		p.command("", "npm", "ci", "--silent", "--prefix", filepath.Dir(modules))
	}
	if err := os.CopyFS(p.dir, without{os.DirFS("testdata/programs")}); err != nil {
		t.Fatal(err)
	}
	p.command("", "node", p.root("scripts/build-npm.mjs"), filepath.Join(p.dir, "node_modules/@lumenize/lmz"))
	for _, name := range []string{"ws", "@typescript", "typescript"} {
		if err := os.Symlink(filepath.Join(modules, name), filepath.Join(p.dir, "node_modules", name)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// without is a folder without node_modules.
type without struct{ fs.FS }

func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "node_modules" }), err
}

// root returns the path of a file of the repository.
func (p *programs) root(name string) string {
	path, err := filepath.Abs(filepath.Join("..", name))
	if err != nil {
		p.t.Fatal(err)
	}
	return path
}

// tool returns the path of a program installed by npm.
func (p *programs) tool(name string) string {
	return p.root("web/testdata/programs/node_modules/.bin/" + name)
}

// command runs a program in the folder and returns what it prints.
func (p *programs) command(input, name string, args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), name, args...)
	cmd.Dir, cmd.Stdin = p.dir, strings.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s%s", filepath.Base(name), err, out, &stderr)
	}
	return string(out)
}

func (p *programs) read(name string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

// write writes a file to the folder, with old replaced in it.
func (p *programs) write(name, text, old, replacement string) {
	p.t.Helper()
	if strings.Count(text, old) != 1 {
		p.t.Fatalf("%s: %q occurs %d times", name, old, strings.Count(text, old))
	}
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(strings.Replace(text, old, replacement, 1)), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

// check compares the program's output.
func (p *programs) check(output string) {
	p.t.Helper()
	p.said(output, ranEverywhere)
}

func (p *programs) said(output string, want []string) {
	p.t.Helper()
	var lines []string
	if err := json.Unmarshal([]byte(output), &lines); err != nil {
		p.t.Fatalf("%v: %s", err, output)
	}
	if !slices.Equal(lines, want) {
		p.t.Errorf("it said\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestProgramOfOriginalClient(t *testing.T) {
	s := startSite(t)
	p := newPrograms(t, s)
	source := p.read("program.ts")
	p.write("program.ts", source, originalImport, "@lumenize/lmz")
	p.write("members.ts", p.read("members.ts"), originalImport, "@lumenize/lmz")
	token, err := auth.Mint(s.dir, func(string) string { return "" }, "ada@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			p.t = t

			f(t)
		})
	}
	in("the strict compiler takes it, and refuses what is wrong", func(t *testing.T) {
		p.command("", p.tool("tsc"), "-p", ".")
		p.command("", p.tool("tsc"), "-p", ".", "--module", "nodenext", "--moduleResolution", "nodenext", "--noEmit")
	})
	in("Node.js 20", func(t *testing.T) { p.check(p.command("", "node", "run.mjs", "./out/program.js", s.direct, token)) })
	in("Node.js 20, server that speaks only lmz", func(t *testing.T) {
		p.check(p.command("", "node", "run.mjs", "./out/program.js", s.direct+"/original", token))
	})
	for _, server := range []string{"", "/original"} {
		in("each member, option and name: "+s.direct+server, func(t *testing.T) {
			p.said(p.command("", "node", "run.mjs", "./out/members.js", s.direct+server, token), usedMembers)
		})
	}
	in("Bun", func(t *testing.T) {
		bun, _ := filepath.Glob(p.root("web/testdata/programs/node_modules/@oven/bun-*/bin/bun"))
		if len(bun) == 0 {
			t.Fatal("there is no Bun for this machine: run make setup")
		}
		p.check(p.command("", bun[0], "run.mjs", "./out/program.js", s.direct, token))
	})

	p.t = t
	// A page without a bundler can import the module only by its URL.
	p.write("page.ts", source, originalImport, "/lmz/lmz.js")
	p.command("", p.tool("esbuild"), "page.ts", "--target=es2022", "--outfile=page.js")
	p.command("", p.tool("esbuild"), "program.ts", "--bundle", "--minify", "--format=esm", "--target=es2022", "--outfile=bundle/bundle.js")
	if err := os.Link(filepath.Join(p.dir, "node_modules/@lumenize/lmz/lmz.wasm"), filepath.Join(p.dir, "bundle/lmz.wasm")); err != nil {
		t.Fatal(err)
	}
	worker := p.read("worker.mjs")
	p.write("worker.js", worker, "./program.js", "./page.js")
	s.extra.Store(http.StripPrefix("/programs/", http.FileServer(http.Dir(p.dir))))
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.url + "/programs/"))
	run := func(program string) string {
		return b.run(`const { main } = await import('` + program + `');
			return JSON.stringify(await main({ refresh: async () => ({ access_token: '` + token + `' }) }));`)
	}
	in("a page without a bundler", func(t *testing.T) { p.check(run("/programs/page.js")) })
	in("a bundle", func(t *testing.T) { p.check(run("/programs/bundle/bundle.js")) })
	in("a Worker", func(t *testing.T) {
		p.check(b.run(`const worker = new Worker('/programs/worker.js', { type: 'module' });
			worker.postMessage({ baseUrl: location.origin, token: '` + token + `' });
			return JSON.stringify(await new Promise((resolve, reject) => {
				worker.onmessage = ({ data }) => resolve(data);
				worker.onerror = (event) => reject(new Error(event.message));
			}));`))
	})
}
