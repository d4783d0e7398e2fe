package kongadmin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
)

// Export is the config that the node runs, as it writes it (GET /config): its text has
// every default and every id in it, so that its hash is another one than that of the text
// that was posted. It can be posted again. Its secrets are in it.
func (n *Node) Export(ctx context.Context) ([]byte, error) {
	status, body, err := n.ask(ctx, http.MethodGet, "config", nil)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, unexpected(status, body)
	}
	var answer struct{ Config string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Config == "" {
		return nil, errors.New("its /config has no config: is this the Admin API of a Kong without a database?")
	}
	return []byte(answer.Config), nil
}

var schemaName = regexp.MustCompile(`^(plugins/)?[a-zA-Z0-9_-]+$`)

// Schema is what the node says of a kind of entities such as routes, or of a plugin as
// plugins/NAME; nil if it has no such.
//
// A name that no entity of Kong's has is asked for nowhere.
func (n *Node) Schema(ctx context.Context, of string) ([]byte, error) {
	if !schemaName.MatchString(of) {
		return nil, nil
	}
	status, body, err := n.ask(ctx, http.MethodGet, "schemas/"+of, nil)
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask for the schema of %s: %w", of, err)
	case status == http.StatusOK:
		return body, nil
	case status == http.StatusNotFound:
		return nil, nil
	default:
		return nil, fmt.Errorf("ask for the schema of %s: %w", of, unexpected(status, body))
	}
}
