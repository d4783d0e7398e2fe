package partnerkeys

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/apikey"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// overlay is the file as YAML has it.
type overlay struct {
	Format    string     `yaml:"_format_version"`
	Consumers []consumer `yaml:"consumers,omitempty"`
}

type consumer struct {
	Username string       `yaml:"username"`
	Keys     []credential `yaml:"keyauth_credentials"`
}

type credential struct {
	ID   string   `yaml:"id"`
	Key  string   `yaml:"key"`
	Tags []string `yaml:"tags,flow"`
}

// header begins the file.
const header = `# Partners' API keys: secret, and written by gatehouse keys alone. Keep this file out of
# every repository; what is taken out here opens the door until the config is on the nodes.
`

// The tags of a key, each with a value behind it. Kong takes any printable ASCII but ','
// and '/'.
const (
	tagCreated  = "created:"
	tagEnds     = "ends:"
	tagReplaces = "replaces:"
)

// Text is an overlay of kong.yaml that holds the keys.
func (s *Set) Text() ([]byte, error) {
	doc := overlay{Format: "3.0"}
	for _, k := range s.keys {
		if n := len(doc.Consumers); n == 0 || doc.Consumers[n-1].Username != k.Consumer {
			doc.Consumers = append(doc.Consumers, consumer{Username: k.Consumer})
		}
		last := &doc.Consumers[len(doc.Consumers)-1]
		last.Keys = append(last.Keys, credential{ID: k.ID, Key: k.Text, Tags: k.tags()})
	}
	text, err := yaml.Marshal(doc)
	return append([]byte(header), text...), err
}

func (k Key) tags() []string {
	tags := []string{tagCreated + k.Created.Format(time.RFC3339)}
	if !k.Ends.IsZero() {
		tags = append(tags, tagEnds+k.Ends.Format(time.RFC3339))
	}
	if k.Replaces != "" {
		tags = append(tags, tagReplaces+k.Replaces)
	}
	return tags
}

// Parse reads such an overlay. It takes nothing but what Text writes: a file that holds
// more would lose it when it is written again. Errors name the file, and show no key.
func Parse(file kongyaml.File) (*Set, error) {
	node, err := file.Parse()
	if err != nil {
		return nil, err
	}
	var doc overlay
	if err := node.Load(&doc, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("%s holds what gatehouse keys does not write: %s: move that to an overlay of its own", file.Name, oneLine(err))
	}
	s := &Set{}
	for _, c := range doc.Consumers {
		for i, written := range c.Keys {
			k, err := written.parse(c.Username)
			if err == nil && slices.ContainsFunc(s.keys, func(other Key) bool { return other.ID == k.ID }) {
				err = fmt.Errorf("it is there twice: take one out")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: key %d of consumer %q: %w", file.Name, i+1, c.Username, err)
			}
			s.add(k)
		}
	}
	return s, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func (c credential) parse(consumer string) (k Key, err error) {
	k = Key{ID: c.ID, Consumer: consumer, Text: c.Key}
	switch {
	case consumer == "":
		return k, fmt.Errorf("its consumer has no username: write one")
	case !apikey.Valid(c.Key):
		return k, fmt.Errorf("it is none that gatehouse keys issued, or was changed: revoke it, or move it to an overlay of its own")
	case c.ID != idOf(c.Key):
		return k, fmt.Errorf("its id was changed: write %s", idOf(c.Key))
	}
	for _, tag := range c.Tags {
		if err := k.readTag(tag); err != nil {
			return k, err
		}
	}
	if k.Created.IsZero() {
		return k, fmt.Errorf("it has no tag %s…: write when it was made, such as %[1]s2026-03-14T15:09:26Z", tagCreated)
	}
	return k, nil
}

func (k *Key) readTag(tag string) (err error) {
	name, value, _ := strings.Cut(tag, ":")
	switch name + ":" {
	case tagCreated:
		k.Created, err = parseTime(value)
	case tagEnds:
		k.Ends, err = parseTime(value)
	case tagReplaces:
		k.Replaces = value
	default:
		return fmt.Errorf("its tag %q is none of gatehouse keys': take it out", tag)
	}
	if err != nil {
		return fmt.Errorf("its tag %q has no time: write it as %s:2026-03-14T15:09:26Z", tag, name)
	}
	return nil
}

func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC().Truncate(time.Second), err
}
