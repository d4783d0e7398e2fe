package services

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// cursorPrefix marks this form of cursor, so that another can come one day.
const cursorPrefix = "a:"

var errCursor = errors.New("not a cursor")

// encodeCursor makes the cursor that goes on after the item with that id.
func encodeCursor(id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + id))
}

// decodeCursor gives the id that encodeCursor was given.
func decodeCursor(cursor string) (string, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", errCursor
	}
	id, ok := strings.CutPrefix(string(text), cursorPrefix)
	if !ok || id == "" || encodeCursor(id) != cursor { // the decoder overlooks line breaks
		return "", errCursor
	}
	return id, nil
}

// page cuts out of items at most limit that follow cursor, and gives the cursor
// of the page after it, or "" on the last. A cursor of another tenant points to
// no item and is as wrong as any other.
func page[T any](items []T, id func(T) string, cursor string, limit int) (cut []T, next string, err error) {
	if cursor != "" {
		after, err := find(items, id, cursor)
		if err != nil {
			return nil, "", problem.InvalidParameter("cursor",
				"Parameter cursor (query) is none that this API gave out. Start without it, and go on with the cursor in each page.")
		}
		items = items[after+1:]
	}
	if len(items) <= limit {
		return items, "", nil
	}
	return items[:limit], encodeCursor(id(items[limit-1])), nil
}

func find[T any](items []T, id func(T) string, cursor string) (int, error) {
	want, err := decodeCursor(cursor)
	if err != nil {
		return 0, err
	}
	for i, item := range items {
		if id(item) == want {
			return i, nil
		}
	}
	return 0, errCursor
}
