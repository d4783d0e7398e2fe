// Package defaults gives a plugin's configuration the defaults that the tags of its
// fields say, so that they stand in one place. Kong fills them in by the schema that is
// made of the same tags; a server that sends no such schema does not.
package defaults

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Fill sets each field of config that is zero and has `kong:"default=V"` to V, in nested
// structs too. config is a pointer to a struct. Strings, integers and floating-point
// numbers are filled; of a bool, zero may be what the operator wrote.
//
// It panics on a default that is no value of its field: that is a mistake in the program,
// and the first configuration shows it.
func Fill(config any) { fill(reflect.ValueOf(config).Elem()) }

func fill(v reflect.Value) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		switch {
		case !field.IsExported():
		case value.Kind() == reflect.Struct:
			fill(value)
		case value.IsZero():
			if text, ok := tagged(field.Tag.Get("kong")); ok {
				set(value, field.Name, text)
			}
		}
	}
}

// tagged is the default in a kong tag: what follows "default=" up to the next comma.
func tagged(tag string) (text string, ok bool) {
	for word := range strings.SplitSeq(tag, ",") {
		if text, ok = strings.CutPrefix(word, "default="); ok {
			return text, true
		}
	}
	return "", false
}

func set(value reflect.Value, name, text string) {
	var err error
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Int, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		value.SetInt(n)
	case reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		value.SetFloat(f)
	}
	if err != nil {
		panic(fmt.Sprintf("default of %s: %v", name, err))
	}
}
