package sqldb

import (
	"errors"
	"strings"

	"zombiezen.com/go/sqlite"
)

// authorizer decides what the SQL of an object's own code may do. SQLite calls it while
// preparing a statement.
type authorizer struct {
	own     bool   // a statement of the object's own code is being prepared or run
	refused string // why the last one was refused
	schema  bool   // the last one changes the schema

	readOnly bool // an administrator's statement: may read everything, and write nothing
}

// readPragmas are the pragmas that only read.
var readPragmas = map[string]bool{
	"table_info": true, "table_xinfo": true, "table_list": true, "index_list": true, "index_info": true,
	"index_xinfo": true, "foreign_key_list": true, "foreign_key_check": true, "integrity_check": true,
	"quick_check": true, "function_list": true, "collation_list": true, "compile_options": true, "data_version": true,
}

// onlyLooks reports whether a pragma changes nothing. Full-text and R-tree tables query the
// data version and the page size.
func onlyLooks(a sqlite.Action) bool {
	name := strings.ToLower(a.Pragma())
	return readPragmas[name] || name == "page_size" && a.PragmaArg() == ""
}

// temporary are the operations that create or drop objects that only this connection would
// see.
var temporary = map[sqlite.OpType]bool{
	sqlite.OpCreateTempIndex: true, sqlite.OpCreateTempTable: true, sqlite.OpCreateTempTrigger: true, sqlite.OpCreateTempView: true,
}

// schemaChange are the operations that change the schema, which SQLite does not count
// as changes.
var schemaChange = map[sqlite.OpType]bool{
	sqlite.OpCreateIndex: true, sqlite.OpCreateTable: true, sqlite.OpCreateTrigger: true, sqlite.OpCreateView: true, sqlite.OpCreateVTable: true,
	sqlite.OpDropIndex: true, sqlite.OpDropTable: true, sqlite.OpDropTrigger: true, sqlite.OpDropView: true, sqlite.OpDropVTable: true,
	sqlite.OpAlterTable: true, sqlite.OpReindex: true, sqlite.OpAnalyze: true,
}

// Authorize implements [sqlite.Authorizer].
func (g *authorizer) Authorize(a sqlite.Action) sqlite.AuthResult {
	if !g.own {
		return sqlite.AuthResultOK
	}
	g.schema = g.schema || schemaChange[a.Type()]
	why := whyRefused(a)
	if g.readOnly {
		why = whyNoRead(a)
	}
	if why == "" {
		return sqlite.AuthResultOK
	}
	g.refused = why
	return sqlite.AuthResultDeny
}

// whyNoRead returns why a statement that must only read is refused, or "".
func whyNoRead(a sqlite.Action) string {
	switch op := a.Type(); {
	case op == sqlite.OpPragma && !onlyLooks(a):
		return "PRAGMA " + a.Pragma() + ": an inspection only reads"
	case !reads(op):
		return strings.TrimPrefix(op.String(), "SQLITE_") + ": an inspection only reads"
	}
	return ""
}

// dbpage is a table of the file's pages, and the module that can create it under other
// names.
const dbpage = "sqlite_dbpage"

const inTurn = "a turn is one transaction that the object's runtime commits; to take a part back use Object.Tx"

func whyRefused(a sqlite.Action) string {
	switch op := a.Type(); {
	case op == sqlite.OpTransaction:
		return a.Operation() + ": " + inTurn
	case op == sqlite.OpSavepoint:
		return "SAVEPOINT: " + inTurn
	case op == sqlite.OpAttach:
		return "ATTACH and VACUUM: an object has one file"
	case op == sqlite.OpDetach:
		return "DETACH: an object has one file"
	case op == sqlite.OpPragma && !onlyLooks(a):
		return "PRAGMA " + a.Pragma() + ": the object's runtime sets the file up"
	case temporary[op], schemaChange[op] && strings.EqualFold(a.Database(), "temp"):
		return "a temporary table, index, view or trigger: it would be gone when the object is closed, which can be between any two calls"
	}
	names := []string{a.Table(), a.Index(), a.View(), a.Trigger()}
	if a.Type() == sqlite.OpCreateVTable {
		names = append(names, a.Module())
	}
	for _, name := range names {
		if isOurs(name) {
			return name + ": tables whose names begin with lmz_ belong to the object's runtime"
		}
		if strings.EqualFold(name, dbpage) {
			return name + ": the pages of the file belong to the object's runtime"
		}
	}
	return ""
}

func isOurs(name string) bool {
	return len(name) >= 4 && strings.EqualFold(name[:4], "lmz_")
}

// refusal returns why a query is refused, where SQLite does not call the authorizer, or "".
func refusal(query string) string {
	words := sqlWords(query)
	for i, word := range words {
		switch {
		case strings.EqualFold(word, "ROLLBACK"): // in conflict clauses and triggers too
			return "ROLLBACK: " + inTurn
		case i > 0 && strings.EqualFold(words[0], "ALTER") && isOurs(strings.Trim(word, "\"`[]'")):
			return word + ": names that begin with lmz_ belong to the object's runtime"
		}
	}
	return ""
}

// sqlWords returns the words, quoted names and string literals of a query, without comments.
func sqlWords(query string) (words []string) {
	for i := 0; i < len(query); {
		n := 1
		switch c := query[i]; {
		case c == '"' || c == '`' || c == '\'':
			n = quotedLen(query[i:], c)
			words = append(words, query[i:i+n])
		case c == '[':
			n = quotedLen(query[i:], ']')
			words = append(words, query[i:i+n])
		case strings.HasPrefix(query[i:], "--"):
			n = untilLen(query[i:], "\n")
		case strings.HasPrefix(query[i:], "/*"):
			n = untilLen(query[i:], "*/")
		case isWordByte(c):
			for i+n < len(query) && isWordByte(query[i+n]) {
				n++
			}
			words = append(words, query[i:i+n])
		}
		i += n
	}
	return words
}

// quotedLen returns the length of the quoted text at the beginning of s. A doubled quote
// does not end it in SQL, but here yields two pieces, which is harmless.
func quotedLen(s string, end byte) int {
	if i := strings.IndexByte(s[1:], end); i >= 0 {
		return i + 2
	}
	return len(s)
}

func untilLen(s, end string) int {
	if i := strings.Index(s[2:], end); i >= 0 {
		return i + 2 + len(end)
	}
	return len(s)
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// errRefused returns the error for SQL that an object must not use.
func errRefused(why string) error { return errors.New("refused: " + why) }

// reads reports whether an operation changes nothing.
func reads(op sqlite.OpType) bool {
	switch op {
	case sqlite.OpSelect, sqlite.OpRead, sqlite.OpFunction, sqlite.OpRecursive, sqlite.OpPragma:
		return true
	}
	return false
}
