package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
)

// issueKey makes a key for a consumer and prints it, which nothing does again.
func issueKey(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "keys issue")
	var k keyring
	k.addFlags(flags)
	if handled, err := parse(flags, args); handled {
		return err
	}
	consumer, err := oneConsumer(flags.Args(), "issue")
	if err != nil {
		return err
	}
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

// rotateKey makes a key in the place of another one, which is good for a while yet.
func rotateKey(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "keys rotate")
	var k keyring
	k.addFlags(flags)
	overlap := durationFlag(flags, "overlap", 30*24*time.Hour, "how long the old key is good beside the new one, such as 30d or 12h")
	id := flags.String("key", "", "id of the key to replace, or how it begins; empty: the only one that nothing has replaced")
	if handled, err := parse(flags, args); handled {
		return err
	}
	consumer, err := oneConsumer(flags.Args(), "rotate")
	if err != nil {
		return err
	}
	if err := k.checkConsumer(consumer); err != nil {
		return err
	}
	var made, old partnerkeys.Key
	return k.change(ctx, s, func(set *partnerkeys.Set) (_ bool, err error) {
		made, old, err = set.Rotate(consumer, *id, *overlap, time.Now())
		return err == nil, err
	}, func() error {
		fmt.Fprintf(s.err, "issued %s\nit replaces %s, whose overlap is over at %s: gatehouse keys revoke -ended drops it then\n",
			made, old, old.Ends.Format(time.RFC3339))
		return show(s, made)
	})
}

func oneConsumer(args []string, command string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", fmt.Errorf("%w: gatehouse keys %s [flags] CONSUMER, which is the username of one", errUsage, command)
	}
	return args[0], nil
}

// show prints a key, the only time.
func show(s streams, k partnerkeys.Key) error {
	if _, err := fmt.Fprintln(s.out, k.Text); err != nil {
		return fmt.Errorf("%s is kept and was not shown: revoke it: %w", k, err)
	}
	return nil
}
