package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli/internal/connect"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/object"
)

func objectsCommand(con *console.Console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "objects",
		Short: "Inspect, back up, restore, and remove stored objects (admins)",
		Long: "objects works on what objects have stored. It is for admins only; see\n" +
			"'lmz dev --bootstrap-email'.",
		Args: flags.NoWords,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(objectsLsCommand(con), objectsSQLCommand(con), objectsBackupCommand(con), objectsRestoreCommand(con), objectsRmCommand(con))
	return cmd
}

func objectsLsCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	limit := 0
	cmd := &cobra.Command{
		Use:     "ls [BINDING]",
		Short:   "List the objects that have stored something",
		Long:    "ls lists the objects of one binding, or of all, and the size of their files.",
		Example: "  lmz objects ls\n  lmz objects ls DOCUMENT_DO --json",
		Args:    flags.AtMostWords(1, "BINDING"),
		RunE: func(cmd *cobra.Command, words []string) error {
			return o.Ask(cmd.Context(), con, func(ctx context.Context, peer *client.Peer) error {
				return listObjects(ctx, con, peer, lmz.Worker(admin.Binding), strings.Join(words, ""), o.JSON, limit)
			})
		},
	}
	o.Flags(con, cmd)
	flags.Limit(cmd, &limit)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object per line: binding, instance, bytes, changed, open, error")
	return cmd
}

// listedObject is the JSON of an object in lmz objects ls.
type listedObject struct {
	Binding  string    `json:"binding"`
	Instance string    `json:"instance"`
	Bytes    int64     `json:"bytes"`
	Changed  time.Time `json:"changed"`
	Open     bool      `json:"open"`
	Error    string    `json:"error"` // if the file cannot be read; instance is its name then
}

func (o listedObject) state() string {
	switch {
	case o.Error != "":
		return o.Error
	case o.Open:
		return "open"
	}
	return "closed"
}

// listObjects prints the objects page by page, up to limit.
func listObjects(ctx context.Context, con *console.Console, via lmz.Caller, at lmz.Address, binding string, asJSON bool, limit int) error {
	list := output.List[listedObject]{Out: con.Out, JSON: asJSON, Head: "BINDING INSTANCE BYTES CHANGED STATE", Row: func(o listedObject) []string {
		return []string{o.Binding, o.Instance, strconv.FormatInt(o.Bytes, 10), o.Changed.Local().Format(time.DateTime), o.state()}
	}}
	after := ""
	err := list.Pages(limit, func(want int) (all []listedObject, last bool, err error) {
		page, err := admin.ListObjects.Call(ctx, via, at, binding, after, want)
		for _, o := range page.Objects {
			all = append(all, listedObject(o))
		}
		after = page.Next
		return all, after == "", err
	})
	if err == nil && list.Printed() == 0 && !asJSON {
		fmt.Fprintln(con.Err, "No object has stored anything yet.")
	}
	return err
}

func objectsSQLCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	cmd := &cobra.Command{
		Use:   "sql BINDING INSTANCE QUERY",
		Short: "Query what an object has stored, with SQL",
		Long: "sql runs one read-only query on the file of an object and prints at most 1,000\n" +
			"rows. The query sees the object's own tables and those of the runtime, such as\n" +
			"lmz_kv; lmz_json(value) decodes a stored value. The object is blocked for at\n" +
			"most 5 s, but not started. The table shows each value on one line, and\n" +
			"characters that a terminal could obey as \\u202e; --json is exact.",
		Example: "  lmz objects sql DOCUMENT_DO notes \"select key, lmz_json(value) from lmz_kv\"\n" +
			"  lmz objects sql DOCUMENT_DO notes \"select name, sql from sqlite_schema\" --json",
		Args: flags.Words(3, "BINDING INSTANCE QUERY"),
		RunE: func(cmd *cobra.Command, words []string) error {
			result, err := connect.AskAdmin(cmd.Context(), con, o, func(ctx context.Context, via lmz.Caller, at lmz.Address) (object.QueryResult, error) {
				return admin.QueryObject.Call(ctx, via, at, lmz.At(words[0], words[1]), words[2])
			})
			if err != nil {
				return err
			}
			return printRows(con, result, o.JSON)
		},
	}
	o.Flags(con, cmd)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object: columns, rows (arrays; blobs as {\"hex\"}), more (there are more rows)")
	return cmd
}

func printRows(con *console.Console, result object.QueryResult, asJSON bool) error {
	if asJSON {
		out := struct {
			Columns []string `json:"columns"`
			Rows    [][]any  `json:"rows"`
			More    bool     `json:"more"`
		}{append([]string{}, result.Columns...), append([][]any{}, result.Rows...), result.More}
		for _, row := range out.Rows {
			for i, v := range row {
				if blob, ok := v.([]byte); ok {
					row[i] = map[string]string{"hex": hex.EncodeToString(blob)}
				}
			}
		}
		return output.JSON(con.Out, out)
	}
	rows := [][]string{result.Columns}
	for _, row := range result.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = cell(v)
		}
		rows = append(rows, cells)
	}
	if err := new(output.Table).Print(con.Out, rows); err != nil {
		return err
	}
	if result.More {
		fmt.Fprintln(con.Err, "There are more rows; add conditions or a limit.")
	}
	return nil
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'"
	}
	return fmt.Sprint(v)
}

func objectsBackupCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	cmd := &cobra.Command{
		Use:   "backup BINDING INSTANCE FILE",
		Short: "Back up an object to a file",
		Long: "backup copies what an object has stored to a new file, an SQLite database. The\n" +
			"object waits during the copy, but is not started.",
		Example: "  lmz objects backup DOCUMENT_DO notes notes.backup",
		Args:    flags.Words(3, "BINDING INSTANCE FILE"),
		RunE: func(cmd *cobra.Command, words []string) error {
			return runBackup(cmd.Context(), con, o, lmz.At(words[0], words[1]), words[2])
		},
	}
	o.Flags(con, cmd)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object: binding, instance, file, bytes")
	return cmd
}

func runBackup(ctx context.Context, con *console.Console, o connect.Gateway, of lmz.Address, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return exit.Errorf(exit.Failed, "lmz objects backup BINDING INSTANCE NEWFILE", "cannot write the backup: %v", err)
	}
	size, err := connect.AskAdmin(ctx, con, o, func(ctx context.Context, via lmz.Caller, at lmz.Address) (int64, error) {
		made, err := admin.BackUpObject.Call(ctx, via, at, of)
		if err != nil {
			return 0, err
		}
		defer admin.DropCopy.Call(context.WithoutCancel(ctx), via, at, made.ID)
		for offset := int64(0); offset < made.Bytes; {
			chunk, err := admin.ReadCopy.Call(ctx, via, at, made.ID, offset)
			if err == nil && len(chunk) == 0 {
				err = io.ErrUnexpectedEOF
			}
			if err == nil {
				_, err = f.Write(chunk)
			}
			if err != nil {
				return 0, err
			}
			offset += int64(len(chunk))
		}
		return made.Bytes, f.Sync()
	})
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
		return err
	}
	return printCopied(con, of, path, size, o.JSON, "%s/%s was backed up to %s (%d bytes).\n")
}

func objectsRestoreCommand(con *console.Console) *cobra.Command {
	var o connect.Gateway
	cmd := &cobra.Command{
		Use:   "restore FILE BINDING INSTANCE",
		Short: "Restore an object from a backup, under a new name",
		Long: "restore creates an object from a file that backup wrote: its keys, tables, and\n" +
			"alarms. The new object must not have stored anything yet. Calls and messages\n" +
			"that were under way are left out, because they belong to the object that was\n" +
			"backed up.",
		Example: "  lmz objects restore notes.backup DOCUMENT_DO notes-of-yesterday",
		Args:    flags.Words(3, "FILE BINDING INSTANCE"),
		RunE: func(cmd *cobra.Command, words []string) error {
			return runRestore(cmd.Context(), con, o, words[0], lmz.At(words[1], words[2]))
		},
	}
	o.Flags(con, cmd)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object: binding, instance, file, bytes")
	return cmd
}

// restoreChunk is how many bytes of a file one call carries.
const restoreChunk = 256 << 10

func runRestore(ctx context.Context, con *console.Console, o connect.Gateway, path string, to lmz.Address) error {
	f, err := os.Open(path)
	if err != nil {
		return exit.Errorf(exit.Failed, "", "cannot read the backup: %v", err)
	}
	defer f.Close()
	size, err := connect.AskAdmin(ctx, con, o, func(ctx context.Context, via lmz.Caller, at lmz.Address) (size int64, err error) {
		made, err := admin.NewCopy.Call(ctx, via, at)
		if err != nil {
			return 0, err
		}
		defer admin.DropCopy.Call(context.WithoutCancel(ctx), via, at, made.ID)
		chunk := make([]byte, restoreChunk)
		for {
			n, err := io.ReadFull(f, chunk)
			if n > 0 {
				size += int64(n)
				if _, err := admin.AppendCopy.Call(ctx, via, at, made.ID, chunk[:n]); err != nil {
					return size, err
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			if err != nil {
				return size, err
			}
		}
		_, err = admin.RestoreObject.Call(ctx, via, at, made.ID, to)
		return size, err
	})
	if err != nil {
		return err
	}
	return printCopied(con, to, path, size, o.JSON, "%s/%s was restored from %s (%d bytes).\n")
}

func printCopied(con *console.Console, object lmz.Address, path string, size int64, asJSON bool, text string) error {
	if !asJSON {
		_, err := fmt.Fprintf(con.Out, text, output.Line(object.Binding), output.Line(object.Instance), output.Line(path), size)
		return err
	}
	return output.JSON(con.Out, struct {
		Binding  string `json:"binding"`
		Instance string `json:"instance"`
		File     string `json:"file"`
		Bytes    int64  `json:"bytes"`
	}{object.Binding, object.Instance, path, size})
}
