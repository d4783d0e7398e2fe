package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// printToken prints a token that the auth service issues.
func printToken(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("stack token", flag.ExitOnError)
	tenant := flags.String("tenant", "acme", "tenant claim")
	user := flags.String("user", "u1", "sub claim: the user")
	plan := flags.String("plan", "", "plan claim; empty leaves it out")
	client := flags.String("client", string(devtoken.Web), "which application: web or mobile")
	valid := flags.Duration("valid", 12*time.Hour, "how long the token is valid")
	if err := flags.Parse(args); err != nil {
		return err
	}
	auth, err := authURL()
	if err != nil {
		return err
	}
	token, err := devtoken.Ask(ctx, auth, devtoken.Client(*client), devtoken.Claims{
		Tenant: *tenant, User: *user, Plan: *plan, Expires: time.Now().Add(*valid),
	})
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

// authURL is where the auth service's control port is: on its documented port, or at
// AUTH_CONTROL_URL.
func authURL() (string, error) {
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return "", err
	}
	return cmp.Or(os.Getenv("AUTH_CONTROL_URL"), ports.AuthControl.URL()), nil
}
