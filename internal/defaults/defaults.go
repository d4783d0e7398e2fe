// Package defaults gives a plugin's configuration the defaults that the tags of its
// fields say, so that they stand in one place. Kong fills them in by the schema that is
// made of the same tags; a server that sends no such schema does not.
package defaults

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Fill sets each field of config that is zero and has `kong:"default=V"` to V, in structs
// and lists within, too. config is a pointer to a struct. Strings, numbers and lists are filled;
// a false may have been written, see [New].
//
// It panics on a default that is no value of its field: that is a mistake in the program,
// and the first configuration shows it.
func Fill(config any) { fill(reflect.ValueOf(config).Elem(), false) }

// New is [Fill] for a config of which nothing was decoded yet: booleans are filled as
// well.
func New(config any) { fill(reflect.ValueOf(config).Elem(), true) }

func fill(v reflect.Value, isNew bool) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), isNew)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				fill(v.Field(i), isNew)
				fillField(v.Field(i), field, isNew)
			}
		}
	}
}

func fillField(v reflect.Value, field reflect.StructField, isNew bool) {
	text, ok := tagged(field.Tag.Get("kong"))
	if !ok || !v.IsZero() {
		return
	}
	if err := set(v, text, isNew); err != nil {
		panic(fmt.Sprintf("default of %s: %v", field.Name, err))
	}
}

// tagged is the default in a kong tag: what follows "default=" up to the next comma, and a
// list up to the end, as it is the tag's last word.
func tagged(tag string) (text string, ok bool) {
	if _, list, ok := strings.Cut(tag, "default=["); ok {
		return "[" + list, true
	}
	for word := range strings.SplitSeq(tag, ",") {
		if text, ok = strings.CutPrefix(word, "default="); ok {
			return text, true
		}
	}
	return "", false
}

func set(v reflect.Value, text string, isNew bool) (err error) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
	case reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v.SetFloat(f)
	case reflect.Bool:
		var on bool
		on, err = strconv.ParseBool(text)
		v.SetBool(on && isNew)
	case reflect.Slice:
		err = json.Unmarshal([]byte(text), v.Addr().Interface())
	}
	return err
}
