package traceinject

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// maxTold is how much of a header is in a span, in bytes.
const maxTold = 256

// Words in the names of headers that let their sender in, or say who that is, and ends of
// such words. What a span has of a client is for everybody who debugs.
var (
	credentialWords = []string{"auth", "authentication", "authorization", "assertion", "bearer", "cert", "certificate", "cookie", "cookie2", "credential", "credentials",
		"csrf", "jwt", "otp", "passcode", "passphrase", "passwd", "pwd", "session", "sessionid", "sid", "signature", "ticket", "xsrf"}
	credentialEnds = []string{"key", "keys", "password", "secret", "token", "tokens"}
	personWords    = []string{"account", "consumer", "email", "login", "phone", "tenant", "user", "userid", "username"}
)

// private reports whether a header, by its lower-case name, carries credentials or says who
// is asking.
func private(name string) bool {
	name = strings.ReplaceAll(name, "_", "-")
	if identity.SaysWho(name) {
		return true
	}
	words := strings.Split(strings.TrimSuffix(name, "user-agent"), "-")
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.Contains(credentialWords, word) || slices.Contains(personWords, word) ||
			slices.ContainsFunc(credentialEnds, func(end string) bool { return strings.HasSuffix(word, end) })
	})
}

// checkHeaderAttributes leaves out what cannot be told of, and returns it.
func (c *Config) checkHeaderAttributes() error {
	var errs []error
	names := lower(c.HeaderAttributes)
	c.HeaderAttributes = slices.DeleteFunc(names, func(name string) bool {
		err := checkTold(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("header_attributes: %w", err))
		}
		return err != nil
	})
	return errors.Join(errs...)
}

func checkTold(name string) error {
	switch {
	case !isToken(name):
		return fmt.Errorf("%q is not a header name; use letters, digits and dashes, such as x-app-version", name)
	case private(name):
		return fmt.Errorf("%q has credentials in it or says who is asking, by its name; remove it: whoever debugs reads spans", name)
	}
	return nil
}

// readTold reads the headers that a span is to tell of, and scrubs them at once: what is
// kept until the request is over may be written down.
func (t *Tracer) readTold(e *kongrequest.Event) (map[string]string, error) {
	scrubber := t.runtime.scrubber
	if len(t.told) == 0 || scrubber == nil || !t.runtime.Exports() {
		return nil, nil
	}
	told := make(map[string]string, len(t.told))
	for _, name := range t.told {
		value, err := e.Header(name)
		if err != nil {
			return nil, err
		}
		if value != "" {
			told[name] = shorten(scrubber.ScrubText(strings.ToValidUTF8(value, "\uFFFD")))
		}
	}
	return told, nil
}

// shorten cuts a text that was scrubbed already, between two characters.
func shorten(text string) string {
	if len(text) <= maxTold {
		return text
	}
	end := maxTold
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
