package prepared_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/prepared"
)

var errBad = errors.New("bad")

// TestMadeOnce: whoever comes first makes the value, and mistakes are told once: by
// Provision's result, or else by the call of mistaken.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		provision bool
		mistake   error
		told      int
	}{
		"provisioned":                 {true, nil, 0},
		"provisioned with a mistake":  {true, errBad, 0},
		"at the first event":          {false, nil, 0},
		"at the first event, mistake": {false, errBad, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v prepared.Value[*int]
			made, told := 0, 0
			newValue := func() (*int, error) { made++; return new(int), tt.mistake }
			if v.Made() != nil {
				t.Error("there is a value before it is made")
			}
			if tt.provision {
				if err := v.Provision(newValue); !errors.Is(err, tt.mistake) {
					t.Errorf("Provision = %v, want %v", err, tt.mistake)
				}
			}
			var events sync.WaitGroup
			for range 4 {
				events.Go(func() {
					if v.Get(newValue, func(*int, error) { told++ }) == nil {
						t.Error("an event has no value")
					}
				})
			}
			events.Wait()
			if err := v.Provision(newValue); !errors.Is(err, tt.mistake) {
				t.Errorf("Provision after events = %v, want %v", err, tt.mistake)
			}
			if made != 1 || told != tt.told || v.Made() == nil {
				t.Errorf("made %d times and told %d times, want once and %d times", made, told, tt.told)
			}
		})
	}
}
