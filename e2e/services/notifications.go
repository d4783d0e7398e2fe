package services

import (
	"context"
	"net/http"

	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// notifications implements notificationsapi.Handler.
type notifications struct{ data dataset }

var _ notificationsapi.Handler = notifications{}

func newNotifications(data dataset) (api, error) {
	server, err := notificationsapi.NewServer(notifications{data}, notificationsapi.WithErrorHandler(contract.HandleError),
		notificationsapi.WithNotFound(contract.HandleNotFound), notificationsapi.WithMethodNotAllowed(contract.HandleMethodNotAllowed))
	return api{Handler: server, route: func(r *http.Request) string {
		found, _ := server.FindPath(r.Method, r.URL)
		return found.PathPattern()
	}}, err
}

// ListNotifications serves GET /v1/notifications.
func (s notifications) ListNotifications(_ context.Context, p notificationsapi.ListNotificationsParams) (*notificationsapi.NotificationPage, error) {
	all := s.data[p.XTenantID].notifications[p.XUserID]
	unread := unreadOf(all)
	shown := all
	if p.Unread.Or(false) {
		shown = unread
	}
	id := func(n notificationsapi.Notification) string { return n.ID }
	cut, next, err := page(shown, id, p.Cursor.Or(""), p.Limit.Or(defaultLimit))
	if err != nil {
		return nil, err
	}
	out := &notificationsapi.NotificationPage{Items: append([]notificationsapi.Notification{}, cut...), UnreadCount: len(unread)}
	if next != "" {
		out.NextCursor.SetTo(next)
	}
	return out, nil
}

// NewError answers err as problem details.
func (notifications) NewError(_ context.Context, err error) *notificationsapi.ProblemStatusCode {
	d := problem.From(err)
	body := notificationsapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail}
	if d.Parameter != "" {
		body.Parameter.SetTo(d.Parameter)
	}
	return &notificationsapi.ProblemStatusCode{StatusCode: d.Status, Response: body}
}

func unreadOf(all []notificationsapi.Notification) []notificationsapi.Notification {
	var unread []notificationsapi.Notification
	for _, n := range all {
		if !n.Read {
			unread = append(unread, n)
		}
	}
	return unread
}
