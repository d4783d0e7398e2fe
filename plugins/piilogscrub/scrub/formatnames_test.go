package scrub

// namedFormats are formats in which names that secrets have as well stand for something
// else: the key of an object, a bucket or a cache, the identifier of an account, a count.
var namedFormats = []logFormat{
	{"AWS S3 events", []string{
		`{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"{{iso}}","s3":{"bucket":{"name":"b-{{noun}}"},"object":{"key":"{{noun}}/{{date}}/{{noun}}-{{n6}}.json.gz","size":{{size}},"eTag":"{{hex32}}"}}}]}`,
		`{"Records":[{"s3":{"object":{"key":"v{{n1}}/{{noun}}_{{n4}}.csv","size":{{size}}}}}]}`, `{"object":{"key":"{{noun}}.{{noun}}","size":{{size}}}}`,
		`<Contents><Key>{{noun}}/{{noun}}-{{n4}}.parquet</Key><LastModified>{{iso}}</LastModified><Size>{{size}}</Size></Contents>`,
	}},
	{"etcd JSON", []string{
		`{"level":"warn","ts":"{{iso}}","msg":"apply request took too long","took":"{{f3}}ms","request":"key:\"/registry/pods/{{noun}}/{{pod}}\" ","response":"range_response_count:{{n2}} size:{{size}}"}`,
		`{"level":"warn","request":"header:<ID:{{id}} > lease_grant:<ttl:15-second id:{{hex16}}>","key":"/registry/{{noun}}s/{{noun}}/{{noun}}-{{n4}}"}`,
	}},
	{"cert-manager", []string{
		`E{{klog}}       1 controller.go:{{n4}}] "re-queuing item" logger="cert-manager" key="{{noun}}/{{noun}}-tls-{{hex7}}" error="secret \"{{noun}}-tls\" not found" resource_version="{{id}}"`,
		`I{{klog}}       1 trace.go:{{n3}}] Trace[{{id10}}]: "List etcd3" key:/{{noun}}s,resourceVersion:,limit:500,continue: ({{clockms}}) (total time: {{ms}}ms):`,
	}},
	{"Consul", []string{`{{iso}} [INFO]  agent.server: kv: key={{noun}}/{{noun}}/config index={{id}} lock-session={{uuid}}`}},
	{"Fortinet", []string{
		`date={{day}} time={{clock}} devname="FG100" type="traffic" srcip={{ip4}} srcport={{port}} dstip={{ip4}} sessionid={{n9}} proto=6 action="close" policyid={{n3}} duration={{n4}}`,
	}},
	{"Windows event XML", []string{
		`<Event><System><EventID>{{n4}}</EventID><EventRecordID>{{id}}</EventRecordID></System><EventData><Data Name="SubjectUserSid">S-1-5-21-{{id9}}-{{id9}}-{{id9}}-{{n4}}</Data><Data Name="SubjectLogonId">0x{{hex7}}</Data></EventData></Event>`,
		`user={{noun}} sid=S-1-5-21-{{id10}}-{{id9}}-{{id10}}-{{n4}} host={{host}}`,
	}},
	{"Elasticsearch aggregations", []string{
		`{"took":{{n4}},"aggregations":{"by":{"buckets":[{"key":"{{noun}}","doc_count":{{count}}},{"key":{{id}},"doc_count":{{count}}},{"key":"{{noun}}-{{noun}}","doc_count":{{count}}}]}}}`,
		`{"buckets":[{"key_as_string":"{{iso}}","key":{{epochms}},"doc_count":{{count}}}]}`,
	}},
	{"auditd", []string{
		`type=SYSCALL msg=audit({{epoch}}.{{n3}}:{{id}}): arch=c000003e syscall={{n3}} success=yes ppid={{pid}} pid={{pid}} auid=4294967295 uid=0 ses=4294967295 comm="{{noun}}" exe="/usr/bin/{{noun}}" key="{{noun}}"`,
	}},
	{"MySQL slow, extended", []string{`# Query_time: {{sec6}} Rows_sent: {{count}} Thread_id: {{id}} Read_first: {{n3}} Read_last: 0 Read_key: {{size}} Read_next: {{size}} Sort_rows: {{count}}`}},
	{"Caches and streams", []string{
		`{{iso}} Cache restored from key: Linux-node-{{hex64}}`, `{{iso}} Cache saved with key: {{noun}}-{{noun}}-{{hex64}}`, `cache key: {{noun}}s:list:page={{n2}}`,
		`{{epochf}} redis GET key={{noun}}:{{id}} took {{tiny}}`, `{{day}} {{comma}} INFO consumed record key={{noun}} partition={{n1}} offset={{id}}`,
		`{{day}} {{comma}} WARN record key: {{id}} partition {{n2}}`, `routing key: {{noun}}.{{noun}}.created, sort key {{noun}}#{{id}}`, `primary key: {{id}}`,
	}},
	{"States, counts and errors", []string{
		`ok {{n3}} pass={{n4}} fail={{n3}}`, `suite {{noun}}: pass={{n3}}, fail=0`, `led pin: GPIO{{n2}} level={{n1}}`, `code=-{{n6}} msg="method not found"`,
		`{"code":{{n6}},"message":"{{noun}} not found"}`, `worker {{pid}} exited sig=SIGTERM after {{sec}}s`, `zip code: {{id9}}`, `error code: {{id}} at {{noun}}`,
		`validation failed: password: required, email: invalid`, `SyntaxError: Unexpected token: identifier`, `exit code: {{n6}}, status code: {{n3}}`,
		`(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db{{n1}})(PORT=1521))(CONNECT_DATA=(SID=ORCL)))`,
	}},
}

// nouns are words as those that buckets, objects, tables and programs are called.
var nouns = []string{
	"electronics", "identity", "shipment", "billing", "settings", "invoice", "payment", "customer", "product", "catalog", "metrics", "report",
	"events", "stock", "refund", "region", "profile", "static", "assets", "images", "uploads", "exports", "kitchen", "furniture", "clothing", "garden",
	"hardware", "network", "storage", "compute", "warehouse", "supplier", "discount", "voucher", "checkout", "wishlist", "feedback", "newsletter",
	"campaign", "analytics", "dashboard", "inventory", "delivery", "tracking", "schedule", "calendar", "document", "template", "category", "language",
	"currency", "location", "timezone", "username", "priority", "severity", "customerId", "orderCreated", "lastModified", "sshd", "systemd", "passwd",
	"execve", "chmod", "mounts", "modules", "actions", "logins", "perms", "access", "delete", "export", "xfs", "jvm", "js", "css", "tls", "help", "job",
}
