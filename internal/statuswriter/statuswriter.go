// Package statuswriter notes the status of an answer, for those who count and trace
// requests.
package statuswriter

import "net/http"

// Writer is an [http.ResponseWriter] that knows what its client gets.
type Writer struct {
	http.ResponseWriter
	// Status is the answer's, 200 as long as the handler says nothing else.
	Status int
	final  bool
}

// New writes to w.
func New(w http.ResponseWriter) *Writer { return &Writer{ResponseWriter: w, Status: http.StatusOK} }

// WriteHeader implements [http.ResponseWriter]. The first status that is more than
// information (1xx) counts: net/http sends no second one.
func (w *Writer) WriteHeader(status int) {
	if !w.final {
		w.Status, w.final = status, status >= http.StatusOK
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
