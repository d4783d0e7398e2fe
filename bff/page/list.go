package page

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

const goOn = "Start without it, and go on with the next_cursor of each page."

// ForgedCursor is the answer to a cursor that was not given out for this list.
func ForgedCursor() *problem.Details {
	return problem.InvalidParameter("cursor", "Parameter cursor (query) is none that this API gave out. "+goOn)
}

// OpenCursor gives the service's own cursor in one that a client sent, or says what is
// wrong with it. Empty is the first page.
func (o Options) OpenCursor(scope cursor.Scope, sent string) (string, error) {
	if sent == "" {
		return "", nil
	}
	text, err := o.Cursors.Open(scope, sent, time.Now())
	switch {
	case errors.Is(err, cursor.ErrExpired):
		return "", problem.InvalidParameter("cursor",
			fmt.Sprintf("Parameter cursor (query) is older than %.0f hours. %s", cursor.Life.Hours(), goOn))
	case err != nil:
		return "", ForgedCursor()
	}
	return text, nil
}

// SealCursor makes of a service's own cursor the one that a client gets.
func (o Options) SealCursor(scope cursor.Scope, own string) string {
	return o.Cursors.Seal(scope, own, time.Now())
}
