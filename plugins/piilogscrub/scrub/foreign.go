package scrub

import (
	"bytes"
	"unicode/utf8"
)

// phoneAbroad are words for a telephone, a mobile and their numbers, or the beginnings of such
// words, that have letters beyond ASCII's.
var phoneAbroad = [][]byte{
	[]byte("тел"), []byte("Тел"), []byte("моб"), []byte("Моб"), // Russian, Ukrainian, Bulgarian
	[]byte("电话"), []byte("電話"), []byte("手机"), []byte("手機"), []byte("携帯"), // Chinese, Japanese
	[]byte("전화"), []byte("휴대폰"), // Korean
	[]byte("tél"), []byte("Tél"), []byte("teléfono"), []byte("Teléfono"), []byte("móvil"), []byte("Móvil"), // French, Spanish
	[]byte("τηλ"), []byte("Τηλ"), []byte("هاتف"), []byte("جوال"), []byte("טלפון"), []byte("โทร"), []byte("điện thoại"), // Greek, Arabic, Hebrew, Thai, Vietnamese
}

// foreignRole returns what the words of other languages before a number say of it.
func foreignRole(before []byte) role {
	i := 0
	for i < len(before) && before[i] < utf8.RuneSelf {
		i++
	}
	if i == len(before) {
		return 0
	}
	for _, word := range phoneAbroad {
		if bytes.Contains(before, word) {
			return rolePhone
		}
	}
	return 0
}
