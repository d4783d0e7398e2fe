package scrub

import (
	"iter"
	"strconv"
)

// Rule says what led to a finding.
type Rule uint8

// The rules. The last four are of what could not be examined.
const (
	RuleForm       Rule = iota // the value has its kind's form
	RuleName                   // it stands under a name
	RulePattern                // one of the policy's own patterns matches
	RuleTemplate               // it is a segment of a path template
	RuleOption                 // it is a password on a command line
	RuleStatement              // it is a password in a statement of SQL
	RuleUser                   // it is the user of an access line
	RuleTooLong                // the text is longer than the policy's MaxBytes
	RuleTooDeep                // it is nested too deep
	RuleTooCostly              // it costs more to read than its length justifies
	RuleUnreadable             // it decodes to no text, or is encoded more than MaxDepth times
)

var ruleNames = []string{
	"form", "name", "pattern", "template", "option", "statement", "user", "too-long", "too-deep", "too-costly", "unreadable",
}

// String returns the name that findings have.
func (r Rule) String() string {
	if int(r) >= len(ruleNames) {
		return "rule(" + strconv.Itoa(int(r)) + ")"
	}
	return ruleNames[r]
}

// forms say of each kind what its form is.
var forms = [kindCount]string{
	Email:      "it is an e-mail address",
	Phone:      "it is a number in the form of a country's telephone numbers, or one that a word or name beside it calls so",
	Card:       "its prefix and length are a card network's, and its check digit is right",
	IBAN:       "its country, length and check digits are an IBAN's",
	USSSN:      "it has the groups of a social security number, or a word beside it says that it is one",
	NationalID: "its form and check digit are those of a country's personal numbers",
	IP:         "it is an IP address",
	JWT:        "its parts are a JSON Web Token's",
	Credential: "it stands where a credential does: behind Bearer or Basic, before the @ of a URL, or as a partner's key",
	Secret:     "it has the form of an issuer's keys or of a private key, or stands in a link that only its receiver may have",
}

// Explained is a finding and why it is one.
type Explained struct {
	Finding
	Rule Rule
	// Pattern is the name of the policy's own pattern, of [RulePattern].
	Pattern string
	// Dropped says that the value could not be examined. Its kind is then [Field].
	Dropped bool
}

// Why says in words why the finding is one. It never has anything of the value.
func (x Explained) Why() string {
	switch x.Rule {
	case RuleForm:
		return forms[x.Kind]
	case RuleName:
		return "its name says so"
	case RulePattern:
		return "the policy's pattern " + strconv.Quote(x.Pattern) + " matches"
	case RuleTemplate:
		return "a path template of the policy has it in braces"
	case RuleOption:
		return "it is a password on a command line"
	case RuleStatement:
		return "it is a password in a statement of SQL"
	case RuleUser:
		return "it is the user of an access line"
	case RuleTooLong:
		return "it is longer than max_value_bytes"
	case RuleTooDeep:
		return "it is nested more than " + strconv.Itoa(maxNesting) + " deep"
	case RuleTooCostly:
		return "it costs more to read than its length justifies"
	default:
		return "it decodes to no text, or is encoded more than max_depth times"
	}
}

// Explain appends to dst what is found in text, as [Engine.Findings] does, and why.
func (e *Engine) Explain(dst []Explained, text []byte, f Format) []Explained {
	for x := range e.explained(text, f) {
		dst = append(dst, x)
	}
	return dst
}

// explained are the findings in a text, from left to right. None overlap.
func (e *Engine) explained(text []byte, f Format) iter.Seq[Explained] {
	return func(yield func(Explained) bool) {
		var s scan
		s.init(e, text)
		defer s.findings.release()
		s.whole(f)
		if s.blocked {
			yield(Explained{Finding: Finding{Field, 0, len(text)}, Rule: s.why, Dropped: true})
			return
		}
		for _, one := range s.findings.list {
			if !yield(e.explain(one)) {
				return
			}
		}
	}
}

func (e *Engine) explain(one finding) Explained {
	x := Explained{Finding: Finding{one.kind.Public(), one.start, one.end}, Rule: one.rule, Dropped: one.kind == Dropped}
	switch {
	case x.Rule == RulePattern:
		x.Pattern = e.patterns[one.pattern].name
	case x.Dropped && x.Rule < RuleTooLong:
		x.Rule = RuleUnreadable
	}
	return x
}

// Action returns what becomes of a kind.
func (e *Engine) Action(k Kind) Action {
	if int(k) >= kindCount {
		return Redact
	}
	return e.actions[k]
}
