package editor

import (
	"context"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// Callbacks are what an editor does when something arrives for its document. They
// run one at a time and must not wait for the editor. Nil ones are skipped.
type Callbacks struct {
	// OnContent gets the text when the document is opened, when it is opened again
	// after a lost session, and when somebody else changed it. Versions tell what is
	// newer.
	OnContent func(Change)
	// OnFindings gets the spelling of what this client saved last.
	OnFindings func([]Finding)
	// OnError is told that the document could not be opened again after a lost session.
	OnError func(error)
}

// EditorClient is a client that opens documents. Its methods may be called from any
// goroutine.
type EditorClient struct {
	*client.Peer

	mu   sync.Mutex // guards the following field
	open map[string]*OpenDocument
}

// NewClient makes an editor's client from the options of a peer. It sets the handler,
// and opens the documents again whenever OnSubscriptionRequired says so, before it
// calls the one in o.
func NewClient(o client.Options) (*EditorClient, error) {
	c := &EditorClient{open: make(map[string]*OpenDocument)}
	mux := new(lmz.Mux)
	HandleContentUpdate.Expose(mux, lmz.Anyone, c.handleContentUpdate)
	HandleSpellFindings.Expose(mux, lmz.Anyone, c.handleSpellFindings)
	o.Handler = mux
	then := o.OnSubscriptionRequired
	o.OnSubscriptionRequired = func(ctx context.Context) {
		c.openAgain(ctx)
		if then != nil {
			then(ctx)
		}
	}
	var err error
	c.Peer, err = client.New(o)
	return c, err
}

// OpenDocument is a document that an editor has open.
type OpenDocument struct {
	client *EditorClient
	name   string

	mu        sync.Mutex // so that callbacks run one at a time
	callbacks Callbacks
}

// Open opens a document and keeps it open until Close. A document can be open once
// for each client.
func (c *EditorClient) Open(ctx context.Context, name string, callbacks Callbacks) (*OpenDocument, error) {
	d := &OpenDocument{client: c, name: name, callbacks: callbacks}
	c.mu.Lock()
	_, taken := c.open[name]
	if !taken {
		c.open[name] = d
	}
	c.mu.Unlock()
	if taken {
		return nil, lmz.Errorf("document %q is open already", name)
	}
	if err := d.subscribe(ctx); err != nil {
		c.forget(name)
		return nil, err
	}
	return d, nil
}

func (d *OpenDocument) address() lmz.Address { return lmz.At(DocumentBinding, d.name) }

// subscribe asks the document for its text and for what comes after.
func (d *OpenDocument) subscribe(ctx context.Context) error {
	change, err := Open.Call(ctx, d.client, d.address())
	if err == nil {
		tell(d, d.callbacks.OnContent, change)
	}
	return err
}

// tell runs a callback unless it is nil.
func tell[T any](d *OpenDocument, callback func(T), value T) {
	if callback == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	callback(value)
}

// Save replaces the document's text and returns its version.
func (d *OpenDocument) Save(ctx context.Context, content string) (version int, err error) {
	return Update.Call(ctx, d.client, d.address(), content)
}

// Close unsubscribes. The document is closed even if the document does not learn it.
func (d *OpenDocument) Close(ctx context.Context) error {
	d.client.forget(d.name)
	_, err := Unsubscribe.Call(ctx, d.client, d.address())
	return err
}

func (c *EditorClient) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, name)
}

func (c *EditorClient) document(name string) *OpenDocument {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[name]
}

// openAgain subscribes to the documents that are open: the nodes of the mesh do not
// know this session yet.
func (c *EditorClient) openAgain(ctx context.Context) {
	c.mu.Lock()
	var all []*OpenDocument
	for _, d := range c.open {
		all = append(all, d)
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, d := range all {
		if err := d.subscribe(ctx); err != nil {
			tell(d, d.callbacks.OnError, err)
		}
	}
}

func (c *EditorClient) handleContentUpdate(_ context.Context, name string, change Change) (struct{}, error) {
	if d := c.document(name); d != nil {
		tell(d, d.callbacks.OnContent, change)
	}
	return struct{}{}, nil
}

func (c *EditorClient) handleSpellFindings(_ context.Context, name string, findings []Finding) (struct{}, error) {
	if d := c.document(name); d != nil {
		tell(d, d.callbacks.OnFindings, findings)
	}
	return struct{}{}, nil
}

// Documents lists the names of the documents in the workspace.
func (c *EditorClient) Documents(ctx context.Context) ([]string, error) {
	return Documents.Call(ctx, c, lmz.At(WorkspaceBinding, WorkspaceName))
}
