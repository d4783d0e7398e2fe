package traceinject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// Propagation has the fields of that name of Kong's own opentelemetry and zipkin plugins,
// so that their configuration can be moved here. First a client's trace is looked for,
// then headers are removed, then they are written.
type Propagation struct {
	// Extract are the formats in which a client's trace is looked for, in that order: the
	// first that is valid counts. Default w3c; an empty list looks for none.
	Extract []formats.Format `json:"extract" kong:"one_of=w3c|b3|jaeger|ot|datadog|aws|gcp" desc:"Formats in which a client's trace is looked for, in this order; w3c if absent, none if empty."`
	// Clear are request headers that are removed after that, besides those of other
	// formats, which always are unless PassHeaders has them.
	Clear []string `json:"clear" kong:"shape=header_name,len_max=64,each_len_max=128,not_header=Authorization|Proxy-Authorization|Cookie|ApiKey|API-Key|X-API-Key" desc:"More request headers to remove after a client's trace was looked for."`
	// Inject are the formats that the service gets the trace in. W3C's it always gets.
	Inject []formats.Format `json:"inject" kong:"one_of=preserve|w3c|b3|b3-single|jaeger|ot|datadog|aws|gcp" desc:"Formats that the trace is written in, besides w3c, which always is; preserve is the one that it was found in."`
	// DefaultFormat is what preserve means where no trace was found.
	DefaultFormat formats.Format `json:"default_format" kong:"default=w3c,one_of=w3c|b3|b3-single|jaeger|ot|datadog|aws|gcp" desc:"What preserve means where no trace was found."`
}

// extract is which formats are looked for.
func (p *Propagation) extract() []formats.Format {
	if p.Extract == nil {
		return []formats.Format{formats.W3C}
	}
	return p.Extract
}

// checkPropagation makes of the values what requests are treated by, and returns what is
// bad, which then counts for nothing.
func (c *Config) checkPropagation() error {
	p := &c.Propagation
	p.Clear, c.PassHeaders = lower(p.Clear), lower(c.PassHeaders)
	var errs []error
	bad := func(field string, f formats.Format, allowed bool) bool {
		if !allowed {
			errs = append(errs, fmt.Errorf("propagation.%s: %q is not a choice; use w3c, b3, jaeger, ot, datadog, aws or gcp", field, f))
		}
		return !allowed
	}
	p.Extract = slices.DeleteFunc(p.Extract, func(f formats.Format) bool { return bad("extract", f, f.Valid() && f != formats.B3Single) })
	p.Inject = slices.DeleteFunc(p.Inject, func(f formats.Format) bool { return bad("inject", f, f.Valid() || f == propagation.Preserve) })
	if p.DefaultFormat == "" || bad("default_format", p.DefaultFormat, p.DefaultFormat.Valid()) {
		p.DefaultFormat = formats.W3C
	}
	return errors.Join(errs...)
}

func lower(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, strings.ToLower(name))
	}
	return list
}
