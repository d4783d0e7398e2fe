package main

import (
	"context"
	"fmt"

	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// printGuide prints the requests that `stack run` prints, for any gateway.
func printGuide(_ context.Context, args []string) error {
	base := "http://127.0.0.1:8000"
	if len(args) > 0 {
		base = args[0]
	}
	guide, err := stack.Guide(base)
	if err != nil {
		return err
	}
	fmt.Print(guide)
	return nil
}
