package meshtest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
)

func TestLateHelloOfAnAbandonedConnection(t *testing.T) {
	for i := range 20 {
		late := 10*time.Second + time.Duration(i)*200*time.Millisecond
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
				ann := m.Client("ann", nil, client.Options{Random: func() float64 { return 0.1 }})
				ann.DuplicateDial(late)
				ann.Cut()
				ann.Heal()
				time.Sleep(time.Minute) // virtual
				if ann.State() != client.Connected {
					t.Errorf("greeting late by %v: %v", late, ann.State())
				}
			})
		})
	}
}
