// Package prepared makes what a plugin's configuration works with, once: when the plugin
// server provisions the configuration, or else at the first event, since go-pdk's own
// server provisions nothing.
package prepared

import "sync"

// Value is what one configuration works with. The zero value is ready to use. Events may
// get it at once.
type Value[T any] struct {
	once    sync.Once
	made    T
	mistake error
}

// Provision makes the value, unless it is made, and returns what is wrong with the
// configuration.
func (v *Value[T]) Provision(newValue func() (T, error)) error {
	v.once.Do(func() { v.made, v.mistake = newValue() })
	return v.mistake
}

// Get returns the value. Where it is made only now, nobody was told what is wrong with
// the configuration: mistaken is called, before anybody else gets the value.
func (v *Value[T]) Get(newValue func() (T, error), mistaken func(T, error)) T {
	v.once.Do(func() {
		if v.made, v.mistake = newValue(); v.mistake != nil {
			mistaken(v.made, v.mistake)
		}
	})
	return v.made
}

// Made is the value, zero where it was not made yet. It is not for events, which may be
// making it.
func (v *Value[T]) Made() T { return v.made }
