package storetest

import "testing"

func TestLate(t *testing.T) {
	Run(t, func(t *testing.T) Storage {
		late := new(Late)
		disk, err := late.Use()
		wantNil(t, err)
		return Storage{Open: disk.Open, Move: late.near.Move}
	})
}
