package flags

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lumenize/lmz/gateway"
)

// Budget is the value of --budget: the limits of each subject that differ from the default.
type Budget struct {
	Into gateway.Budget // what the flag sets

	set []string
}

// BudgetUsage is the help of --budget.
const BudgetUsage = "`limits` of each account, as NAME=VALUE,...: calls, connects, and time as PER-SECOND:BURST\n" +
	"(time in seconds of turns and workers); waiting and stored in bytes (16GiB); sessions,\n" +
	"objects, watches, alarms, and workers as numbers; 'none' is no limit"

// String implements [pflag.Value].
func (b *Budget) String() string { return strings.Join(b.set, ",") }

// Type implements [pflag.Value].
func (b *Budget) Type() string { return "budget" }

// Set implements [pflag.Value].
func (b *Budget) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return fmt.Errorf("%q is not NAME=VALUE, such as stored=16GiB", part)
		}
		if err := b.setOne(name, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.set = append(b.set, name+"="+value)
	}
	return nil
}

func (b *Budget) setOne(name, value string) (err error) {
	rates := map[string]*gateway.Rate{"calls": &b.Into.Calls, "connects": &b.Into.Connects, "time": &b.Into.Time}
	bytes := map[string]*int64{"waiting": &b.Into.Waiting, "stored": &b.Into.Stored}
	numbers := map[string]*int{
		"sessions": &b.Into.Sessions, "objects": &b.Into.Objects, "watches": &b.Into.Watches, "alarms": &b.Into.Alarms, "workers": &b.Into.Workers,
	}
	switch {
	case rates[name] != nil:
		*rates[name], err = parseRate(value)
	case bytes[name] != nil:
		*bytes[name], err = parseBytes(value)
	case numbers[name] != nil:
		var n int64
		n, err = parseCount(value)
		*numbers[name] = int(n)
	default:
		known := []string{"calls", "connects", "time", "waiting", "stored", "sessions", "objects", "watches", "alarms", "workers"}
		slices.Sort(known)
		return fmt.Errorf("unknown budget; the budgets are %s", strings.Join(known, ", "))
	}
	return err
}

const noBudget = "none"

// parseRate reads PER-SECOND:BURST.
func parseRate(text string) (r gateway.Rate, err error) {
	if text == noBudget {
		return gateway.Rate{PerSecond: -1}, nil
	}
	perSecond, burst, ok := strings.Cut(text, ":")
	if r.PerSecond, err = strconv.ParseFloat(perSecond, 64); err == nil && ok {
		r.Burst, err = strconv.Atoi(burst)
	}
	if err != nil || !ok || !(r.PerSecond > 0) || math.IsInf(r.PerSecond, 1) || r.Burst < 1 {
		return r, fmt.Errorf("%q is not PER-SECOND:BURST, such as 100:500", text)
	}
	return r, nil
}

// parseCount reads a number of at least 1, or 'none' as -1.
func parseCount(text string) (int64, error) {
	if text == noBudget {
		return -1, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a whole number of at least 1", text)
	}
	return n, nil
}

// parseBytes reads a number of bytes, with a unit or without, or 'none' as -1.
func parseBytes(text string) (int64, error) {
	if text == noBudget {
		return -1, nil
	}
	digits := strings.TrimRight(text, "KMGTiB")
	shift, ok := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[text[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 1 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a number of bytes, such as 48MiB", text)
	}
	return n << shift, nil
}
