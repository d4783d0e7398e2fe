package kongadmin

import (
	"context"
	"errors"
	"fmt"
)

// Result is what became of a config on one node.
type Result struct {
	Node *Node
	// Runs is the hash of what the node runs now, empty if it does not say.
	Runs string
	// Changed says that it ran something else before.
	Changed bool
	// Err is why it does not run the config, nil if it does.
	Err error
}

// String is one line without secrets.
func (r Result) String() string {
	switch {
	case r.Err != nil && r.Runs == "":
		return fmt.Sprintf("%s: %v; what it runs is not known", r.Node, r.Err)
	case r.Err != nil:
		return fmt.Sprintf("%s: %v; it runs %s", r.Node, r.Err, r.Runs)
	case r.Changed:
		return fmt.Sprintf("%s: runs %s", r.Node, r.Runs)
	default:
		return fmt.Sprintf("%s: runs %s, as before", r.Node, r.Runs)
	}
}

// errHeldBack is why a node was not asked.
var errHeldBack = errors.New("held back, since a node refused the config")

// Publish posts a config to one node after the other. A node that refuses it ends that,
// for the others have the same Kong: those after it keep what they have. A node that does
// not answer keeps no other from the config. Nothing is rolled back: each result says
// what its node runs.
func Publish(ctx context.Context, c Config, nodes []*Node) (results []Result, err error) {
	refused := false
	var errs []error
	for _, n := range nodes {
		r := Result{Node: n, Err: errHeldBack}
		if !refused {
			r.Changed, r.Err = c.post(ctx, n)
		}
		if r.Err == nil {
			r.Runs = Hash(c.Text)
		} else {
			r.Runs, _ = n.Running(ctx) // Err says more
			errs = append(errs, fmt.Errorf("%s: %w", n, r.Err))
		}
		var refusal *Refused
		refused = refused || errors.As(r.Err, &refusal)
		results = append(results, r)
	}
	return results, errors.Join(errs...)
}

func (c Config) post(ctx context.Context, n *Node) (changed bool, err error) {
	if c.Hold != nil {
		if err := c.Hold(ctx); err != nil {
			return false, fmt.Errorf("not posted: %w", err)
		}
	}
	return n.Post(ctx, c)
}
