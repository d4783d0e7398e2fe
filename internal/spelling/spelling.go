// Package spelling finds the name that somebody meant who wrote another.
package spelling

import (
	"slices"
	"strings"
)

// DidYouMean is a question for the name that is nearest to one that is not there; empty if
// none is near.
func DidYouMean(name string, among []string) string {
	if near := Nearest(name, among, AnyNumber); near != "" {
		return "; " + near + "?"
	}
	return ""
}

// AnyNumber of letters may be wrong, as long as it is a third.
const AnyNumber = 1 << 30

// Nearest is the name that somebody meant, empty if none is near: at most a third of it and so
// many letters are wrong, or one begins with the other, or ends it.
func Nearest(name string, among []string, most int) string {
	best, least := "", 0
	for _, candidate := range among {
		a, b := plain(name), plain(candidate)
		d := distance(a, b)
		near := 3*d <= max(len(a), len(b)) && d <= most || min(len(a), len(b)) >= 4 && (strings.HasPrefix(b, a) || strings.HasPrefix(a, b) || strings.HasSuffix(b, a))
		if near && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best
}

// plain is a name without what tells spellings apart.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name))
}

// distance is how many letters are to be put in, taken out, changed, or exchanged with the
// next one, to make one text of another (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = slices.Min([]int{rows[i-1][j] + 1, rows[i][j-1] + 1, rows[i-1][j-1] + cost})
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
