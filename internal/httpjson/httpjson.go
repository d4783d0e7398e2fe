// Package httpjson answers HTTP requests with JSON.
package httpjson

import (
	"encoding/json"
	"net/http"
)

// ContentType is the media type of JSON that has none of its own.
const ContentType = "application/json"

// Write answers with a status and v as JSON, whose media type is contentType. An
// answer that cannot be written has no reader left, and v is always something that
// JSON can express, so there is no error to handle.
func Write(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	body, _ := json.Marshal(v)
	_, _ = w.Write(body)
}
