package pluginserver

import (
	"context"
	"fmt"
	"slices"

	"github.com/Kong/go-pdk"
)

// handler is a phase method of a configuration.
type handler func(context.Context, *pdk.PDK)

// handlers are the phase methods of one configuration; nil where it has none.
type handlers [phaseCount]handler

// handlersOf resolves the phase methods once, so that an event is one call.
func handlersOf(config any) handlers {
	var h handlers
	for ph, plain := range plainHandlers(config) {
		if plain != nil {
			h[ph] = func(_ context.Context, kong *pdk.PDK) { plain(kong) }
		}
	}
	for ph, withContext := range contextHandlers(config) {
		if withContext != nil {
			h[ph] = withContext
		}
	}
	return h
}

// plainHandlers are the methods that go-pdk's own server calls.
func plainHandlers(config any) (h [phaseCount]func(*pdk.PDK)) {
	if c, ok := config.(interface{ Certificate(*pdk.PDK) }); ok {
		h[certificate] = c.Certificate
	}
	if c, ok := config.(interface{ Rewrite(*pdk.PDK) }); ok {
		h[rewrite] = c.Rewrite
	}
	if c, ok := config.(interface{ Access(*pdk.PDK) }); ok {
		h[access] = c.Access
	}
	if c, ok := config.(interface{ Response(*pdk.PDK) }); ok {
		h[response] = c.Response
	}
	if c, ok := config.(interface{ Preread(*pdk.PDK) }); ok {
		h[preread] = c.Preread
	}
	if c, ok := config.(interface{ Log(*pdk.PDK) }); ok {
		h[logging] = c.Log
	}
	return h
}

// contextHandlers are their counterparts that are told when their time is up.
func contextHandlers(config any) (h handlers) {
	if c, ok := config.(interface {
		CertificateContext(context.Context, *pdk.PDK)
	}); ok {
		h[certificate] = c.CertificateContext
	}
	if c, ok := config.(interface {
		RewriteContext(context.Context, *pdk.PDK)
	}); ok {
		h[rewrite] = c.RewriteContext
	}
	if c, ok := config.(interface {
		AccessContext(context.Context, *pdk.PDK)
	}); ok {
		h[access] = c.AccessContext
	}
	if c, ok := config.(interface {
		ResponseContext(context.Context, *pdk.PDK)
	}); ok {
		h[response] = c.ResponseContext
	}
	if c, ok := config.(interface {
		PrereadContext(context.Context, *pdk.PDK)
	}); ok {
		h[preread] = c.PrereadContext
	}
	if c, ok := config.(interface {
		LogContext(context.Context, *pdk.PDK)
	}); ok {
		h[logging] = c.LogContext
	}
	return h
}

// names lists the phases that are handled, in Kong's names.
func (h *handlers) names() []string {
	var names []string
	for p, handler := range h {
		if handler != nil {
			names = append(names, phaseNames[p])
		}
	}
	return names
}

// restrict forgets the handlers of all phases but those named, unless none is.
func (h *handlers) restrict(phases []string) error {
	if len(phases) == 0 {
		return nil
	}
	for _, name := range phases {
		if ph, ok := phaseOf([]byte(name)); !ok || h[ph] == nil {
			return fmt.Errorf("phases: the configuration does not handle %q: use some of %v", name, h.names())
		}
	}
	for ph, name := range phaseNames {
		if !slices.Contains(phases, name) {
			h[ph] = nil
		}
	}
	return nil
}
