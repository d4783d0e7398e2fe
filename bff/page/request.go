package page

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// maxParameters bounds the query of a request; no page takes as many.
const maxParameters = 100

// atOnce has every answer sent when it is there. net/http reads the rest of a request's
// body first, and waits for it, unless the connection ends with the answer. No page reads
// a body.
func atOnce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 { // -1 is of a length that comes later
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// read answers requests that no page can be asked by, and HEAD as GET, whose body
// net/http does not send (RFC 9110, 9.3.2).
func read(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := asGet(r.Method)
		if method == http.MethodGet {
			if d := malformed(r); d != nil {
				problem.Write(w, d)
				return
			}
		}
		if method != r.Method {
			get := *r // a copy: the request given is not ours to change
			get.Method, r = method, &get
		}
		next.ServeHTTP(w, r)
	})
}

// malformed tells what is wrong with a request that asks for a page, whichever it is. A
// body of a GET means nothing (RFC 9110, 9.3.1), and is how requests are smuggled.
func malformed(r *http.Request) *problem.Details {
	if r.ContentLength != 0 {
		return problem.Malformed("A page takes no body. Send the request without one.")
	}
	if strings.Count(r.URL.RawQuery, "&") >= maxParameters {
		return problem.Malformed(fmt.Sprintf("The query has more than %d parameters. Send those that the page takes.", maxParameters))
	}
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return problem.Malformed(fmt.Sprintf("The query cannot be read: %v. Encode what is no letter or digit as %%XX.", err))
	}
	return nil
}

func asGet(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// HandleMethodNotAllowed answers a method that a page does not have.
func HandleMethodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) {
	allowed = strings.Replace(allowed, http.MethodGet, http.MethodGet+", "+http.MethodHead, 1)
	contract.HandleMethodNotAllowed(w, r, allowed)
}
