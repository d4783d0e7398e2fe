package configcheck

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

var (
	// inRegexps is what paths have that are meant as regular expressions. A dot, a plus, a
	// dollar sign before a name and what is in parentheses are in paths of their own right.
	inRegexps = regexp.MustCompile(`[\\\[\]^|]|\.[*+]|\)[*+?{]|\(\?|\?(?:[/$()]|$)|\{[\d,]+\}|\$$`)
	// inTemplates is a parameter of OpenAPI, {id}, or of a web framework, :id.
	inTemplates = regexp.MustCompile(`\{[A-Za-z_][\w.-]*\}|/:[A-Za-z_]\w*(?:/|$)`)
	inGlobs     = regexp.MustCompile(`\*+`)
	globAtEnd   = regexp.MustCompile(`^([^*]*/)[^/*]*\*+$`)
)

// pathPatterns finds paths that read as patterns and that Kong takes letter by letter. Of
// configs in the formats before 3.0 it makes regular expressions itself.
func (p *pass) pathPatterns() {
	switch p.config.Whole.Text("_format_version") {
	case "1.1", "2.1":
		return
	}
	for _, e := range p.config.All("routes") {
		for i, path := range gateway.List(e.Fields["paths"]) {
			text, _ := path.(string)
			if what, fix := patternOf(text); what != "" {
				p.found(e, at("paths", i), fmt.Sprintf("%q: Kong takes it letter by letter, as the beginning of a path, and not as %s", text, what), fix)
			}
		}
	}
}

// patternOf is what a path seems to be meant as, and what to write then; nothing of one that
// is a path, or a regular expression already.
func patternOf(path string) (what, fix string) {
	if !strings.HasPrefix(path, "/") {
		return "", ""
	}
	switch expression := filledIn(path, func(text string) string { return text }); {
	case inRegexps.MatchString(path) && regexpShape(expression) == "":
		return "a regular expression", "write ~" + expression
	case inRegexps.MatchString(path):
		return "", ""
	case inTemplates.MatchString(path):
		return "a template", "write ~" + filledIn(path, regexp.QuoteMeta)
	case globAtEnd.MatchString(path):
		begins, _, _ := strings.Cut(path, "*")
		return "a pattern", "write " + begins + ", which is met by all that begins with it"
	case inGlobs.MatchString(path):
		return "a pattern", "write ~" + ofGlob(path)
	default:
		return "", ""
	}
}

// filledIn is a path with an expression for each parameter of a template; literal is done to
// what is between.
func filledIn(path string, literal func(string) string) string {
	var b strings.Builder
	for {
		at := inTemplates.FindStringIndex(path)
		if at == nil {
			return b.String() + literal(path)
		}
		from, to := at[0], at[1]
		if path[from] == '/' { // the slashes are no part of it
			from++
			to -= len(path[:to]) - len(strings.TrimSuffix(path[:to], "/"))
		}
		b.WriteString(literal(path[:from]) + "[^/]+")
		path = path[to:]
	}
}

// ofGlob is a regular expression for a path with stars: one is for what is between slashes.
func ofGlob(path string) string {
	var b strings.Builder
	for {
		at := inGlobs.FindStringIndex(path)
		if at == nil {
			return b.String() + regexp.QuoteMeta(path)
		}
		b.WriteString(regexp.QuoteMeta(path[:at[0]]))
		if at[1]-at[0] > 1 {
			b.WriteString(".*")
		} else {
			b.WriteString("[^/]*")
		}
		path = path[at[1]:]
	}
}
