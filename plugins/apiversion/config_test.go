package apiversion_test

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
)

func TestProvisionRefuses(t *testing.T) {
	t.Parallel()
	type config = apiversion.Config
	api := func(edit func(*apiversion.API)) *config {
		a := ordersAPI()
		edit(&a)
		return &config{APIs: []apiversion.API{a}}
	}
	for _, tt := range []struct {
		name   string
		config *config
		want   []string // parts of the error: field, value, fix
	}{
		{"nothing", &config{}, []string{"apis: empty", "path, default and versions"}},
		{"one header for both", &config{RequestHeader: "x-gatehouse_VERSION", APIs: []apiversion.API{ordersAPI()}}, []string{"request_header", `"x-gatehouse_VERSION"`, "X-API-Version"}},
		{"an expression", api(func(a *apiversion.API) { a.Path = "~/orders" }), []string{"apis[0].path", `"~/orders"`}},
		{"an empty segment", api(func(a *apiversion.API) { a.Path = "/a//b" }), []string{"apis[0].path", `"/a//b"`}},
		{"dots", api(func(a *apiversion.API) { a.Path = "/a/.." }), []string{"apis[0].path", `"/a/.."`, "without empty segments and dots"}},
		{"the same twice", &config{APIs: []apiversion.API{ordersAPI(), ordersAPI()}}, []string{"apis[1].path", "apis[0]", "hosts"}},
		{"no version", api(func(a *apiversion.API) { a.Versions = nil }), []string{"apis[0].default", "none of its versions"}},
		{"another default", api(func(a *apiversion.API) { a.Default = "2" }), []string{"apis[0].default", `"2"`, "as it stands there"}},
		{"a version without a name", api(func(a *apiversion.API) { a.Versions[0].Name = "" }), []string{"apis[0].versions[0].name", "empty", "v2"}},
		{"one name for clients", api(func(a *apiversion.API) { a.Versions[0].Name = "2" }), []string{"apis[0].versions[1].name", `"v2" and "2"`, "rename"}},
		{"one name in another case", api(func(a *apiversion.API) { a.Versions[0].Name = "V2" }), []string{"apis[0].versions[1].name", "rename"}},
		{"a wildcard", api(func(a *apiversion.API) { a.MediaTypes = []string{"application/*"} }), []string{"apis[0].media_types[0]", `"application/*"`}},
		{"a parameter", api(func(a *apiversion.API) { a.Versions[1].MediaTypes = []string{"a/b", "a/c;v=1"} }), []string{"apis[0].versions[1].media_types[1]", `"a/c;v=1"`}},
		{"a type of two versions", api(func(a *apiversion.API) { a.Versions[1].MediaTypes = []string{"Application/Vnd.Orders.V1+json"} }), []string{"apis[0].versions[1].media_types", "version v1", "one place"}},
		{"a type of one and of all", api(func(a *apiversion.API) { a.Versions[0].MediaTypes = a.MediaTypes }), []string{"apis[0].versions[0].media_types", "all versions"}},
		{"no type at all", api(func(a *apiversion.API) { a.MediaTypes, a.Default, a.Versions[1].MediaTypes = nil, "v1", nil }), []string{"apis[0].versions[1].media_types", "empty", "application/json, or request_header"}},
		{"no type of one", api(func(a *apiversion.API) { a.MediaTypes, a.Versions[0].MediaTypes = nil, nil }), []string{"apis[0].versions[0].media_types", "apis[0].media_types", "without request_header"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runtime := newRuntime(t, apiversion.Options{})
			runtime.Bind(tt.config)
			err := tt.config.Provision()
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q, want %q in it", err, part)
				}
			}
		})
	}
}

// TestMediaTypesAreOptional: who has none is the default, or what the request header names.
func TestMediaTypesAreOptional(t *testing.T) {
	t.Parallel()
	for header, without := range map[string][]int{"": {1}, "X-API-Version": {0, 1}} {
		a := ordersAPI()
		a.MediaTypes = nil
		for _, i := range without {
			a.Versions[i].MediaTypes = nil
		}
		newConfig(t, &apiversion.Config{RequestHeader: header, APIs: []apiversion.API{a}})
	}
}

// TestSamePathOnOtherHosts is no mistake.
func TestSamePathOnOtherHosts(t *testing.T) {
	t.Parallel()
	one, other, all := ordersAPI(), ordersAPI(), ordersAPI()
	one.Hosts, other.Hosts = []string{"a.example.com"}, []string{"B.example.com"}
	newConfig(t, &apiversion.Config{APIs: []apiversion.API{one, other, all}})
}
