// Package scrub finds personal data, card numbers and credentials in text that
// is about to be logged, and writes the text again without them.
//
// It is a pure library: it knows neither Kong nor any file. An [Engine] is made
// from a [Policy] once and may be used by any number of goroutines.
//
// # The way of a line
//
//  1. [Engine.Scrub] starts a scan (text.go), and its [Format] says how the line is cut:
//     an access line into fields, JSON into strings and numbers, a URL into path and query.
//  2. Each part becomes a window (scan.go): it is read as if nothing stood around it.
//  3. A window is classified in blocks of 64 bytes, eight bytes at a time, into bitmaps: a
//     bit a byte for digits, word bytes, and marks such as '@' and '=' (blocks.go).
//  4. Shifts over the bitmaps leave candidates, places where a value could be: a dense run
//     of digits, the twelfth byte of a word, a country code with check digits, a mark.
//  5. At each candidate one detector looks at the bytes around it (number.go, email.go,
//     token.go and so on). It finds where the value begins and ends, at boundaries of words.
//  6. A validator then decides: a check digit, a network's prefix, the form of a country's
//     numbers; where that is weak, the context: the field's name, or words beside it.
//  7. What is encoded (percent, JSON escapes, base64, other scripts' digits) is decoded into
//     a buffer that keeps each byte's origin, and scanned in turn, so that a finding's
//     offsets are always offsets into the bytes that were given.
//  8. The policy's own patterns run over the window last, and overlaps are merged.
//  9. The text is written again, each finding replaced as its kind's [Action] says.
//
// A text without a candidate costs steps 1 to 4 and is copied as it is; nothing is
// allocated unless something is found or has to be decoded.
//
// # What no pattern finds
//
// The names and the postal addresses of people have no shape. They are redacted
// by the name of the field that they stand in (see [DefaultFields]), never
// guessed from prose.
//
// # Failing closed
//
// What cannot be examined is not passed on: a text that is longer than the
// policy allows, nested deeper, or costlier to read than its length justifies
// is replaced by "[dropped]".
package scrub
