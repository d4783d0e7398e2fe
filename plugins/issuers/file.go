package issuers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Issuer is one whose tokens Kong is to verify.
type Issuer struct {
	// Consumer is the username of Kong's consumer that holds the keys.
	Consumer string `yaml:"consumer"`
	// ISS is the iss claim of the issuer's tokens, exactly (RFC 7519, 4.1.1), and what its
	// discovery document must say that it is.
	ISS string `yaml:"iss"`
	// Discovery is where the issuer is reached, with or without the discovery document's
	// well-known path. It is ISS if absent.
	Discovery string `yaml:"discovery"`
	// JWKS is where the keys are, a URL or a file, where no discovery document is to say
	// so.
	JWKS string `yaml:"jwks"`
	// CAFile holds the CAs that certify the issuer's server, in PEM; the system's if absent.
	CAFile string `yaml:"ca_file"`
	// Overlap is for how long a key stays that the issuer publishes no more: as long as a
	// token lives at least.
	Overlap time.Duration `yaml:"overlap"`
	// Timeout is for both documents together.
	Timeout time.Duration `yaml:"timeout"`
}

// What is not written.
const (
	defaultOverlap = 24 * time.Hour
	defaultTimeout = 10 * time.Second
	maxTimeout     = time.Minute
	maxOverlap     = 90 * 24 * time.Hour
)

// vaultReference begins what Kong would look up in a vault in other fields, and takes
// as it stands in a credential.
const vaultReference = "{vault://"

// ParseFile reads a YAML or JSON file of issuers. An error names each mistake: the entry,
// the field, its value and the fix.
func ParseFile(text []byte) ([]Issuer, error) {
	var file struct {
		Issuers []Issuer `yaml:"issuers"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one YAML document; write all issuers in the first and remove the --- behind it")
	}
	if len(file.Issuers) == 0 {
		return nil, errors.New("issuers: there is none; write a list of entries with consumer and iss")
	}
	var mistakes []error
	seen := map[string]int{}
	for i := range file.Issuers {
		issuer := &file.Issuers[i]
		issuer.fill()
		for _, mistake := range append(issuer.check(), twice(seen, i, issuer)...) {
			mistakes = append(mistakes, fmt.Errorf("issuers[%d].%w", i, mistake))
		}
	}
	return file.Issuers, errors.Join(mistakes...)
}

func (i *Issuer) fill() {
	if i.Discovery == "" && i.JWKS == "" {
		i.Discovery = i.ISS
	}
	if i.Overlap == 0 {
		i.Overlap = defaultOverlap
	}
	if i.Timeout == 0 {
		i.Timeout = defaultTimeout
	}
}

func (i *Issuer) check() []error {
	var bad []error
	for _, field := range []struct {
		name, value string
		required    bool
		check       func(string) error
	}{
		{"consumer", i.Consumer, true, nil},
		{"iss", i.ISS, true, nil},
		{"discovery", i.Discovery, i.JWKS == "", checkURL},
		{"jwks", i.JWKS, false, checkPlace},
		{"ca_file", i.CAFile, false, nil},
	} {
		switch {
		case field.value == "" && field.required:
			bad = append(bad, fmt.Errorf("%s: absent; write it", field.name))
		case field.value == "":
		case strings.Contains(field.value, vaultReference):
			bad = append(bad, fmt.Errorf("%s: %q is a vault reference, which nothing here looks up; write the value", field.name, field.value))
		case field.check != nil:
			if err := field.check(field.value); err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", field.name, err))
			}
		}
	}
	if i.Discovery != "" && i.JWKS != "" {
		bad = append(bad, errors.New("discovery: it is not read where jwks says where the keys are; remove one of them"))
	}
	if i.Overlap < time.Second || i.Overlap > maxOverlap {
		bad = append(bad, fmt.Errorf("overlap: %v is not from 1s to %v; write for how long a token lives at most, such as 24h", i.Overlap, maxOverlap))
	}
	if i.Timeout < time.Millisecond || i.Timeout > maxTimeout {
		bad = append(bad, fmt.Errorf("timeout: %v is not from 1ms to %v; write a duration such as 10s", i.Timeout, maxTimeout))
	}
	return bad
}

// twice says whether an earlier entry has the consumer or the iss. In Kong a key has one
// consumer, and a consumer with the keys of two issuers would let one vouch for the other.
func twice(seen map[string]int, at int, i *Issuer) (bad []error) {
	for _, field := range []struct{ name, value, fix string }{
		{"consumer", i.Consumer, "a consumer holds the keys of one issuer: give each a consumer of its own"},
		{"iss", i.ISS, "a key has one consumer: write the issuer once"},
	} {
		if field.value == "" {
			continue
		}
		if first, there := seen[field.name+"="+field.value]; there {
			bad = append(bad, fmt.Errorf("%s: %q is that of issuers[%d]; %s", field.name, field.value, first, field.fix))
			continue
		}
		seen[field.name+"="+field.value] = at
	}
	return bad
}

// checkPlace takes a URL or the name of a file.
func checkPlace(value string) error {
	if !strings.Contains(value, "://") {
		return nil
	}
	return checkURL(value)
}

// checkURL takes a place from which nobody on the way can send keys of its own.
func checkURL(value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is no URL; write one such as https://id.example.com", value)
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not over TLS, so that anybody on the way could send keys; write an https URL", value)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
