package services

import (
	"context"
	"net/http"

	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// users implements usersapi.Handler.
type users struct{ data dataset }

var _ usersapi.Handler = users{}

func newUsers(data dataset) (api, error) {
	server, err := usersapi.NewServer(users{data}, usersapi.WithErrorHandler(contract.HandleError),
		usersapi.WithNotFound(contract.HandleNotFound), usersapi.WithMethodNotAllowed(contract.HandleMethodNotAllowed))
	return api{Handler: server, route: func(r *http.Request) string {
		found, _ := server.FindPath(r.Method, r.URL)
		return found.PathPattern()
	}}, err
}

// GetUser serves GET /v1/users/{user_id}.
func (s users) GetUser(_ context.Context, p usersapi.GetUserParams) (*usersapi.User, error) {
	user, ok := s.data[p.XTenantID].users[p.UserID]
	if !ok {
		return nil, problem.NotFound("such user")
	}
	return &user, nil
}

// NewError answers err as problem details.
func (users) NewError(_ context.Context, err error) *usersapi.ProblemStatusCode {
	d := problem.From(err)
	body := usersapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail}
	if d.Parameter != "" {
		body.Parameter.SetTo(d.Parameter)
	}
	return &usersapi.ProblemStatusCode{StatusCode: d.Status, Response: body}
}
