package lmz

import "time"

// DefaultTimeout is the timeout of a call whose ctx has no deadline (PROTOCOL.md, "Limits").
const DefaultTimeout = 30 * time.Second
