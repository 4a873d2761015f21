package secret

// familyPart is how many characters all refresh tokens of a session, its family, begin with:
// 126 random bits. Whoever has them can end the session, as with any token that was replaced.
// The rest, 132 bits, differs.
const familyPart = 21

// FamilyHash returns the hash by which a family is found through any of its tokens.
func FamilyHash(token string) string {
	return Hash("family " + token[:min(familyPart, len(token))])
}

// InFamily returns a token of the family of token that ends as next does. Both are as long as
// what [New] returns.
func InFamily(token, next string) string { return token[:familyPart] + next[familyPart:] }
