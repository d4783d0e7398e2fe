package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
)

func keysIssueCommand(s streams) *cobra.Command {
	var k keyring
	c := command("issue CONSUMER", "make a key for a consumer, and print it the only time", func(ctx context.Context, args []string) error {
		return k.issue(ctx, s, args[0])
	})
	c.Args = oneConsumer
	k.addFlags(c.Flags())
	return c
}

// issue makes a key for a consumer and prints it, which nothing does again.
func (k *keyring) issue(ctx context.Context, s streams, consumer string) error {
	if err := k.checkConsumer(consumer); err != nil {
		return err
	}
	var made partnerkeys.Key
	return k.change(ctx, s, func(set *partnerkeys.Set) (bool, error) {
		made = set.Issue(consumer, time.Now())
		return true, nil
	}, func() error {
		fmt.Fprintf(s.err, "issued %s\n", made)
		return show(s, made)
	})
}

func keysRotateCommand(s streams) *cobra.Command {
	var k keyring
	c := command("rotate CONSUMER", "make a key in the place of another one, which is good for a while yet", nil)
	c.Args = oneConsumer
	k.addFlags(c.Flags())
	overlap := durationFlag(c.Flags(), "overlap", 30*24*time.Hour, "`how long` the old key is good beside the new one, such as 30d or 12h")
	id := c.Flags().String("key", "", "id of the key to replace, or how it begins; empty: the only one that nothing has replaced")
	c.RunE = func(c *cobra.Command, args []string) error { return k.rotate(c.Context(), s, args[0], *id, *overlap) }
	return c
}

// rotate makes a key in the place of another one, which is good for a while yet.
func (k *keyring) rotate(ctx context.Context, s streams, consumer, id string, overlap time.Duration) error {
	if err := k.checkConsumer(consumer); err != nil {
		return err
	}
	var made, old partnerkeys.Key
	return k.change(ctx, s, func(set *partnerkeys.Set) (_ bool, err error) {
		made, old, err = set.Rotate(consumer, id, overlap, time.Now())
		return err == nil, err
	}, func() error {
		fmt.Fprintf(s.err, "issued %s\nit replaces %s, whose overlap is over at %s: gatehouse keys revoke --ended drops it then\n",
			made, old, old.Ends.Format(time.RFC3339))
		return show(s, made)
	})
}

// oneConsumer is the error of arguments that are not the one consumer.
func oneConsumer(_ *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return cli.Usagef("name one CONSUMER, by its username")
	}
	return nil
}

// show prints a key, the only time.
func show(s streams, k partnerkeys.Key) error {
	if _, err := fmt.Fprintln(s.out, k.Text); err != nil {
		return fmt.Errorf("%s is kept and was not shown: revoke it: %w", k, err)
	}
	return nil
}
