package kongadmin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Config is a declarative config to be put on nodes.
type Config struct {
	// Text is YAML or JSON.
	Text []byte
	// Hide takes the config's secrets out of what Kong says of it.
	Hide func(text string) string
	// Hold is asked right before the config is posted to a node by [Publish]; its error
	// keeps it from that node. It may be nil.
	Hold func(ctx context.Context) error
}

// Refused is the error of a config that Kong does not take: the node goes on with the
// one that it has.
type Refused struct {
	// Lines name an entity and what is wrong with it, each.
	Lines []string
}

func (r *Refused) Error() string {
	return "Kong refuses the config: " + strings.Join(r.Lines, "; ")
}

// Post has the node run a config, and makes sure that it does. changed is false where it
// ran the same already: nothing was loaded, and no plugin started anew.
func (n *Node) Post(ctx context.Context, c Config) (changed bool, err error) {
	status, body, err := n.ask(ctx, http.MethodPost, "config?check_hash=1&flatten_errors=1", bytes.NewReader(c.Text))
	switch {
	case err != nil:
		return false, err
	case status == http.StatusNotModified || status == http.StatusCreated:
		return status == http.StatusCreated, n.verify(ctx, Hash(c.Text))
	case status == http.StatusBadRequest:
		return false, refusal(body, c.Hide)
	default:
		return false, unexpected(status, body)
	}
}

// verify is the error of a node that runs something else than it said it took.
func (n *Node) verify(ctx context.Context, want string) error {
	runs, err := n.Running(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("it took the config; ask what it runs: %w", err)
	case runs == Empty:
		return errors.New("it took the config, in which there is no entity: it runs none")
	case runs != want:
		return fmt.Errorf("it took the config and runs %s, not %s: somebody else posts to it too", runs, want)
	default:
		return nil
	}
}

// unexpected is the error of an answer that is none of POST /config's own.
func unexpected(status int, body []byte) error {
	var answer struct{ Message string }
	_ = json.Unmarshal(body, &answer) // what is not Kong's has no message
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("status %d: it lets nobody in without credentials that it knows: see -admin-cert", status)
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType: // the last of the Status API
		return fmt.Errorf("status %d: no Admin API is there", status)
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("status %d: the config is too large for it (nginx_admin_client_max_body_size, lmdb_map_size)", status)
	case http.StatusTooManyRequests:
		return fmt.Errorf("status %d: it is loading another config: try again", status)
	default:
		return fmt.Errorf("status %d: %.100s", status, cmp.Or(answer.Message, http.StatusText(status)))
	}
}
