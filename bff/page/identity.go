package page

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/contract"
)

// maxName bounds the name of a tenant or a user, in characters, as the services'
// contracts do.
const maxName = 128

type identityKey struct{}

// Identify puts who asks for a page into the context. The gateway verified the bearer
// token that the contract asks for, and tells in two headers whose it is. One that is
// missing or of no use is a 401: the caller came around the gateway.
func Identify(ctx context.Context, r *http.Request) (context.Context, error) {
	tenant, err := issued(r.Header, "X-Tenant-Id")
	if err != nil {
		return nil, err
	}
	user, err := issued(r.Header, "X-User-Id")
	if err != nil {
		return nil, err
	}
	return context.WithValue(ctx, identityKey{}, upstream.Identity{Tenant: tenant, User: user}), nil
}

// Identity is who asks, of a context that Identify returned.
func Identity(ctx context.Context) upstream.Identity {
	id, _ := ctx.Value(identityKey{}).(upstream.Identity)
	return id
}

func issued(h http.Header, name string) (string, error) {
	values := h[name]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", contract.IdentityMissing(name, "it is missing")
	case len(values) > 1:
		return "", contract.IdentityMissing(name, "it is there more than once")
	case utf8.RuneCountInString(values[0]) > maxName:
		return "", contract.IdentityMissing(name, fmt.Sprintf("it is longer than %d characters", maxName))
	}
	return values[0], nil
}
