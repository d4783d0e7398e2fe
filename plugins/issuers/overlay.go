package issuers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"
)

// overlay is the part of a declarative config that this package writes.
type overlay struct {
	FormatVersion string     `yaml:"_format_version"`
	Consumers     []consumer `yaml:"consumers"`
}

type consumer struct {
	Username   string      `yaml:"username"`
	JWTSecrets []jwtSecret `yaml:"jwt_secrets"`
}

// jwtSecret is Kong's entity. Its field rsa_public_key holds keys of any kind.
type jwtSecret struct {
	ID        string   `yaml:"id"`
	Key       string   `yaml:"key"`
	Algorithm string   `yaml:"algorithm"`
	PublicKey string   `yaml:"rsa_public_key"`
	Tags      []string `yaml:"tags,flow"`
}

const (
	// tag marks the credentials of this package.
	tag = "issuer-key"
	// leftTag begins the tag of a key that its issuer publishes no more. The time in it is
	// all that a round has to know of the rounds before, and the text of an overlay
	// changes only where keys do.
	leftTag = "left:"
)

// header is for who finds the file.
const header = "# Keys of token issuers, written by `gatehouse issuers sync`: what is changed here is lost.\n"

// namespace is of the ids of credentials (RFC 9562, section 5.5).
var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://gatehouse.dev/issuers"))

// idOf is a credential's id. It tells the issuer too: keys that an overlay has of a
// consumer are those of the issuer that the consumer stands for, or of nobody.
func idOf(iss string, k Key) string {
	return uuid.NewSHA1(namespace, []byte(strings.Join([]string{iss, k.KID, k.Algorithm, k.PEM}, "\x00"))).String()
}

// Overlay is the state as an overlay. The same state has the same text.
func (s State) Overlay(issuers []Issuer) ([]byte, error) {
	o := overlay{FormatVersion: "3.0", Consumers: []consumer{}}
	for _, issuer := range issuers {
		c := consumer{Username: issuer.Consumer, JWTSecrets: []jwtSecret{}}
		for _, key := range s[issuer.Consumer] {
			c.JWTSecrets = append(c.JWTSecrets, jwtSecret{
				ID: idOf(issuer.ISS, key), Key: key.KID, Algorithm: key.Algorithm, PublicKey: key.PEM, Tags: key.tags(),
			})
		}
		slices.SortFunc(c.JWTSecrets, func(a, b jwtSecret) int { return strings.Compare(a.Key, b.Key) })
		o.Consumers = append(o.Consumers, c)
	}
	var out bytes.Buffer
	out.WriteString(header)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(o); err != nil {
		return nil, fmt.Errorf("encode overlay: %w", err)
	}
	return out.Bytes(), encoder.Close()
}

func (k Key) tags() []string {
	if k.Left.IsZero() {
		return []string{tag}
	}
	return []string{tag, leftTag + k.Left.UTC().Format(time.RFC3339Nano)}
}

// ReadState reads what a round left in its overlay. A key that is there of another
// issuer than the consumer's own is forgotten: it must not vouch for this one's tokens.
func ReadState(text []byte, issuers []Issuer) (State, error) {
	var o overlay
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&o); err != nil {
		return nil, fmt.Errorf("it is no overlay of issuers (%w); remove it to begin with what issuers publish now", err)
	}
	state := State{}
	for _, c := range o.Consumers {
		at := slices.IndexFunc(issuers, func(i Issuer) bool { return i.Consumer == c.Username })
		if at < 0 {
			continue
		}
		for _, secret := range c.JWTSecrets {
			key, err := secret.read()
			if err != nil {
				return nil, fmt.Errorf("consumer %s: key %q: %w", c.Username, secret.Key, err)
			}
			if idOf(issuers[at].ISS, key) == secret.ID {
				state[c.Username] = append(state[c.Username], key)
			}
		}
	}
	return state, nil
}

func (s jwtSecret) read() (Key, error) {
	key := Key{KID: s.Key, Algorithm: s.Algorithm, PEM: s.PublicKey}
	for _, tag := range s.Tags {
		text, found := strings.CutPrefix(tag, leftTag)
		if !found {
			continue
		}
		left, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return key, fmt.Errorf("tag %q has no time; remove the file to begin with what issuers publish now", tag)
		}
		key.Left = left
	}
	return key, nil
}
