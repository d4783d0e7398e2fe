package scrub

const (
	maxWord     = 16 // letters of the longest word, which camel case may put beside others
	maxOddPairs = 1  // pairs of letters in it that words seldom have
	minOdd      = 6  // letters of the shortest word that may have one
	minHead     = 3  // letters of the shortest word in a path
	maxPart     = 6  // letters and digits of a part of one that is no word, and no secret
)

// pairsOf has, for each letter, those that follow it in words of English: of ten random
// letters, 1 in 50 have no more than one other pair; of words of six letters and more all
// but 1 in 250. They were counted in the comments of Go's standard library.
var pairsOf = [26]string{
	"bcdfgiklmnprstuvwxyz", "abefijlorsu", "acehiklorstuy", "adegilmnorsuvy", "abcdefghijlmnopqrstuvwxy", "aefilortu", "aeghilmnorsu",
	"aeimnortuwy", "abcdefgklmnoprstvxz", "aeou", "aeilnosuy", "acdefiklmnopstuvy", "abeilmopsuy", "acdefgijklnostuvxy", "abcdefgiklmnoprstuvwx",
	"aehiloprstu", "u", "abcdefgiklmnoprstuvwy", "acehiklmnopqstuwy", "acehilmnoprstuwyz", "abcdefgilmnoprstx", "aeiou", "adehilnorsy",
	"aceiptuy", "aemnopst", "aeioz",
}

var pairSets = makePairSets()

func makePairSets() (sets [26]uint32) {
	for i, letters := range pairsOf {
		for _, c := range []byte(letters) {
			sets[i] |= 1 << (c - 'a')
		}
	}
	return sets
}

// readsLikeWords reports whether a value is a word, or some in camel case, and not letters
// that were made up.
func readsLikeWords(v []byte) bool {
	odd, size := 0, 0
	for i, c := range v {
		if !isAlpha(c) {
			return false
		}
		if size++; i > 0 && c < 'a' && v[i-1] >= 'a' {
			if size <= minHead || i == len(v)-1 {
				return false
			}
			odd, size = 0, 1
			continue
		}
		if i > 0 && pairSets[fold(v[i-1])-'a']&(1<<(fold(c)-'a')) == 0 {
			odd++
		}
		if size > maxWord || odd > maxOddPairs || odd > 0 && len(v) < minOdd {
			return false
		}
	}
	return len(v) > 0
}

// readsLikeData reports whether a value is what data is found under: a path, a name with
// a namespace before it, or a name of several words with something behind them, such as
// "uploads/report.pdf", "cart:991" and "Linux-node-9f86d081". A secret in base64 has
// separators too, and next to never a word and short parts only before the second one.
func readsLikeData(v []byte) bool {
	words := 0
	for start := 0; start < len(v); {
		end := start
		for end < len(v) && is(v[end], alnum) {
			end++
		}
		part := v[start:end]
		switch {
		case len(part) >= minHead && (readsLikeWords(part) || len(part) <= maxPart && isLower(part)):
			if words++; words == 2 || isPathSign(at(v, end)) && end < len(v) {
				return true
			}
		case len(part) > maxPart:
			return false
		}
		start = end + 1
	}
	return words > 0 && !readsLikeWords(v) && contentOf(v).separators > 0
}

func isLower(v []byte) bool {
	for _, c := range v {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// isPathSign reports whether c stands between the parts of a path or of a name in a
// namespace, and not in base64url or within a name.
func isPathSign(c byte) bool { return c != '-' && c != '_' && c != '+' && c < 0x80 }
