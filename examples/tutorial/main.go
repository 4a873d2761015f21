// Command tutorial is a collaborative editor made of every kind of node. People edit a document
// in their clients. The document, an object, stores it and notifies all of them; a worker checks
// the spelling and reports directly to the author:
//
//	client ── update ──> DOCUMENT_DO ── check ──> SPELLCHECK_WORKER
//	  ^  ^                    │                         │
//	  │  └ handleContentUpdate┘                         │
//	  └──────────── handleSpellFindings ────────────────┘
//
// The client is TypeScript, in the folder client. Names, calls and results are those of the
// original's tutorial, whose clients run here too. Left as an exercise: unsubscribe, and an
// object WORKSPACE_DO that lists the documents.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8789", "where to listen")
	data := flag.String("data", "tutorial-data", "data directory")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	mailbox := new(auth.Mailbox)
	users, mesh, err := open(*data, "http://"+listener.Addr().String(), mailbox)
	if err != nil {
		log.Fatal(err)
	}
	log.Println("the tutorial runs at http://" + listener.Addr().String())
	log.Fatal(http.Serve(listener, routes(users, mesh, mailbox)))
}

// open opens the accounts and the mesh in a data directory, and registers the nodes. It creates
// the two signing keys, BLUE and GREEN, on the first run.
func open(dir, url string, mails auth.Sender) (*auth.Service, *gateway.Gateway, error) {
	users, err := auth.Open(auth.Options{Dir: dir, PublicURL: url, Sender: mails, AutoApprove: true})
	if err != nil {
		return nil, nil, err
	}
	mesh, err := gateway.New(gateway.Options{Dir: dir, Verify: users.Authenticate, Revocations: users.Revocations})
	if err != nil {
		users.Close()
		return nil, nil, err
	}
	users.OnRevoke(mesh.Revoke) // signing out disconnects the user
	mesh.HandleObject(DocumentBinding, object.Kind{New: NewDocument})
	mesh.HandleWorker(SpellcheckBinding, NewSpellcheck)
	mesh.Start()
	return users, mesh, nil
}

// routes returns the entry point: sign-in, the mesh behind it, and 404 for everything else.
func routes(users *auth.Service, mesh *gateway.Gateway, mails *auth.Mailbox) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", users)
	mux.Handle("/gateway/", mesh)
	mux.Handle("/dev/mail", mails) // anyone who can read it can sign in as anyone: development only
	return mux
}
