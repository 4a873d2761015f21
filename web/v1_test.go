package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestJournalOfVersion1 makes the page push the edits that version 1's page could not
// (testdata/v1/README.md).
func TestJournalOfVersion1(t *testing.T) {
	t.Parallel()
	const v1 = "../testdata/v1"
	s := startSite(t)
	documents := filepath.Join("objects", "DOCUMENT_DO")
	if err := os.CopyFS(filepath.Join(s.dir, documents), os.DirFS(filepath.Join(v1, "data", documents))); err != nil {
		t.Fatal(err)
	}
	var record struct{ Key, Value json.RawMessage }
	data, err := os.ReadFile(v1 + "/journal/page.json")
	if err == nil {
		err = json.Unmarshal(data, &record)
	}
	if err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	b.signIn(s, "bob@example.com")
	b.open("other")
	b.run(`const request = indexedDB.open('lmz', 1);
		const database = await new Promise((done) => { request.onsuccess = () => done(request.result); });
		const claims = JSON.parse(atob((await (await fetch('/auth/refresh-token', { method: 'POST' })).json()).access_token.split('.')[1]));
		const store = database.transaction('unsaved', 'readwrite').objectStore('unsaved');
		const put = store.put(` + string(record.Value) + `, [claims.sub, ...` + string(record.Key) + `.slice(1)]);
		await new Promise((done) => { put.onsuccess = done; });
		database.close();`)
	b.do(chromedp.Navigate(s.url+"/#notes"), chromedp.Reload())
	b.until(`document.body.dataset.document === 'notes' && document.getElementById('text').text.includes('in the page')`)
}
