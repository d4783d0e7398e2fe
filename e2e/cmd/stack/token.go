package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/cli"
)

func tokenCommand() *cobra.Command {
	var claims devtoken.Claims
	var client string
	var valid time.Duration
	c := command("token", "print a token of the auth service", cli.NoArguments, func(ctx context.Context, _ []string) error {
		if known := devtoken.Clients(); !slices.Contains(known, client) {
			return cli.Usagef("--client %q: write %s", client, strings.Join(known, " or "))
		}
		claims.Expires = time.Now().Add(valid)
		return printToken(ctx, devtoken.Client(client), claims)
	})
	flags := c.Flags()
	flags.StringVar(&claims.Tenant, "tenant", "acme", "tenant claim")
	flags.StringVar(&claims.User, "user", "u1", "sub claim: the user")
	flags.StringVar(&claims.Plan, "plan", "", "plan claim; empty leaves it out")
	flags.StringVar(&client, "client", string(devtoken.Web), "which application: web or mobile")
	cli.Values(flags, "client", devtoken.Clients()...)
	flags.DurationVar(&valid, "valid", 12*time.Hour, "how long the token is valid")
	return c
}

// printToken prints a token that the auth service issues.
func printToken(ctx context.Context, client devtoken.Client, claims devtoken.Claims) error {
	auth, err := authURL()
	if err != nil {
		return err
	}
	token, err := devtoken.Ask(ctx, auth, client, claims)
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
