// Package meshtest runs a whole mesh inside a test: a gateway, objects and workers,
// and clients on a network in memory, in virtual time. A minute passes in no time, a
// test may cut, stall and slow down connections and crash the gateway, and everything
// is the real thing but for the network's cables and the disk. On failure the test
// prints the frames that travelled.
//
//	func TestNotesSurviveACrash(t *testing.T) {
//		meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
//			m.HandleObject("NOTES", object.Kind{New: newNotes})
//			ann := m.Client("ann", nil, client.Options{})
//			...
//			m.CrashGateway()
//			m.RestartGateway()
//			...
//		})
//	}
//
// [Mesh.Disturb] lets faults happen that are drawn from a seed, and Options.Seed makes the
// rest repeatable, with a disk that may lose what a crash finds on its way: run a test with
// many seeds, and check what must be true at the end, as TestAGuestBookOnBadDays in this
// package does.
//
// Inside, the rules of [testing/synctest] hold: time stands still while anything runs,
// time.Sleep costs nothing, synctest.Wait waits until nothing can go on by itself, and
// everything that waits must wait for something inside.
package meshtest
