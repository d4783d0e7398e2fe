// Package scrub finds personal data, card numbers and credentials in text that
// is about to be logged, and writes the text again without them.
//
// It is a pure library: it knows neither Kong nor any file. An [Engine] is made
// from a [Policy] once and may be used by any number of goroutines.
//
// # How a text is read
//
// A text is read in blocks of 64 bytes. Each block is classified, eight bytes
// at a time, into bitmaps (digits, word bytes, marks such as '@' and '='), and
// a few shifts over the bitmaps leave a bit where a value could be: a dense run
// of digits, a long word, a country code with its check digits, a mark. Only
// those places are looked at byte by byte, each by the detector for its shape.
// A text without such a place costs the classification and nothing else, and
// nothing is allocated unless something is found or has to be decoded.
//
// Encodings are taken off where they occur: percent-encoding, JSON escapes,
// base64 and base64url, and other scripts' digits, spaces and dashes. What a decoded
// text shows is redacted in the original, so a finding's offsets are always offsets
// into the bytes that were given.
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
