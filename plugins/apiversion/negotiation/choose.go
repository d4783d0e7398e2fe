package negotiation

import (
	"cmp"
	"slices"
	"strings"
)

// Version is one version of an API.
type Version struct {
	// Name is what routes match on, such as v2. Clients may leave out the v.
	Name string
	// MediaTypes are those that this version alone has, in lower case. A version without
	// any, of an API without any, may be anything: Accept neither names nor refuses it.
	MediaTypes []string
	// Deprecated versions are the last choice among equals, unless they are the default.
	Deprecated bool
}

// API is what there is to choose from.
type API struct {
	Versions []Version
	// Default is the version of whoever asks for none. It is the name of one of Versions.
	Default string
	// MediaTypes are those that all versions have, in lower case.
	MediaTypes []string
}

// Request is what a request's client says.
type Request struct {
	// Accept has the lines of that header, joined with commas; empty if there is none. It
	// counts where [API.ByMediaType] says so.
	Accept string
	// Version is what the header that names a version says; empty if there is none.
	Version string
}

// Reason says what a version was chosen by, or why none was.
type Reason string

// The reasons. Those of refusals come last.
const (
	ByDefault      Reason = "default"
	ByAccept       Reason = "accept"
	ByHeader       Reason = "header"
	NotAcceptable  Reason = "not_acceptable"
	UnknownVersion Reason = "unknown_version"
)

// Refused reports whether there is no version for the request.
func (r Reason) Refused() bool { return r == NotAcceptable || r == UnknownVersion }

// ByMediaType reports whether Accept decides anything: some version has media types.
func (a *API) ByMediaType() bool { return slices.ContainsFunc(a.Versions, a.typed) }

// typed reports whether it is known what a version is.
func (a *API) typed(v Version) bool { return len(v.MediaTypes)+len(a.MediaTypes) > 0 }

// Choose chooses a version. It is empty if the reason is a refusal's.
//
// A version by header narrows what Accept may choose from, so that two headers that
// contradict each other get nothing. Of what is acceptable the highest quality is chosen,
// then what names a version before what all have, and the more specific range before the
// wildcard; then the default. What has no media types is got by the header or as the
// default, and then whatever Accept says: it is not negotiated (RFC 9110, 12.4.1).
func (a *API) Choose(r Request) (version string, by Reason) {
	wanted := trim(r.Version)
	candidates := a.preferred()
	if wanted != "" {
		candidates = slices.DeleteFunc(candidates, func(v Version) bool { return !v.Is(wanted) })
		if len(candidates) == 0 {
			return "", UnknownVersion
		}
	}
	first := candidates[0] // the default, if none is wanted
	if emptyList(r.Accept) || wanted != "" && !a.typed(first) {
		if wanted == "" {
			return a.Default, ByDefault
		}
		return first.Name, ByHeader
	}
	var best offer
	ranges := parseAccept(r.Accept)
	for _, v := range candidates {
		if o := a.offer(v, ranges); o.quality > 0 && o.compare(best) > 0 {
			best, version = o, v.Name
		}
	}
	switch {
	case version == "" && !a.typed(first):
		return first.Name, ByDefault
	case version == "":
		return "", NotAcceptable
	case wanted != "":
		return version, ByHeader
	case !best.named && version == a.Default:
		return version, ByDefault
	}
	return version, ByAccept
}

// preferred are the versions in the order of choice among equals.
func (a *API) preferred() []Version {
	order := func(v Version) int {
		switch {
		case v.Name == a.Default:
			return 0
		case !v.Deprecated:
			return 1
		}
		return 2
	}
	list := slices.Clone(a.Versions)
	slices.SortStableFunc(list, func(x, y Version) int { return order(x) - order(y) })
	return list
}

// Is reports whether a client's word names the version. Case does not count.
func (v Version) Is(word string) bool {
	return strings.EqualFold(v.Name, word) || strings.EqualFold(v.Name, "v"+word)
}

// offer is how a version suits a client.
type offer struct {
	quality int  // in thousandths; 0 is not at all
	named   bool // it is this version that was asked for
	rank    int
}

func (o offer) compare(other offer) int {
	named := func(o offer) int {
		if o.named {
			return 1
		}
		return 0
	}
	return cmp.Or(o.quality-other.quality, named(o)-named(other), o.rank-other.rank)
}

// offer is the best that a version is to a client. Who refuses all of a version's own types
// by name does not get it as what all versions have.
func (a *API) offer(v Version, ranges []mediaRange) (best offer) {
	if v.Name == a.Default && !a.typed(v) {
		return anything(ranges)
	}
	refused := false
	consider := func(mediaType string, own bool) {
		o, ok := suits(mediaType, v, ranges)
		o.named = ok && (o.rank%2 == 1 || own && o.rank >= exact)
		refused = refused || own && ok && o.named && o.quality == 0
		if ok && o.compare(best) > 0 {
			best = o
		}
	}
	for _, t := range v.MediaTypes {
		consider(t, true)
	}
	if refused && best.quality == 0 {
		return offer{}
	}
	for _, t := range a.MediaTypes {
		consider(t, false)
	}
	return best
}

// anything is what wildcards say of a default without media types, so that another is got
// before it by its name alone, and by no less a weight.
func anything(ranges []mediaRange) (best offer) {
	for i := range ranges {
		r := &ranges[i]
		if r.subtype != "*" || r.version != "" {
			continue
		}
		if o := (offer{quality: r.quality, rank: r.rank(r.kind, "", nil)}); o.compare(best) > 0 {
			best = o
		}
	}
	return best
}

// suits is what the most specific range says of a media type (RFC 9110, 12.5.1). Of two
// that are as specific the kinder counts. It is false where none matches.
func suits(mediaType string, v Version, ranges []mediaRange) (o offer, ok bool) {
	kind, subtype, _ := strings.Cut(mediaType, "/")
	for i := range ranges {
		rank := ranges[i].rank(kind, subtype, v.Is)
		switch {
		case rank == 0 || rank < o.rank:
		case rank > o.rank:
			o = offer{quality: ranges[i].quality, rank: rank}
		default:
			o.quality = max(o.quality, ranges[i].quality)
		}
	}
	return o, o.rank > 0
}
