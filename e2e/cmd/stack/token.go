package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// printToken prints a token that kong.yaml's development issuers vouch for.
func printToken(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("stack token", flag.ExitOnError)
	tenant := flags.String("tenant", "acme", "tenant claim")
	user := flags.String("user", "u1", "sub claim: the user")
	plan := flags.String("plan", "", "plan claim; empty leaves it out")
	client := flags.String("client", string(devtoken.Web), "which application: web or mobile")
	valid := flags.Duration("valid", 12*time.Hour, "how long the token is valid")
	if err := flags.Parse(args); err != nil {
		return err
	}
	now := time.Now()
	token, err := devtoken.Sign(devtoken.Client(*client), devtoken.Claims{
		Tenant:    *tenant,
		User:      *user,
		Plan:      *plan,
		NotBefore: now.Add(-time.Minute),
		Expires:   now.Add(*valid),
	})
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}
