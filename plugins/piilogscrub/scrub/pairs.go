package scrub

import "slices"

// pairNames are names of values that another field names.
func pairNames() []string { return []string{"value", "val", "string_value"} }

// labelNames are names of fields that name a value, in lower case.
var labelNames = []string{"name", "key", "header", "field", "param", "parameter", "property", "variable", "k", "n", "attribute"}

func isLabelName(name []byte) bool {
	var buf [maxName]byte
	var parts [maxNameParts]int
	key, starts := splitName(name, &buf, &parts)
	if len(starts) == 2 && string(key[:starts[1]]) == "parameter" {
		key = key[starts[1]:] // AWS' "ParameterKey" and "ParameterValue"
	}
	return slices.ContainsFunc(labelNames, func(l string) bool { return string(key) == l })
}

func isPairName(name []byte) bool {
	var buf [maxName]byte
	var parts [maxNameParts]int
	key, _ := splitName(name, &buf, &parts)
	return string(key) == "value" || string(key) == "val" || string(key) == "parametervalue"
}

// pairRole returns the role of the value behind the sign at b[i], whose name is "value":
// that of the name that stands before it, as in `name="password" value="x"` and
// `"key":"password","value":"x"`.
func (s *scan) pairRole(i int) role {
	name := s.nameEndingAt(i)
	if !isPairName(name) {
		return 0
	}
	end := nameEnd(s.b, i) - len(name)
	for first := end; end > 0 && first-end < maxSignGap && isBetweenPair(s.b[end-1]); {
		end--
	}
	start := end
	for start > 0 && end-start < maxName && is(s.b[start-1], nameByte) {
		start--
	}
	s.spend(i - start)
	sign := nameEnd(s.b, start) - 1
	if start == end || sign < 0 || s.b[sign] != '=' && s.b[sign] != ':' || !isLabelName(s.nameEndingAt(sign)) {
		return 0
	}
	return s.fieldRole(s.b[start:end])
}

func isBetweenPair(c byte) bool {
	return isNameEnd(c) || is(c, blank) || c == ',' || c == ';' || c == '&'
}

// namesNext reports whether a value is the name of the one behind it, as in
// `"key":"region","value":"eu"`.
func (s *scan) namesNext(v value) bool {
	return s.nextIs(v, "val", "parameterval")
}

// saysMore reports whether the text that says what a number means is behind it, as in
// `"code":100045,"message":"…"`: that is an error's.
func (s *scan) saysMore(v value) bool {
	return s.nextIs(v, "msg", "message", "error", "reason", "desc")
}

// countsNext reports whether a count of failures is behind a value: "pass=1200 fail=3".
func (s *scan) countsNext(v value) bool { return s.nextIs(v, "fail", "skip") }

// nextIs reports whether the next name behind a value begins with one of the words.
func (s *scan) nextIs(v value, words ...string) bool {
	j := v.end
	for j < len(s.b) && j-v.end < maxSignGap && isBetweenPair(s.b[j]) {
		j++
	}
	for _, w := range words {
		if j > v.end && foldPrefix(s.b, j, w) {
			return true
		}
	}
	return false
}
