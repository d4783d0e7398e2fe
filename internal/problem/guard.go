package problem

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Guard adds to next what every answer needs: no cache keeps one that does not
// say otherwise (a 404 may be kept by default, RFC 9110, 15.1), and a panic is
// logged with its stack and answered with a 500. A handler that panics with
// http.ErrAbortHandler means to drop the connection, which net/http does.
func Guard(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // the sentinel itself, as net/http compares it
				panic(v)
			}
			logger.ErrorContext(r.Context(), "panic in a handler", "method", r.Method, "path", r.URL.Path,
				"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			Write(w, Internal())
		}()
		next.ServeHTTP(w, r)
	})
}
