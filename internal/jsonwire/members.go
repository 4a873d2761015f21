package jsonwire

import "strings"

// jsonMember is a member of an object.
type jsonMember struct {
	name       string
	token      int32 // of its value
	wasEscaped bool  // the name had one more $
}

type jsonMembers []jsonMember

// fewMembers is the largest number of members that are searched linearly.
const fewMembers = 8

// membersOf returns the members of the object at token i the way JSON.parse keeps them: among
// members with the same name the last one, in the place of the first.
func (d *jsonDoc) membersOf(i int32) (jsonMembers, error) {
	var members jsonMembers
	for key := i + 1; key < d.tokens[i].next; key = d.tokens[key+1].next {
		name, err := d.string(key)
		if err != nil {
			return nil, err
		}
		members = append(members, jsonMember{name: name, token: key + 1})
	}
	return members.distinct(), nil
}

// distinct drops all but the last of the members with the same name. It modifies m.
func (m jsonMembers) distinct() jsonMembers {
	var places map[string]int
	if len(m) > fewMembers {
		places = make(map[string]int, len(m))
	}
	kept := m[:0]
	for _, member := range m {
		place, known := places[member.name]
		if places == nil {
			place, known = kept.find(member.name)
		}
		if known {
			kept[place] = member
			continue
		}
		if places != nil {
			places[member.name] = len(kept)
		}
		kept = append(kept, member)
	}
	return kept
}

func (m jsonMembers) find(name string) (place int, ok bool) {
	for i := range m {
		if m[i].name == name {
			return i, true
		}
	}
	return 0, false
}

// value returns the token of the member with this name, or -1.
func (m jsonMembers) value(name string) int32 {
	if place, ok := m.find(name); ok {
		return m[place].token
	}
	return -1
}

// unescaped removes one $ from the names that begin with two. It modifies m.
func (m jsonMembers) unescaped() jsonMembers {
	changed := false
	for i, member := range m {
		if strings.HasPrefix(member.name, "$$") {
			m[i].name, m[i].wasEscaped, changed = member.name[1:], true, true
		}
	}
	if !changed {
		return m
	}
	return m.distinct()
}
