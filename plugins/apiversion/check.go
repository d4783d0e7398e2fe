package apiversion

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/apiversion/negotiation"
)

// newChooser returns a chooser beside an error, too: one without what is wrong.
func newChooser(c *Config) (*Chooser, error) {
	var errs fieldErrors
	k := &Chooser{runtime: c.runtime, requestHeader: c.RequestHeader}
	if c.RequestHeader != "" && strings.EqualFold(fold(c.RequestHeader), fold(c.RouteHeader)) {
		errs.add("request_header: %q is route_header too, which the plugin overwrites; name another, such as X-API-Version", c.RequestHeader)
		k.requestHeader = ""
	}
	if len(c.APIs) == 0 {
		errs.add("apis: empty, so the plugin would do nothing; write one, with path, default and versions")
	}
	for i, written := range c.APIs {
		field := fmt.Sprintf("apis[%d]", i)
		scope, ok := errs.scope(field, written, c.APIs[:i])
		choices := errs.choices(field, written, c.RequestHeader != "")
		if ok && len(choices.Versions) > 0 {
			k.apis = append(k.apis, newAPI(scope, choices, c.RouteHeader, k.requestHeader))
			k.byHost = k.byHost || len(scope.Hosts) > 0
		}
	}
	slices.SortStableFunc(k.apis, func(a, b *api) int { return a.scope.Before(b.scope) })
	return k, errors.Join(errs...)
}

// fold is a header's name as nginx and Kong's router compare it.
func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// fieldErrors collects one error per bad field.
type fieldErrors []error

func (e *fieldErrors) add(format string, args ...any) { *e = append(*e, fmt.Errorf(format, args...)) }

// scope is false for one that no request, or another API's, has.
func (e *fieldErrors) scope(field string, a API, earlier []API) (s negotiation.Scope, ok bool) {
	s = negotiation.Scope{Path: a.Path, Hosts: lower(a.Hosts)}
	if !strings.HasPrefix(a.Path, "/") || strings.Contains(a.Path, "//") || strings.Contains(a.Path+"/", "/./") || strings.Contains(a.Path+"/", "/../") {
		e.add("%s.path: %q begins no request's path as Kong reads it; write it as /partner/orders, without empty segments and dots", field, a.Path)
		return s, false
	}
	for i, other := range earlier {
		if other.Path == a.Path && sameHost(lower(other.Hosts), s.Hosts) {
			e.add("%s.path: %q is that of apis[%d] for the same host, which counts; join the two, or tell them apart by hosts", field, a.Path, i)
			return s, false
		}
	}
	return s, true
}

func sameHost(a, b []string) bool {
	return len(a) == 0 && len(b) == 0 || slices.ContainsFunc(a, func(host string) bool { return slices.Contains(b, host) })
}

// choices leaves out what is wrong. Without a default that there is, the first version is it.
// A version without media types is got as the default, or by the request header if there is
// one.
func (e *fieldErrors) choices(field string, a API, byHeader bool) negotiation.API {
	choices := negotiation.API{Default: a.Default, MediaTypes: e.mediaTypes(field+".media_types", a.MediaTypes)}
	taken := map[string]string{}
	for _, mediaType := range choices.MediaTypes {
		taken[mediaType] = "all versions"
	}
	for i, v := range a.Versions {
		at := fmt.Sprintf("%s.versions[%d]", field, i)
		if e.taken(at, v, choices.Versions) {
			continue
		}
		choices.Versions = append(choices.Versions, negotiation.Version{
			Name: v.Name, MediaTypes: e.own(at, v, taken), Deprecated: v.Deprecated,
		})
		if len(v.MediaTypes)+len(a.MediaTypes) == 0 && v.Name != a.Default && !byHeader {
			e.add("%s.media_types: empty, as %s.media_types is, and without request_header, so that nobody can ask for the version; write one, such as application/json, or request_header", at, field)
		}
	}
	if !slices.ContainsFunc(choices.Versions, func(v negotiation.Version) bool { return v.Name == a.Default }) {
		e.add("%s.default: %q is none of its versions; write the name of one as it stands there", field, a.Default)
		if len(choices.Versions) > 0 {
			choices.Default = choices.Versions[0].Name
		}
	}
	return choices
}

// taken reports whether a version has another's name.
func (e *fieldErrors) taken(at string, v Choice, earlier []negotiation.Version) bool {
	if v.Name == "" {
		e.add("%s.name: it is empty; write what routes match on, such as v2", at)
		return true
	}
	for _, other := range earlier {
		if other.Is(v.Name) || (negotiation.Version{Name: v.Name}).Is(other.Name) {
			e.add("%s.name: %q and %q are one name to clients, who may leave out the v and its case; rename one", at, v.Name, other.Name)
			return true
		}
	}
	return false
}

// own are the media types of a version that tell it from others.
func (e *fieldErrors) own(at string, v Choice, taken map[string]string) (own []string) {
	for _, mediaType := range e.mediaTypes(at+".media_types", v.MediaTypes) {
		if of, ok := taken[mediaType]; ok {
			e.add("%s.media_types: %q is of %s, too, and so tells no version; keep it in one place", at, mediaType, of)
			continue
		}
		taken[mediaType] = "version " + v.Name
		own = append(own, mediaType)
	}
	return own
}

// mediaTypes are those of a list that are any.
func (e *fieldErrors) mediaTypes(field string, written []string) (list []string) {
	for i, mediaType := range lower(written) {
		if kind, subtype, ok := strings.Cut(mediaType, "/"); !ok || kind == "" || subtype == "" || strings.ContainsAny(mediaType, "*; ") {
			e.add("%s[%d]: %q is no media type; write it as application/json, without parameters or wildcards", field, i, mediaType)
			continue
		}
		list = append(list, mediaType)
	}
	return list
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = strings.ToLower(text)
	}
	return out
}
