//go:build !js

package editor

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
)

// maxEditor is the longest name of an editor, in bytes.
const maxEditor = 100

// subject is the user on whose behalf a call runs, or "".
func subject(ctx context.Context) string {
	if c, _ := lmz.CallContextFrom(ctx); c.Auth != nil {
		return c.Auth.Subject
	}
	return ""
}

// checkEditor refuses an editor that is not the caller's. Everybody sees the names of the
// editors: who pushed as another would have the other's next edits taken for repeated
// ones, which are not made.
func (d *Document) checkEditor(ctx context.Context, editor string) (known bool, err error) {
	if editor == "" || len(editor) > maxEditor || editor == updater || editor == restorer {
		return false, refused(lmz.Errorf("an editor needs a name of its own, of at most %d bytes", maxEditor))
	}
	var last lastEdit
	known, err = d.KV().Get(ctx, editorPrefix+editor, &last)
	if err == nil && last.Owner != "" && last.Owner != subject(ctx) {
		err = refused(lmz.Errorf("that editor is somebody else's"))
	}
	return known, err
}

// ownEditor makes an editor the caller's, before others learn its name.
func (d *Document) ownEditor(ctx context.Context, editor string) error {
	known, err := d.checkEditor(ctx, editor)
	if err != nil || known {
		return err
	}
	return d.KV().Put(ctx, editorPrefix+editor, lastEdit{At: time.Now().UnixMilli(), Owner: subject(ctx)})
}
