package devtoken

import (
	"strings"
	"testing"
)

// TestAskNobody: where the auth service is elsewhere, the error names what moves it.
func TestAskNobody(t *testing.T) {
	t.Parallel()
	_, err := Ask(t.Context(), "http://127.0.0.1:1", Web, Claims{})
	for _, want := range []string{"no auth service at http://127.0.0.1:1", "make run", "PORT_OFFSET", "AUTH_CONTROL_PORT"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s in it", err, want)
		}
	}
}
