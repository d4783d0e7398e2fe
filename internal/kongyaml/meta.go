package kongyaml

import (
	"fmt"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v4"
)

const (
	formatField    = "_format_version"
	transformField = "_transform"
)

// meta is what the files of a config say of themselves, and must agree about, as decK
// has it: one major version of the format, the highest minor one counts, and a file that
// names none takes the others'; and one way to take credentials, which is Kong's default
// where a file says nothing.
type meta struct {
	major, minor int // 0: no file names one
	versionOf    string
	transform    bool
	transformOf  string
}

func readMeta(f File, m *yaml.Node) (*meta, error) {
	transform, err := transformOf(f, m)
	if err != nil {
		return nil, err
	}
	all := &meta{transform: transform, transformOf: f.Name}
	return all, all.addVersion(f, m)
}

// add is the error of an overlay that does not go with the files before it.
func (a *meta) add(f File, m *yaml.Node) error {
	transform, err := transformOf(f, m)
	if err != nil {
		return err
	}
	if transform != a.transform {
		return fmt.Errorf("%s: line %d: %s is %t here and %t in %s (where none is written it is true): write the same in both",
			f.Name, line(m, transformField), transformField, transform, a.transform, a.transformOf)
	}
	return a.addVersion(f, m)
}

func transformOf(f File, m *yaml.Node) (bool, error) {
	at := indexOf(m, transformField)
	if at < 0 {
		return true, nil
	}
	value, err := scalar(m.Content[at], nil)
	transform, isBool := value.(bool)
	switch {
	case err == nil && value == nil && m.Content[at].Kind == yaml.ScalarNode:
		return true, nil
	case !isBool:
		return false, fmt.Errorf("%s: line %d: %s: write true or false", f.Name, line(m, transformField), transformField)
	default:
		return transform, nil
	}
}

var version = regexp.MustCompile(`^([0-9]{1,4})(?:\.([0-9]{1,4}))?$`)

func (a *meta) addVersion(f File, m *yaml.Node) error {
	at := indexOf(m, formatField)
	if at < 0 || m.Content[at].Tag == "!!null" {
		return nil
	}
	parts := version.FindStringSubmatch(m.Content[at].Value)
	if parts == nil || m.Content[at].Tag != "!!str" {
		return fmt.Errorf(`%s: line %d: %s: write a text such as "3.0"`, f.Name, line(m, formatField), formatField)
	}
	major, _ := strconv.Atoi(parts[1]) // digits
	minor, _ := strconv.Atoi(parts[2]) // digits, or none
	if a.versionOf != "" && a.major != major {
		return fmt.Errorf("%s: line %d: %s: %d.%d does not go with %d.%d in %s: write both files in one",
			f.Name, line(m, formatField), formatField, major, minor, a.major, a.minor, a.versionOf)
	}
	if a.versionOf == "" || minor > a.minor {
		a.major, a.minor, a.versionOf = major, minor, f.Name
	}
	return nil
}

// write puts the version that counts into the merged document.
func (a *meta) write(m *yaml.Node) {
	if at := indexOf(m, formatField); at >= 0 && a.versionOf != "" {
		m.Content[at].SetString(fmt.Sprintf("%d.%d", a.major, a.minor))
		m.Content[at].Style = yaml.DoubleQuotedStyle
	}
}

// line is where a field is written; the document's if it is not.
func line(m *yaml.Node, field string) int {
	if at := indexOf(m, field); at >= 0 {
		return m.Content[at].Line
	}
	return m.Line
}
