package pdkserver

import (
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// methods are the functions of the Kong service in pluginsocket.proto, with the
// phases that kong/pdk accepts for each.
var methods = map[string]method{
	"kong.client.get_ip":             {exchange.AnyPhase, false, text(clientIP)},
	"kong.client.get_forwarded_ip":   {exchange.AnyPhase, false, text(clientIP)},
	"kong.client.get_port":           {exchange.AnyPhase, false, noArg(clientPort)},
	"kong.client.get_forwarded_port": {exchange.AnyPhase, false, noArg(clientPort)},
	"kong.client.get_credential":     {exchange.AccessAndLater, true, noArg(credential)},
	"kong.client.load_consumer":      {exchange.AccessAndLater, true, onMessage(loadConsumer)},
	"kong.client.get_consumer":       {exchange.AccessAndLater, true, noArg(consumer)},
	"kong.client.authenticate":       {exchange.Access, false, onMessage(authenticate)},
	"kong.client.get_protocol":       {exchange.AccessAndLater, false, onMessage(protocol)},

	"kong.ctx.shared.set": {exchange.AnyPhase, true, onKV(setShared)},
	"kong.ctx.shared.get": {exchange.AnyPhase, true, onString(getShared)},

	"kong.ip.is_trusted": {exchange.AnyPhase, true, onString(isTrusted)},

	"kong.log.alert":               {exchange.AnyPhase, true, logAt(nginxlog.Alert)},
	"kong.log.crit":                {exchange.AnyPhase, true, logAt(nginxlog.Crit)},
	"kong.log.err":                 {exchange.AnyPhase, true, logAt(nginxlog.Err)},
	"kong.log.warn":                {exchange.AnyPhase, true, logAt(nginxlog.Warn)},
	"kong.log.notice":              {exchange.AnyPhase, true, logAt(nginxlog.Notice)},
	"kong.log.info":                {exchange.AnyPhase, true, logAt(nginxlog.Info)},
	"kong.log.debug":               {exchange.AnyPhase, true, logAt(nginxlog.Debug)},
	"kong.log.set_serialize_value": {exchange.WithContext, true, onKV(setSerializeValue)},
	"kong.log.serialize":           {exchange.Log, true, text(serialize)},

	"kong.nginx.get_var":              {exchange.AnyPhase, false, onString(nginxVar)},
	"kong.nginx.get_tls1_version_str": {exchange.AnyPhase, true, text(tlsVersion)},
	"kong.nginx.set_ctx":              {exchange.AnyPhase, true, onKV(setCtx)},
	"kong.nginx.get_ctx":              {exchange.AnyPhase, true, onString(getCtx)},
	"kong.nginx.req_start_time":       {exchange.AnyPhase, true, noArg(startTime)},
	"kong.nginx.get_subsystem":        {exchange.AnyPhase, true, text(subsystem)},

	"kong.node.get_id":           {exchange.AnyPhase, true, text(nodeID)},
	"kong.node.get_memory_stats": {exchange.AnyPhase, true, noArg(memoryStats)},

	"kong.request.get_scheme":           {exchange.RequestPhases, false, text(scheme)},
	"kong.request.get_host":             {exchange.RequestPhases, false, text(host)},
	"kong.request.get_port":             {exchange.AnyPhase, false, noArg(port)},
	"kong.request.get_forwarded_scheme": {exchange.RequestPhases, false, text(scheme)},
	"kong.request.get_forwarded_host":   {exchange.RequestPhases, false, text(host)},
	"kong.request.get_forwarded_port":   {exchange.RequestPhases, false, noArg(port)},
	"kong.request.get_http_version":     {exchange.RequestPhases, false, noArg(httpVersion)},
	"kong.request.get_method":           {exchange.RequestPhases, false, text(requestMethod)},
	"kong.request.get_path":             {exchange.RequestPhases, false, text(path)},
	"kong.request.get_path_with_query":  {exchange.RequestPhases, false, text(pathWithQuery)},
	"kong.request.get_raw_query":        {exchange.RequestPhases, false, text(rawQuery)},
	"kong.request.get_query_arg":        {exchange.RequestPhases, false, onString(queryArg)},
	"kong.request.get_query":            {exchange.RequestPhases, false, limited("max_args", query)},
	"kong.request.get_header":           {exchange.RequestPhases, true, onString(requestHeader)},
	"kong.request.get_headers":          {exchange.RequestPhases, true, requestHeaders},
	"kong.request.get_raw_body":         {exchange.BeforeContent, false, noArg(rawBody)},
	"kong.request.get_uri_captures":     {exchange.RequestPhases, true, noArg(uriCaptures)},

	"kong.response.get_status":   {exchange.ResponsePhases, true, noArg(responseStatus)},
	"kong.response.get_header":   {exchange.ResponsePhases, true, onString(responseHeader)},
	"kong.response.get_headers":  {exchange.ResponsePhases, true, noArg(responseHeaders)},
	"kong.response.get_source":   {exchange.ResponsePhases, true, text(responseSource)},
	"kong.response.set_status":   {exchange.BeforeBody, false, onMessage(setStatus)},
	"kong.response.set_header":   {exchange.BeforeBody, false, onHeader(setResponseHeader)},
	"kong.response.add_header":   {exchange.BeforeBody, false, onHeader(addResponseHeader)},
	"kong.response.clear_header": {exchange.BeforeBody, false, onString(clearResponseHeader)},
	"kong.response.set_headers":  {exchange.BeforeBody, false, onHeaders(setResponseHeader)},
	"kong.response.exit":         {exchange.BeforeBody, false, onMessage(exit)},

	"kong.router.get_route":   {exchange.AccessAndLater, true, noArg(route)},
	"kong.router.get_service": {exchange.AccessAndLater, true, noArg(service)},

	"kong.service.set_upstream":          {exchange.Access, false, onString(setUpstream)},
	"kong.service.set_target":            {exchange.TargetChange, false, onMessage(setTarget)},
	"kong.service.request.set_scheme":    {exchange.BeforeProxy, false, onString(setScheme)},
	"kong.service.request.set_path":      {exchange.BeforeProxy, false, onString(setPath)},
	"kong.service.request.set_raw_query": {exchange.RequestChange, false, onString(setRawQuery)},
	"kong.service.request.set_method":    {exchange.RequestChange, false, onString(setMethod)},
	"kong.service.request.set_query":     {exchange.RequestChange, false, onMessage(setQuery)},
	"kong.service.request.set_header":    {exchange.BeforeProxy, false, onHeader(setRequestHeader)},
	"kong.service.request.add_header":    {exchange.RequestChange, false, onHeader(addRequestHeader)},
	"kong.service.request.clear_header":  {exchange.RequestChange, false, onString(clearRequestHeader)},
	"kong.service.request.set_headers":   {exchange.RequestChange, false, onHeaders(setRequestHeader)},
	"kong.service.request.set_raw_body":  {exchange.BeforeProxy, false, onMessage(setRawBody)},

	"kong.service.response.get_status":   {exchange.UpstreamPhases, false, noArg(noUpstreamResponse)},
	"kong.service.response.get_header":   {exchange.UpstreamPhases, false, noArg(noUpstreamResponse)},
	"kong.service.response.get_headers":  {exchange.UpstreamPhases, false, noArg(noUpstreamResponse)},
	"kong.service.response.get_raw_body": {exchange.UpstreamPhases, false, noArg(noUpstreamResponse)},
}
