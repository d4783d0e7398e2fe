package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// form is what a key begins with, and its parts.
type form struct {
	prefix string
	parts  []part
}

// part is from least to most bytes of an alphabet, most being 0 where there is no bound,
// and what is written behind them.
type part struct {
	of          string
	least, most int
	behind      string
}

// alphabets are those that a form may name.
var alphabets = []string{
	"digit", "hex", "anyhex", "base32", "lower", "upper", "alnum", "mixed", "word", "base64", "uuid", "behind",
}

const uuidSize = 36

// parseForm reads a form such as "AKIA{upper 16}" or "{hex 32}-us{digit 1-2}".
func parseForm(s string) (f form, err error) {
	prefix, rest, ok := strings.Cut(s, "{")
	f.prefix = prefix
	for ok {
		inner, tail, closed := strings.Cut(rest, "}")
		if !closed {
			return f, fmt.Errorf("form: close the brace before %q", rest)
		}
		p, err := parsePart(inner)
		if err != nil {
			return f, err
		}
		p.behind, rest, ok = strings.Cut(tail, "{")
		f.parts = append(f.parts, p)
	}
	if len(f.parts) == 0 {
		return f, errors.New("form: write what differs from key to key in braces, as in {hex 40}")
	}
	return f, nil
}

// parsePart reads what is in braces.
func parsePart(s string) (p part, err error) {
	of, size, _ := strings.Cut(s, " ")
	p.of = of
	known := false
	for _, a := range alphabets {
		known = known || a == of
	}
	switch {
	case !known:
		return p, fmt.Errorf("form {%s}: %q is no alphabet; take one of %s", s, of, strings.Join(alphabets, ", "))
	case of == "uuid":
		p.least, p.most = uuidSize, uuidSize
		return p, nil
	}
	first, last, span := strings.Cut(size, "-")
	first, open := strings.CutSuffix(first, "+")
	p.least, err = strconv.Atoi(first)
	if p.most = p.least; span && err == nil {
		p.most, err = strconv.Atoi(last)
	}
	if err != nil || p.least < 1 || p.most < p.least {
		return p, fmt.Errorf("form {%s}: write how many bytes there are, as in 20, 20+ or 5-6", s)
	}
	if open || of == "behind" {
		p.most = 0
	}
	return p, nil
}

// code returns the fields of the Go value.
func (f form) code() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q, []keyPart{", f.prefix)
	for i, p := range f.parts {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "{%s, %d, %d, %q}", p.alphabet(), p.least, p.most, p.behind)
	}
	return b.String() + "}"
}

// alphabet returns the name of the constant.
func (p part) alphabet() string {
	if p.of == "uuid" {
		return "ofUUID"
	}
	return "of" + strings.ToUpper(p.of[:1]) + p.of[1:]
}
