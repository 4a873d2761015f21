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

// checkEditor refuses an editor that does not belong to the caller. Editors are visible to
// everyone: pushing as somebody else's editor would make that editor's next edits look like
// repetitions, which are not applied.
func (d *Document) checkEditor(ctx context.Context, editor string) (known bool, err error) {
	if editor == "" || len(editor) > maxEditor || editor == updater || editor == restorer {
		return false, refused(lmz.Errorf("the name of an editor must have 1 to %d bytes and not be reserved", maxEditor))
	}
	var last lastEdit
	known, err = d.KV().Get(ctx, editorPrefix+editor, &last)
	if err == nil && last.Owner != "" && last.Owner != subject(ctx) {
		err = refused(lmz.Errorf("that editor belongs to somebody else"))
	}
	return known, err
}

// ownEditor assigns an editor to the caller, before others learn its name.
func (d *Document) ownEditor(ctx context.Context, editor string) error {
	known, err := d.checkEditor(ctx, editor)
	if err != nil || known {
		return err
	}
	return d.KV().Put(ctx, editorPrefix+editor, lastEdit{At: time.Now().UnixMilli(), Owner: subject(ctx)})
}
