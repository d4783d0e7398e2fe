package tenantratelimit

import (
	"reflect"
	"strconv"
	"strings"
)

// fillDefaults gives each field that is zero the default that its kong tag names, also in
// structs and lists within. Kong does the same by the schema that the tags make; go-pdk's
// own server has no such schema, and a test may have none. A false may have been
// written, so only a fresh config, of which nothing was decoded yet, gets booleans.
func fillDefaults(v reflect.Value, fresh bool) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			fillDefaults(v.Index(i), fresh)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				fillDefaults(v.Field(i), fresh)
				fillDefault(v.Field(i), field.Tag.Get("kong"), fresh)
			}
		}
	}
}

func fillDefault(v reflect.Value, tag string, fresh bool) {
	text, found := defaultOf(tag)
	if !found || !v.IsZero() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		n, _ := strconv.ParseInt(text, 10, 64) // the schema was made of the same tag
		v.SetInt(n)
	case reflect.Bool:
		v.SetBool(fresh && text == "true")
	}
}

// defaultOf finds default=V among a tag's words.
func defaultOf(tag string) (value string, found bool) {
	for word := range strings.SplitSeq(tag, ",") {
		if value, found = strings.CutPrefix(word, "default="); found {
			return value, true
		}
	}
	return "", false
}
