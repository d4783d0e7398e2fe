package configcheck

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// leadsBelow reports whether an expression, as Kong looks for one at the beginning of paths,
// can match one that has more behind a path and a slash.
func leadsBelow(expression, path string) bool {
	parsed, err := syntax.Parse("^(?:"+strings.TrimPrefix(expression, "^")+")", syntax.Perl)
	if err != nil {
		return true // Kong's expressions are PCRE: what RE2 has not is taken to match
	}
	compiled, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return true
	}
	p := program{compiled}
	at := p.from(nil, uint32(p.Start), true)
	for _, r := range strings.TrimSuffix(path, "/") + "/" {
		if slices.ContainsFunc(at, p.matched) {
			return true // whatever follows
		}
		var next []uint32
		for _, pc := range at {
			if p.waits(pc) && p.Inst[pc].MatchRune(r) {
				next = p.from(next, p.Inst[pc].Out, false)
			}
		}
		at = next
	}
	return slices.ContainsFunc(at, func(pc uint32) bool { return p.matched(pc) || p.waits(pc) })
}

// program is a compiled expression, whose instructions are followed by their numbers.
type program struct{ *syntax.Prog }

// from adds an instruction, and those that it goes on to without a character. The end of a
// path is never one of them, since more is to come. What looks at the characters around, such
// as \b, is taken to hold.
func (p program) from(at []uint32, pc uint32, begins bool) []uint32 {
	if slices.Contains(at, pc) {
		return at
	}
	at = append(at, pc)
	switch inst := &p.Inst[pc]; inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return p.from(p.from(at, inst.Out, begins), inst.Arg, begins)
	case syntax.InstCapture, syntax.InstNop:
		return p.from(at, inst.Out, begins)
	case syntax.InstEmptyWidth:
		looks := syntax.EmptyOp(inst.Arg)
		if looks&syntax.EmptyEndText == 0 && (begins || looks&syntax.EmptyBeginText == 0) {
			return p.from(at, inst.Out, begins)
		}
	}
	return at
}

func (p program) matched(pc uint32) bool { return p.Inst[pc].Op == syntax.InstMatch }

// waits reports whether an instruction takes a character.
func (p program) waits(pc uint32) bool {
	switch p.Inst[pc].Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}
