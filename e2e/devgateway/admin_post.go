package devgateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxConfig is nginx's client_max_body_size for Kong's admin API, in bytes.
const maxConfig = 10 << 20

// configPost is a configuration that was posted, and how it is to be answered.
type configPost struct {
	text      []byte
	flatten   bool // errors by entity
	checkHash bool // 304 for what runs already
}

// readPost reads a configuration in each form in which Kong takes one: as it is, or as the
// field config of a form. A status other than 0 is why there is none.
func readPost(r *http.Request) (post configPost, status int, problem string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxConfig+1))
	if err != nil || len(body) > maxConfig {
		return post, http.StatusRequestEntityTooLarge, "Payload too large"
	}
	params := r.URL.Query()
	mediaType, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch mediaType {
	case "text/yaml", "application/yaml", "application/json": // JSON is YAML
		params.Set("config", string(body))
	case "multipart/form-data", "application/x-www-form-urlencoded":
		if mediaType == "multipart/form-data" && parameters["boundary"] == "" {
			return post, http.StatusBadRequest, "read form: its Content-Type has no boundary: let curl -F write it"
		}
		if err := addForm(params, body, parameters["boundary"]); err != nil {
			return post, http.StatusBadRequest, "read form: " + err.Error()
		}
	default:
		return post, http.StatusUnsupportedMediaType, "Unsupported media type; the dev gateway supports a form with the field config (curl -F config=@kong.yaml), text/yaml and application/json only"
	}
	for name := range params {
		if !slices.Contains([]string{"config", "flatten_errors", "check_hash"}, name) {
			return post, http.StatusBadRequest, "the dev gateway supports config, flatten_errors and check_hash only, not " + name + "; `make up` runs Kong"
		}
	}
	post = configPost{[]byte(params.Get("config")), truthy(params.Get("flatten_errors")), params.Get("check_hash") == "1"}
	if len(post.text) == 0 {
		return post, http.StatusBadRequest, "expected a declarative configuration"
	}
	return post, 0, ""
}

// truthy is what Kong takes for yes.
func truthy(value string) bool {
	return slices.Contains([]string{"true", "1", "on", "yes"}, strings.ToLower(value))
}

// addForm adds the fields of a form. With a boundary it is one in parts.
func addForm(params url.Values, body []byte, boundary string) error {
	if boundary == "" {
		fields, err := url.ParseQuery(string(body))
		for name, values := range fields {
			params[name] = values
		}
		return err
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		params.Set(part.FormName(), string(value))
	}
}
