package secret

// familyPart is the length of the common prefix of all refresh tokens of a session, its family:
// 126 random bits. Anyone who has them can end the session, as with any replaced token. The other
// 132 bits differ.
const familyPart = 21

// FamilyHash returns the hash that identifies a family, from any of its tokens.
func FamilyHash(token string) string {
	return Hash("family " + token[:min(familyPart, len(token))])
}

// InFamily returns a token of the family of token that ends like next. Both must be as long as
// the result of [New].
func InFamily(token, next string) string { return token[:familyPart] + next[familyPart:] }
