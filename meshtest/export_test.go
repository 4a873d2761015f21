package meshtest

// Log is what happened on the network, line by line.
func (m *Mesh) Log() string { return m.log.String() }
