package chain_test

import (
	"context"
	"fmt"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/chain"
)

// One node describes and stores work; another executes it without knowing what it is.
func Example() {
	var mux lmz.Mux
	lmz.Method2[int, int, int]("add").Expose(&mux, lmz.Anyone, func(_ context.Context, a, b int) (int, error) {
		return a + b, nil
	})
	data, err := chain.Encode(lmz.Ctn("add", lmz.Ctn("add", 1, 10), 100))
	if err != nil {
		fmt.Println(err)
		return
	}
	// data may be in a database for a year
	work, err := chain.Decode(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(work)
	fmt.Println(chain.Execute(context.Background(), &mux, work, chain.Options{}))
	// Output:
	// add()
	// 111 <nil>
}
