package monitoring

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Rule is an alert, or a record of an expression.
type Rule struct {
	File        string            `yaml:"-"`
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Rules are those of all files of a folder.
func Rules(dir string) (all []Rule, err error) {
	err = each(dir, "*.rules.yml", func(file string, text []byte) error {
		var content struct {
			Groups []struct {
				Rules []Rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &content); err != nil {
			return err
		}
		for _, group := range content.Groups {
			for _, rule := range group.Rules {
				rule.File = file
				all = append(all, rule)
			}
		}
		return nil
	})
	return all, err
}

var (
	conjunction = regexp.MustCompile(`\s(and|or|unless)\s`)
	comparison  = regexp.MustCompile(`\s(==|!=|<=|>=|<|>)\s`)
)

// Measured are the queries that an alert compares with something: what is left of each
// operator. While the alert does not fire they have series all the same, or it never can.
func (r *Rule) Measured() (queries []string) {
	if r.Alert == "" {
		return []string{r.Expr}
	}
	for _, part := range split(r.Expr, conjunction) {
		queries = append(queries, strings.TrimSpace(split(part, comparison)[0]))
	}
	return queries
}

// split cuts an expression at an operator, where it is in no parentheses and no quotes.
func split(expr string, operator *regexp.Regexp) (parts []string) {
	begin := 0
	for _, at := range operator.FindAllStringIndex(expr, -1) {
		if outermost(expr[:at[0]]) {
			parts = append(parts, expr[begin:at[0]])
			begin = at[1]
		}
	}
	return append(parts, expr[begin:])
}

// outermost reports whether all parentheses and quotes of the beginning of an expression
// are closed.
func outermost(text string) bool {
	open, quoted := 0, false
	for _, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("({[", c):
			open++
		case strings.ContainsRune(")}]", c):
			open--
		}
	}
	return open == 0 && !quoted
}
