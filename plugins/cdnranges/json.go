package cdnranges

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// object is a JSON object, by names as they are written.
type object = map[string]json.RawMessage

// decode reads an object. One that says something twice is refused: which of the two is
// meant, nobody knows.
func decode(reply []byte) (doc object, err error) {
	err = json.Unmarshal(reply, &doc)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(reply)):
		return nil, errCut
	case errors.As(err, new(*json.UnmarshalTypeError)), err == nil && doc == nil:
		return nil, errors.New("its JSON is not what this CDN publishes: it is no object: look at what it is")
	case err != nil:
		return nil, fmt.Errorf("it is no JSON: %w: look at what it is", err)
	}
	return doc, distinct(json.NewDecoder(bytes.NewReader(reply)))
}

// distinct reads one value, and reports a name that an object in it has twice.
func distinct(tokens *json.Decoder) error {
	token, err := tokens.Token()
	if err != nil {
		return err
	}
	opened, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	names := map[string]bool{}
	for tokens.More() {
		if opened == '{' {
			token, err := tokens.Token()
			if err != nil {
				return err
			}
			name := token.(string)
			if names[name] {
				return fmt.Errorf("its JSON has %.60q twice in one object: look where the list comes from", name)
			}
			names[name] = true
		}
		if err := distinct(tokens); err != nil {
			return err
		}
	}
	_, err = tokens.Token() // the end
	return err
}

// field reads what an object has of a name, which is there and not empty: a list that
// was renamed must not look like a list without networks.
func field[T any](from object, name string) (value T, err error) {
	text, there := from[name]
	switch {
	case !there:
		return value, fmt.Errorf("there is no network in it that this CDN would publish: it has no %s: look whether the format has changed", name)
	case string(text) == "null", string(text) == `""`, string(bytes.Join(bytes.Fields(text), nil)) == "[]":
		return value, fmt.Errorf("there is no network in its %s, where this CDN publishes some: look whether the format has changed", name)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return value, fmt.Errorf("its JSON is not what this CDN publishes: %s is %.40q: look whether the format has changed", name, text)
	}
	return value, nil
}
