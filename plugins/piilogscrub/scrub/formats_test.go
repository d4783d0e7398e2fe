package scrub

// logFormats are the formats whose lines have to stay whole.
var logFormats = []logFormat{
	{"AWS ALB", []string{
		`{{proto}} {{iso}} app/my-lb/{{hex16}} {{ip4}}:{{port}} {{ip4}}:{{port}} {{sec}} {{sec}} {{sec}} {{status}} {{status}} {{size}} {{size}} "{{method}} https://shop.example.com:443{{target}} HTTP/1.1" "{{agent}}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:{{account}}:targetgroup/my-targets/{{hex16}} "Root=1-{{hex8}}-{{hex8}}{{hex16}}" "shop.example.com" "arn:aws:acm:us-east-2:{{account}}:certificate/{{uuid}}" {{small}} {{iso}} "forward" "-" "-" "{{ip4}}:{{port}}" "{{status}}" "-" "-" TID_{{hex32}}`,
		`h2 {{iso}} app/web/{{hex16}} {{ip4}}:{{port}} - -1 -1 -1 {{status}} - {{size}} {{size}} "{{request}}" "{{agent}}" - - - "Root=1-{{hex8}}-{{hex12}}{{hex12}}" "-" "-" {{small}} {{iso}} "waf" "-" "-" "-" "-" "-" "-" TID_{{hex32}}`,
		`https {{iso}} app/web/{{hex16}} {{ip4}}:{{port}} {{ip4}}:{{port}} {{sec6}} {{sec6}} {{sec6}} {{status}} {{status}} {{size}} {{size}} "{{request}}" "{{agent}}"`,
	}},
	{"AWS classic ELB", []string{
		`{{iso}} my-loadbalancer {{ip4}}:{{port}} {{ip4}}:{{port}} {{sec6}} {{sec6}} {{sec6}} {{status}} {{status}} {{size}} {{size}} "{{method}} http://www.example.com:80{{target}} HTTP/1.1" "{{agent}}" - -`,
		`{{iso}} lb {{ip4}}:{{port}} {{ip4}}:{{port}} {{sec}} {{sec}} {{sec}} - - {{size}} {{size}} "- - - " "-" ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2`,
	}},
	{"AWS S3 access", []string{
		`{{hex64}} bucket1 [{{clf}}] {{ip}} {{hex64}} {{HEX16}} REST.GET.OBJECT {{word}}/{{hex16}}.png "GET /bucket1/{{word}}?versionId={{rand20}} HTTP/1.1" {{status}} - {{size}} {{size}} {{ms}} {{ms}} "-" "{{agent}}" - {{b64}} SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader bucket1.s3.us-west-1.amazonaws.com TLSv1.2 - -`,
		`{{hex64}} bucket1 [{{clf}}] {{ip}} - {{HEX16}} REST.PUT.OBJECT {{date}}/{{uuid}} "{{request}}" {{status}} NoSuchKey {{size}} - {{ms}} - "{{ref}}" "{{agent}}" -`,
	}},
	{"AWS CloudFront", []string{
		"{{day}}\t{{clock}}\tLAX1-C1\t{{size}}\t{{ip}}\t{{method}}\td{{hex12}}.cloudfront.net\t{{path}}\t{{status}}\t{{ref}}\t{{cfua}}\t{{query}}\t-\tHit\t{{b64id}}\tshop.example.com\thttps\t{{size}}\t{{sec}}\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tHit\tHTTP/2.0\t-\t-\t{{port}}\t{{sec}}\tHit\timage/png\t{{size}}\t-\t-",
	}},
	{"AWS CloudTrail JSON", []string{
		`{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROA:{{word}}","arn":"arn:aws:sts::{{account}}:assumed-role/ops/{{word}}","accountId":"{{account}}"},"eventTime":"{{iso}}","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"eu-west-1","sourceIPAddress":"{{ip}}","userAgent":"{{agent}}","requestParameters":{"maxResults":{{n4}}},"requestID":"{{uuid}}","eventID":"{{uuid}}","readOnly":true,"recipientAccountId":"{{account}}"}`,
	}},
	{"AWS VPC flow", []string{
		`2 {{account}} eni-{{hex16}} {{ip4}} {{ip4}} {{port}} {{port}} 6 {{count}} {{size}} {{epoch}} {{epoch}} ACCEPT OK`,
	}},
	{"nginx combined", []string{`{{ip}} {{combined}}`}},
	{"nginx with bare times", []string{
		`{{ip}} {{combined}} {{sec}} {{upsec}} {{ip4}}:{{port}}`,
		`{{ip}} {{combined}} {{sec}} {{sec}} {{sec}} {{ip4}}:{{port}} {{status}} {{size}}`,
		`{{ip}} {{combined}} "{{ip}}" rt={{sec}} uct={{sec}} uht={{sec}} urt={{sec}} {{ip4}}:{{port}}, {{ip4}}:{{port}} {{status}}, {{status}}`,
		`{{ip}} {{combined}} {{sec}} {{size}} {{count}} {{count}} {{epochf}}`,
		`[{{clf}}] {{ip}} {{method}} {{target}} {{proto}} {{status}} {{size}} {{sec}} {{sec}} {{ip4}}:{{port}} {{ms}}`,
	}},
	{"nginx with time and UUID", []string{
		`{{ip}} {{combined}} {{sec}} {{uuid}}`, `{{ip}} {{combined}} {{ms}} {{uuid}} {{hex32}}`, `{{ip}} {{combined}} {{uuid}} {{sec6}}`,
		`{{uuid}} {{sec}} {{ip}} {{combined}}`, `{{ip}} {{combined}} {{size}} {{sec}} [upstream-80] [] {{ip4}}:{{port}} {{size}} {{sec}} {{status}} {{hex32}}`,
	}},
	{"nginx JSON", []string{
		`{"time":"{{iso}}","msec":{{epochf}},"remote_addr":"{{ip}}","request":"{{request}}","status":{{status}},"body_bytes_sent":{{size}},"request_time":{{sec}},"upstream_response_time":"{{upsec}}","upstream_addr":"{{ip4}}:{{port}}","http_referer":"{{ref}}","http_user_agent":"{{agent}}","request_id":"{{hex32}}","connection":{{big}},"connection_requests":{{small}}}`,
		`{"@timestamp":"{{iso}}","client":"{{ip}}","method":"{{method}}","uri":"{{path}}","args":"{{query}}","status":"{{status}}","bytes":"{{size}}","duration":"{{sec}}","gzip_ratio":"{{f2}}"}`,
	}},
	{"nginx error", []string{
		`{{slashes}} {{clock}} [error] {{pid}}#{{pid}}: *{{id}} connect() failed (111: Connection refused) while connecting to upstream, client: {{ip}}, server: shop.example.com, request: "{{request}}", upstream: "http://{{ip4}}:{{port}}{{target}}", host: "shop.example.com", referrer: "{{ref}}"`,
		`{{slashes}} {{clock}} [warn] {{pid}}#{{pid}}: *{{id}} peer address: {{ip4}}:{{port}} connect() failed ({{n3}}: Connection refused), took {{ms}} ms`,
		`{{slashes}} {{clock}} [notice] {{pid}}#{{pid}}: signal {{n2}} (SIGCHLD) received from {{pid}}`,
		`{{slashes}} {{clock}} [error] {{pid}}#{{pid}}: *{{id}} open() "/usr/share/nginx/html{{path}}" failed (2: No such file or directory), client: {{ip}}`,
	}},
	{"Kong access", []string{
		`{{ip}} {{combined}} kong_request_id: "{{hex32}}"`, `{{ip}} - - [{{clf}}] "{{request}}" {{status}} {{size}} "{{ref}}" "{{agent}}" kong_request_id: "{{hex32}}" {{sec}} {{sec}} {{ip4}}:{{port}}`,
	}},
	{"Kong error", []string{
		`{{slashes}} {{clock}} [error] {{pid}}#0: *{{id}} [kong] handler.lua:{{n4}} [{{word}}] timeout after {{ms}} ms, client: {{ip}}, server: kong, request: "{{request}}", host: "shop.example.com", request_id: "{{hex32}}"`,
		`{{slashes}} {{clock}} [notice] {{pid}}#0: *{{id}} [lua] init.lua:{{n4}}: [kong] worker {{n1}} took {{tiny}} s, {{count}} entries, context: ngx.timer`,
		`{{slashes}} {{clock}} [error] {{pid}}#0: *{{id}} upstream prematurely closed connection while reading response header from upstream, client: {{ip}}, server: kong, request: "{{request}}", upstream: "http://{{ip4}}:{{port}}{{path}}"`,
	}},
	{"Apache combined with %D", []string{`{{ip}} {{combined}} {{us}}`, `{{ip}} {{combined}} {{size}} {{size}} {{us}}`, `shop.example.com:443 {{ip}} {{combined}} {{n2}}/{{us}} {{pid}} {{rand20}}`}},
	{"Apache error", []string{
		`[{{ctime}}] [core:error] [pid {{pid}}:tid {{id}}] [client {{ip4}}:{{port}}] AH00126: Invalid URI in request {{request}}`,
		`[{{ctime}}] [proxy_fcgi:error] [pid {{pid}}:tid 140{{id9}}] (70007)The timeout specified has expired: [client {{ip4}}:{{port}}] AH01075: Error dispatching request to :{{port}}`,
	}},
	{"IIS W3C", []string{
		`{{day}} {{clock}} {{ip4}} {{method}} {{path}} {{query}} 443 - {{ip4}} {{iisua}} {{ref}} {{status}} {{n2}} {{n4}} {{ms}}`,
		`{{day}} {{clock}} W3SVC{{n1}} {{host}} {{ip4}} {{method}} {{path}} - 80 - {{ip4}} HTTP/1.1 {{iisua}} - - shop.example.com {{status}} 0 0 {{size}} {{size}} {{ms}}`,
		`{{day}} {{clock}} {{ip4}} {{method}} {{path}} {{query}} {{port}} - {{ip4}} {{iisua}} {{status}} 0 {{n4}} {{size}} {{n4}} {{ms}} {{ip4}}`,
	}},
	{"HAProxy HTTP", []string{
		`{{syslog}} {{host}} haproxy[{{pid}}]: {{ip4}}:{{port}} [{{clfms}}] http-in~ mobile/srv{{n1}} {{ms}}/{{ms}}/{{ms}}/{{ms}}/{{ms}} {{status}} {{size}} - - ---- {{small}}/{{small}}/{{small}}/{{small}}/{{n1}} {{small}}/{{small}} {shop.example.com} {} "{{request}}"`,
		`{{ip4}}:{{port}} [{{clfms}}] fe be/srv{{n1}} {{small}}/{{n1}}/{{n2}}/{{small}}/{{small}} {{status}} {{size}} - - CD-- {{small}}/{{small}}/{{n2}}/{{n2}}/0 0/0 "{{request}}"`,
	}},
	{"HAProxy TCP", []string{
		`{{syslog}} {{host}} haproxy[{{pid}}]: {{ip4}}:{{port}} [{{clfms}}] fnt bck/srv{{n1}} {{ms}}/{{ms}}/{{ms}} {{size}} -- {{small}}/{{small}}/{{small}}/{{small}}/{{n1}} {{small}}/{{small}}`,
		`{{ip4}}:{{port}} [{{clfms}}] office pg/pg{{n1}} {{n1}}/{{n4}}/{{us}} {{size}} cD {{n4}}/{{n4}}/{{n4}}/{{n4}}/3 {{n4}}/{{n4}}`,
	}},
	{"Caddy JSON", []string{
		`{"level":"info","ts":{{epochf}},"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"{{ip}}","remote_port":"{{port}}","client_ip":"{{ip}}","proto":"HTTP/2.0","method":"{{method}}","host":"shop.example.com","uri":"{{target}}","headers":{"User-Agent":["{{agent}}"],"Accept":["*/*"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2"}},"bytes_read":{{size}},"user_id":"","duration":{{tiny}},"size":{{size}},"status":{{status}},"resp_headers":{"Server":["Caddy"],"Content-Length":["{{size}}"]}}`,
		`{"level":"error","ts":{{epochf}},"logger":"http.log.error","msg":"dial tcp {{ip4}}:{{port}}: connect: connection refused","duration":{{float}},"status":502,"err_id":"{{word}}{{n4}}","err_trace":"reverseproxy.statusError (reverseproxy.go:{{n4}})"}`,
	}},
	{"Traefik CLF", []string{`{{ip}} {{combined}} {{count}} "mobile@docker" "http://{{ip4}}:{{port}}" {{ms}}ms`}},
	{"Traefik JSON", []string{
		`{"ClientAddr":"{{ip4}}:{{port}}","ClientHost":"{{ip4}}","ClientPort":"{{port}}","ClientUsername":"-","DownstreamContentSize":{{size}},"DownstreamStatus":{{status}},"Duration":{{ns}},"OriginContentSize":{{size}},"OriginDuration":{{ns}},"OriginStatus":{{status}},"Overhead":{{us}},"RequestAddr":"shop.example.com","RequestContentSize":{{size}},"RequestCount":{{count}},"RequestMethod":"{{method}}","RequestPath":"{{target}}","RequestPort":"-","RequestProtocol":"HTTP/1.1","RetryAttempts":0,"RouterName":"mobile@docker","ServiceURL":"http://{{ip4}}:{{port}}","StartUTC":"{{iso}}","level":"info","msg":"","time":"{{iso}}"}`,
	}},
	{"Envoy default", []string{
		`[{{iso}}] "{{request}}" {{status}} - {{size}} {{size}} {{ms}} {{ms}} "{{ip}}" "{{agent}}" "{{uuid}}" "shop.example.com" "{{ip4}}:{{port}}"`,
		`[{{iso}}] "{{request}}" {{status}} UF,URX via_upstream - "-" {{size}} {{size}} {{ms}} - "-" "{{agent}}" "{{uuid}}" "shop" "{{ip4}}:{{port}}" outbound|80||shop.default.svc.cluster.local {{ip4}}:{{port}} {{ip4}}:{{port}} {{ip4}}:{{port}} - default`,
	}},
	{"Squid", []string{`{{epochf}} {{ms}} {{ip4}} TCP_MISS/{{status}} {{size}} {{method}} {{url}} - HIER_DIRECT/{{ip4}} text/html`, `{{epochf}}    {{n3}} {{ip4}} TCP_TUNNEL/{{status}} {{size}} CONNECT shop.example.com:443 - HIER_NONE/- -`}},
	{"Varnish, morgan, gin", []string{
		`{{method}} {{target}} {{status}} {{f3}} ms - {{size}}`, `{{method}} {{target}} {{status}} {{size}} - {{f3}} ms`,
		`[GIN] {{slashes}} - {{clock}} | {{status}} | {{f3}}ms | {{ip4}} | {{method}} "{{target}}"`, `{{ip}} {{combined}} {{status}} {{ms}} {{size}} hit`,
	}},
	{"PostgreSQL", []string{
		`{{day}} {{clockms}} UTC [{{pid}}] app@shop LOG:  duration: {{f3}} ms  statement: SELECT * FROM orders WHERE id = {{id}} AND total > {{f2}}`,
		`{{day}} {{clockms}} UTC [{{pid}}-{{n3}}] LOG:  checkpoint complete: wrote {{count}} buffers ({{f1}}%); 0 WAL file(s) added, {{n2}} removed, {{n2}} recycled; write={{sec}} s, sync={{sec}} s, total={{sec}} s; sync files={{n3}}, longest={{sec}} s, average={{sec}} s; distance={{count}} kB, estimate={{count}} kB; lsn={{n2}}/{{HEX8}}, redo lsn={{n2}}/{{HEX8}}`,
		`{{day}} {{clockms}} UTC [{{pid}}] app@shop LOG:  process {{pid}} still waiting for ShareLock on transaction {{id10}} after {{f3}} ms`,
		`{{day}} {{clockms}} UTC [{{pid}}] [unknown]@[unknown] LOG:  connection received: host={{ip4}} port={{port}}`,
		`{{day}} {{clockms}} UTC [{{pid}}] LOG:  automatic vacuum of table "shop.public.orders": index scans: {{n1}}, pages: {{count}} removed, {{count}} remain, tuples: {{count}} removed, {{id}} remain; avg read rate: {{f3}} MB/s; system usage: CPU: user: {{sec}} s, system: {{sec}} s, elapsed: {{sec}} s`,
		`{{day}} {{clockms}} UTC,"app","shop",{{pid}},"{{ip4}}:{{port}}",{{hex8}}.{{hex7}},{{n4}},"SELECT",{{day}} {{clock}} UTC,{{n2}}/{{n6}},0,LOG,00000,"duration: {{f3}} ms"`,
	}},
	{"MySQL", []string{
		`# Query_time: {{sec6}}  Lock_time: {{sec6}} Rows_sent: {{count}}  Rows_examined: {{size}}`, `# User@Host: app[app] @ web1 [{{ip4}}]  Id: {{id}}`, `SET timestamp={{epoch}};`,
		`# Thread_id: {{id9}}  Schema: shop  QC_hit: No`, `{{iso}} {{id}} [Note] [MY-{{n6}}] [InnoDB] Buffer pool(s) load completed at {{n6}} {{clock}}`,
		`{{iso}} {{id}} [Warning] Aborted connection {{id}} to db: 'shop' user: 'app' host: '{{ip4}}' (Got timeout reading communication packets)`,
	}},
	{"Redis", []string{
		`{{pid}}:M {{rediss}} * {{count}} changes in {{n3}} seconds. Saving...`, `{{pid}}:M {{rediss}} * Background saving started by pid {{pid}}`, `{{pid}}:C {{rediss}} * Fork CoW for RDB: current {{n3}} MB, peak {{n3}} MB, average {{n3}} MB`,
		`{{epochf}} [{{n1}} {{ip4}}:{{port}}] "SET" "cart:{{id}}" "{{count}}" "EX" "{{n4}}"`, `{{pid}}:S {{rediss}} * MASTER <-> REPLICA sync: receiving {{size}} bytes from master to disk`,
	}},
	{"MongoDB JSON", []string{
		`{"t":{"$date":"{{iso}}"},"s":"I","c":"COMMAND","id":{{n6}},"ctx":"conn{{id}}","msg":"Slow query","attr":{"type":"command","ns":"shop.orders","planSummary":"IXSCAN { _id: 1 }","keysExamined":{{count}},"docsExamined":{{count}},"nreturned":{{count}},"queryHash":"{{HEX8}}","planCacheKey":"{{HEX8}}","reslen":{{size}},"remote":"{{ip4}}:{{port}}","durationMillis":{{ms}}}}`,
	}},
	{"syslog RFC 3164", []string{
		`<{{n3}}>{{syslog}} {{host}} app[{{pid}}]: job {{id}} done in {{sec}} s, {{size}} bytes`, `{{syslog}} {{host}} kernel: [{{f3}}{{n3}}] TCP: request_sock_TCP: Possible SYN flooding on port {{port}}`,
		`{{syslog}} {{host}} systemd[1]: Started Session {{id}} of user root.`, `{{syslog}} {{host}} kernel: [ {{sec6}}] IN=eth0 OUT= MAC=00:16:3e:5e:6c:00 SRC={{ip4}} DST={{ip4}} LEN={{n4}} TOS=0x00 PREC=0x00 TTL={{n2}} ID={{port}} DF PROTO=TCP SPT={{port}} DPT={{port}} WINDOW={{port}} RES=0x00 SYN URGP=0`,
		`{{syslog}} {{host}} sshd[{{pid}}]: Received disconnect from {{ip4}} port {{port}}:11: disconnected by user`, `{{syslog}} {{host}} CRON[{{pid}}]: (root) CMD (/usr/bin/report --since {{epoch}})`,
		`{{syslog}} {{host}} postfix/qmgr[{{pid}}]: {{HEX8}}{{n2}}A: removed`, `{{syslog}} {{host}} dnsmasq[{{pid}}]: query[A] shop.example.com from {{ip4}}`,
	}},
	{"syslog RFC 5424", []string{`<{{n3}}>1 {{iso}} {{host}} app {{pid}} ID{{n4}} [ex@{{n6}} seq="{{id}}" took="{{ms}}"] request {{uuid}} took {{ms}} ms`}},
	{"Kubernetes klog", []string{
		`I{{klog}} {{pid}} controller.go:{{n4}}] Reconciled default/{{pod}} in {{sec}}s, resourceVersion {{id}}`, `E{{klog}}       1 reflector.go:{{n3}}] pkg/mod/k8s.io/client-go@v0.27.3/tools/cache/reflector.go:{{n3}}: Failed to watch *v1.Pod: dial tcp {{ip4}}:443: i/o timeout`,
		`I{{klog}}  {{pid}} httplog.go:{{n3}}] "HTTP" verb="GET" URI="{{target}}" latency="{{sec6}}ms" userAgent="{{agent}}" audit-ID="{{uuid}}" srcIP="{{ip4}}:{{port}}" resp={{status}}`,
		`W{{klog}} {{pid}} trace.go:{{n3}}] Trace[{{id10}}]: "List" ({{clockms}}) (total time: {{ms}}ms):`,
	}},
	{"logfmt", []string{
		`time={{iso}} level={{lower}} msg="request done" method={{method}} path={{target}} status={{status}} duration={{float}}ms bytes={{size}} remote={{ip4}}:{{port}} trace_id={{hex32}} span_id={{hex16}}`,
		`ts={{epochf}} caller=main.go:{{n4}} level={{lower}} component={{word}} seq={{id}} offset={{big}} took={{float}}s err="context deadline exceeded after {{ms}}ms"`,
		`at=info method={{method}} path="{{target}}" host=shop.example.com request_id={{uuid}} fwd="{{ip4}}" dyno=web.{{n1}} connect={{n3}}ms service={{ms}}ms status={{status}} bytes={{size}} protocol=https`,
	}},
	{"Java, log4j", []string{
		`{{day}} {{comma}} {{level}} [http-nio-8080-exec-{{n2}}] c.e.shop.OrderService (OrderService.java:{{n4}}) - order {{id}} saved in {{ms}} ms`, `{{day}} {{clockms}}  {{level}} {{pid}} --- [nio-8080-exec-{{n1}}] o.s.web.servlet.DispatcherServlet : Completed initialization in {{ms}} ms`,
		`[{{iso}}][{{sec}}s][info][gc] GC({{id}}) Pause Young (Normal) (G1 Evacuation Pause) {{n4}}M->{{n4}}M({{n4}}M) {{sec}}ms`, `{{f3}}: [GC (Allocation Failure) [PSYoungGen: {{n6}}K->{{n6}}K({{n6}}K)] {{n8}}K->{{n8}}K({{n8}}K), {{tiny}} secs] [Times: user={{f2}} sys={{f2}}, real={{f2}} secs]`,
		`	at com.example.shop.Order.total(Order.java:{{n4}}) ~[shop-{{semver}}.jar!/:{{semver}}]`, `{{iso}} {{level}} [shop,{{hex32}},{{hex16}}] {{pid}} --- [main] c.e.App : offset {{id}} lag {{count}} partition {{n2}} committed {{big}}`,
	}},
	{"Go zap and slog JSON", []string{
		`{"level":"{{lower}}","ts":{{epochf}},"caller":"http/server.go:{{n4}}","msg":"request","status":{{status}},"latency":{{tiny}},"elapsed":{{float}},"bytes":{{size}},"remote":"{{ip4}}:{{port}}","trace_id":"{{hex32}}","order":{{id}}}`,
		`{"time":"{{iso}}","level":"{{level}}","msg":"job {{id}} took {{float}}ms","job":{{id}},"ns":{{ns}},"seq":{{epochns}},"ratio":{{tiny}},"shard":"{{n2}}/{{n2}}","host":"{{host}}"}`,
		`{"level":"info","ts":"{{iso}}","logger":"mobile","msg":"call done","address":"{{ip4}}:{{port}}","client.address":"{{ip}}","server.address":"db.internal","duration_ms":{{float}},"version":"{{build}}","commit":"{{hex9}}"}`,
	}},
	{"Rails and lograge", []string{
		`method={{method}} path={{path}} format=json controller=OrdersController action=show status={{status}} duration={{f2}} view={{f2}} db={{f2}} allocations={{count}} request_id={{uuid}}`,
		`I, [{{day}}T{{clockus}} #{{pid}}]  INFO -- : [{{uuid}}] Completed {{status}} OK in {{ms}}ms (Views: {{f1}}ms | ActiveRecord: {{f1}}ms | Allocations: {{count}})`,
		`[{{uuid}}] Started {{method}} "{{target}}" for {{ip4}} at {{day}} {{clock}} +0000`,
	}},
	{"Python logging", []string{
		`{{day}} {{comma}} - shop.orders - {{level}} - order {{id}} done in {{float}} s ({{count}} rows)`, `{{level}}:     {{ip4}}:{{port}} - "{{request}}" {{status}} OK`,
		`[{{day}} {{clock}} +0000] [{{pid}}] [INFO] Listening at: http://{{ip4}}:{{port}} ({{pid}})`, `[{{day}} {{comma}}: {{level}}/ForkPoolWorker-{{n2}}] Task shop.mail[{{uuid}}] succeeded in {{tiny}}s: None`,
		`[pid: {{pid}}|app: 0|req: {{count}}/{{count}}] {{ip4}} () { {{n2}} vars in {{n4}} bytes} [{{ctime}}] {{method}} {{target}} => generated {{size}} bytes in {{ms}} msecs (HTTP/1.1 {{status}}) {{n1}} headers in {{n3}} bytes ({{n1}} switches on core {{n2}})`,
	}},
	{"Elasticsearch", []string{
		`[{{day}}T{{comma}}][INFO ][o.e.m.j.JvmGcMonitorService] [node-{{n1}}] [gc][young][{{id}}][{{n4}}] duration [{{ms}}ms], collections [{{n1}}]/[{{f1}}s], total [{{ms}}ms]/[{{f1}}m], memory [{{f1}}gb]->[{{f1}}gb]/[{{n2}}gb]`,
		`{"type":"index_search_slowlog","timestamp":"{{iso}}","level":"WARN","took":"{{ms}}ms","took_millis":"{{ms}}","total_hits":"{{count}}+ hits","message":"[orders][{{n1}}]","cluster.uuid":"{{rand20}}","node.id":"{{rand20}}"}`,
	}},
	{"GCP JSON", []string{
		`{"insertId":"{{rand20}}","httpRequest":{"requestMethod":"{{method}}","requestUrl":"{{url}}","requestSize":"{{size}}","status":{{status}},"responseSize":"{{size}}","userAgent":"{{agent}}","remoteIp":"{{ip}}","serverIp":"{{ip4}}","latency":"{{sec6}}s"},"resource":{"type":"http_load_balancer","labels":{"project_id":"shop-{{n6}}"}},"timestamp":"{{iso}}","severity":"INFO","trace":"projects/shop-{{n6}}/traces/{{hex32}}","spanId":"{{hex16}}","receiveTimestamp":"{{iso}}"}`,
	}},
	{"Azure and .NET", []string{
		`info: Microsoft.AspNetCore.Hosting.Diagnostics[2] Request finished HTTP/1.1 {{method}} {{url}} - {{status}} {{size}} application/json {{f3}}{{n1}}ms`,
		`{"@t":"{{iso}}","@mt":"HTTP {RequestMethod} {RequestPath} responded {StatusCode} in {Elapsed:0.0000} ms","RequestMethod":"{{method}}","RequestPath":"{{path}}","StatusCode":{{status}},"Elapsed":{{float}},"SourceContext":"Serilog","ConnectionId":"0HM{{HEX8}}:{{HEX8}}"}`,
	}},
	{"Docker and containerd", []string{
		`{"log":"{{slashes}} {{clock}} request {{id}} took {{float}}ms\n","stream":"stderr","time":"{{iso}}"}`, `{{iso}} stdout F {{level}} order {{id}} {{status}} {{size}} {{sec}}`,
		`time="{{iso}}" level=info msg="ImageCreate event name:\"shop:{{semver}}\" labels:{key:\"io.cri-containerd.image\" value:\"managed\"}"`,
	}},
	{"Metrics", []string{
		`http_request_duration_seconds_sum{code="{{status}}",method="{{method}}"} {{float}}`, `http_requests_total{code="{{status}}"} {{big}} {{epochms}}`, `shop.orders.count:{{count}}|c|@0.{{n2}}`,
		`{{epoch}} {{f3}} {{f3}} {{f3}} {{count}} {{count}} {{count}}`, `cpu,host=web{{n1}} usage_idle={{float}},usage_user={{float}} {{epochns}}`, `procs {{n1}} {{n1}} {{count}} {{count}} {{count}} {{count}} {{n2}} {{n2}} {{n3}} {{n4}} {{n4}} {{n4}} {{n2}} {{n2}} {{n2}}`,
	}},
	{"Git and CI", []string{
		`commit {{hex8}} merged in {{ms}} ms`, `{{hex7}}..{{hex7}}  main -> main`, `build id {{id9}} of commit {{hex9}} took {{ms}} s`, `order id {{id10}}, request id {{id9}}, session id {{id}}, build number {{id}}`,
		`Step {{n2}}/{{n2}} : COPY --from={{hex12}} /app /app`, `Successfully built {{hex12}}`,
	}},
}
