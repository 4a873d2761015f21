// Package meshtest tests lmz programs without servers, sleeps or luck: it runs a whole mesh
// inside a test, with a gateway, objects, workers and clients, in virtual time. A minute passes
// instantly, and a test may cut, stall and slow down connections and crash the gateway. All of it
// is the real code except the network connections and the disk, which are in memory. If the test
// fails it prints the frames that were sent.
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
// [Mesh.Disturb] injects faults that are drawn from a seed. Options.Seed makes the rest
// repeatable, and adds a disk on which a crash may lose commits in progress. Run a test with many
// seeds, and check its invariants at the end, as TestGuestBookWithFaults in this package does.
//
// Inside, the rules of [testing/synctest] apply: time stands still while anything runs,
// time.Sleep takes no real time, and synctest.Wait waits until every goroutine is blocked.
// Goroutines may only wait for events inside the bubble.
//
// A failure of the mesh itself fails the test, so the functions here return no errors. Clients
// get the errors of package lmz and package client.
package meshtest
