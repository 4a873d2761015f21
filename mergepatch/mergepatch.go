// Package mergepatch sends changes of a JSON document instead of the whole document: [Diff]
// computes the merge patch (RFC 7396) between two versions, and [Apply] applies it at the other
// end. Apply never fails: every JSON value is a valid patch.
//
// Documents are what [encoding/json.Unmarshal] stores in an any. A merge patch cannot set a
// member to null, because null removes it, and replaces arrays as a whole.
package mergepatch

import "reflect"

// Apply returns target with a merge patch applied. Neither is changed; the result shares what
// the patch does not touch. A patch that is not an object replaces target.
func Apply(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	before, _ := target.(map[string]any)
	after := make(map[string]any, len(before)+len(changes))
	for key, value := range before {
		after[key] = value
	}
	for key, change := range changes {
		if change == nil {
			delete(after, key)
			continue
		}
		after[key] = Apply(before[key], change)
	}
	return after
}

// Diff returns the merge patch that turns before into after, and false if they are equal. The
// patch removes members of after that are null.
func Diff(before, after any) (patch any, changed bool) {
	if reflect.DeepEqual(before, after) {
		return nil, false
	}
	old, isObject := before.(map[string]any)
	now, staysObject := after.(map[string]any)
	if !isObject || !staysObject {
		return after, true
	}
	changes := make(map[string]any)
	for key := range old {
		if _, kept := now[key]; !kept {
			changes[key] = nil
		}
	}
	for key, value := range now {
		was, known := old[key]
		if !known {
			changes[key] = value
		} else if change, differs := Diff(was, value); differs {
			changes[key] = change
		}
	}
	return changes, true
}
