package scrub_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// logBodies logs the JSON bodies of requests, without personal data. A body that is longer than the
// policy's bound is not logged at all: half a body has lost the form that values are found by.
func logBodies(engine *scrub.Engine, logger *log.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, scrub.DefaultMaxBytes))
		if err != nil {
			http.Error(w, "body is too long", http.StatusRequestEntityTooLarge)
			return
		}
		clean, found := engine.JSON(nil, body)
		logger.Printf("%s %s %d values taken out", r.Method, clean, found.Total())
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		next.ServeHTTP(w, r)
	})
}

// Example logs the bodies that a service gets.
func Example() {
	engine, err := scrub.New(scrub.Policy{Fields: []string{"customer_ref"}})
	if err != nil {
		log.Fatal(err)
	}
	service := logBodies(engine, log.New(os.Stdout, "", 0), http.NotFoundHandler())
	body := `{"customer_ref":"A-17","email":"joe@example.com","card":4111111111111111,"items":3}`
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(body)))
	// Output: POST {"customer_ref":"[field]","email":"[email]","card":"[card:1111]","items":3} 3 values taken out
}

// ExampleFilter scrubs lines on their way from one place to another.
func ExampleFilter() {
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	lines := strings.NewReader("paid by joe@example.com\nnothing here\n")
	if err := scrub.Filter(lines, os.Stdout, scrub.FilterOptions{Engine: engine}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// paid by [email]
	// nothing here
}

// ExampleEngine_Explain says what is found where, and why.
func ExampleEngine_Explain() {
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range engine.Explain(nil, []byte("password=hunter2 by joe@example.com"), scrub.FormatText) {
		fmt.Printf("%d-%d %v by %v: %s\n", x.Start, x.End, x.Kind, x.Rule, x.Why())
	}
	// Output:
	// 9-16 field by name: its name says so
	// 20-35 email by form: it is an e-mail address
}
