package text

// maxSteps is the number of steps that can be undone.
const maxSteps = 1000

// history holds the steps that can be undone and redone.
type history struct {
	undo, redo stack
	joins      bool // the next edit may join the last step
	caret      int  // the end of the last edit
}

// stack is a list of steps, the newest on top. A step applies to the text once the steps
// above it are applied, without what others did since.
type stack []step

type step struct {
	changes ChangeSet
	over    []ChangeSet // others' changes that the step is not mapped over yet
}

func (s *stack) push(changes ChangeSet) {
	*s = append(*s, step{changes: changes})
	if len(*s) > maxSteps {
		*s = append(stack(nil), (*s)[len(*s)-maxSteps:]...)
	}
}

// pop removes the top step, maps it over others' changes, and passes those to the step
// below.
func (s *stack) pop() (ChangeSet, bool) {
	if len(*s) == 0 {
		return ChangeSet{}, false
	}
	top := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	for _, over := range top.over {
		changes := must(top.changes.Map(over, false))
		if len(*s) > 0 {
			below := &(*s)[len(*s)-1]
			below.over = append(below.over, must(over.Map(top.changes, true)))
		}
		top.changes = changes
	}
	return top.changes, true
}

// typed adds an edit of the user and its inverse.
func (h *history) typed(changes, inverse ChangeSet) {
	h.redo = nil
	at, count := Change{}, 0
	for c := range changes.Changes() {
		at = c
		count++
	}
	end := at.From + Units(at.Insert)
	if h.joins && count == 1 && len(h.undo) > 0 && (at.From == h.caret || at.To == h.caret) {
		last, _ := h.undo.pop()
		inverse = must(inverse.Compose(last))
	}
	h.undo.push(inverse)
	h.joins, h.caret = count == 1, end
}

// remote records another client's change.
func (h *history) remote(changes ChangeSet) {
	for _, s := range []stack{h.undo, h.redo} {
		if len(s) > 0 {
			top := &s[len(s)-1]
			top.over = append(top.over, changes)
		}
	}
	h.caret = changes.MapPos(h.caret, -1)
}

// boundary makes the next edit begin a new step.
func (h *history) boundary() { h.joins = false }
