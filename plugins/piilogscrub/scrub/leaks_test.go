package scrub

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// secretSpellings are ways to make up the value of a secret.
var secretSpellings = []func(p *planter) string{
	func(p *planter) string { return p.hex(16) },
	func(p *planter) string { return p.digits(20) },
	func(p *planter) string { return "7" + p.digits(5) },
	func(p *planter) string { return strings.ToLower(p.letters(14)) },
	func(p *planter) string { return p.letters(9) + strings.ToLower(p.letters(9)) },
	func(p *planter) string { return p.mixed(24) },
	func(p *planter) string { return "letmein" + p.digits(1) },
	func(p *planter) string { return strings.ToLower(p.letters(8)) + "sesame" },
}

// defaultEngine is one for all texts: engines take longer to make than texts to scrub.
var defaultEngine = sync.OnceValue(func() *Engine {
	e, err := New(Policy{})
	if err != nil {
		panic(err)
	}
	return e
})

// checkGone scrubs each text twice, and reports those in which the value is still there, or
// that are not what they were after the first time.
func checkGone(t *testing.T, what string, f Format, text, value string) {
	t.Helper()
	e := defaultEngine()
	out, _ := e.Scrub(nil, []byte(text), f)
	if bytes.Contains(out, []byte(value)) {
		t.Errorf("%s: %s stays in\n%s\n%s", what, value, text, out)
	}
	if again, _ := e.Scrub(nil, out, f); !bytes.Equal(again, out) {
		t.Errorf("%s: scrubbed again\n%s\n%s", what, out, again)
	}
	if json.Valid([]byte(text)) && !json.Valid(out) {
		t.Errorf("%s: no JSON any more\n%s\n%s", what, text, out)
	}
}

// signs are the ways to write a name and its value.
var signs = []string{
	"%s=%s", "%s = %s", "%s= %s", "%s =%s", "%s: %s", "%s : %s", "%s:%s", "%s := %s", "%s:=%s", "%s => %s", "%s=>%s", "%s\t=\t%s",
	`%s = "%s"`, `%s="%s"`, `"%s": "%s"`, `"%s" : "%s"`, `"%s"=>"%s"`, `'%s' => '%s'`, `%s := "%s"`, `%s            = "%s"`,
	`{"msg":"%s = %s refused"}`, `{"msg":"the %s: %s, twice"}`, `x="{\"%s\":\"%s\"}"`, `x="{\"a\":\"{\\\"%s\\\":\\\"%s\\\"}\"}"`,
	"Database = shop;%s = %s", "Server=db;%s=%s;Encrypt=True", "--%s %s", "--%s=%s", "tool -%s %s -v", `["--%s", "%s"]`,
	`["%s","%s"]`, `h=[["%s","%s"]]`, `[('%s', '%s')]`, `{"name":"%s","value":"%s"}`, `{"key":"%s","value":"%s"}`,
	`{"name":"%s","type":"hidden","value":"%s"}`, `x={"name":"%s","value":"%s"} y`, `<param name="%s" value="%s"/>`,
	`<add key="%s" value="%s"/>`, `{"key":"%s","value":{"stringValue":"%s"}}`, `<entry key="%s">%s</entry>`,
	`body: {"%s":"%s"}`, `a [x] {"b":[{"name":"%s","value":"%s"}]} c {"d":1}`, `got {"value":"x","name":"a"} {"key":"%s","type":"string","value":"%s"} y`,
	`m=[{"a":1,"headers":["x","y","%s","%s"]}] y`, `level=info msg={"n":{"%s" : "%s"}}`,
	`<name>%s</name><value>%s</value>`, `<key>%s</key> <string>%s</string>`, `%[1]s=a&n=1&%[1]s=%[2]s`,
}

// TestSecretsBySign checks that what stands under a secret's name goes, however name, sign
// and value are written.
func TestSecretsBySign(t *testing.T) {
	t.Parallel()
	p := newPlanter(21)
	names := []string{
		"password", "db_password", "DB.PASSWORD", "Password", "X-Api-Key", "clientSecret", "access_token", "refresh_token", "secret", "api_secret",
		"token", "auth_code", "verification_code", "jwt", "csrf", "bearer",
	}
	for _, sign := range signs {
		for _, name := range names {
			value := pick(p, secretSpellings)(p)
			checkGone(t, sign, FormatText, fmt.Sprintf(sign, name, value), value)
		}
	}
	for _, name := range []string{"auth", "session", "sid", "key", "sig", "signature"} {
		for range 20 {
			value := pick(p, secretSpellings)(p)
			checkGone(t, name, FormatQuery, name+"="+value+"&page=2", value)
			checkGone(t, name, FormatJSON, `{"`+name+`":"`+value+`"}`, value)
		}
	}
}

// TestKeysAmongData checks that a name that data has as well is a secret's where its value
// looks like one, whatever stands beside it.
func TestKeysAmongData(t *testing.T) {
	t.Parallel()
	p := newPlanter(28)
	values := []func() string{
		func() string { return p.hex(16) }, func() string { return p.hex(32) }, func() string { return p.digits(20) }, func() string { return "7" + p.digits(5) },
		func() string { return strings.ToLower(p.letters(16)) }, func() string { return p.letters(20) }, func() string { return p.mixed(24) }, func() string { return p.mixed(40) },
		func() string { return p.alphabet(32, base62+"-_") + "7" }, func() string { return p.alphabet(40, base62+"+/") + "=" },
	}
	for i := range 40 * len(values) {
		value := values[i%len(values)]()
		for _, name := range []string{"key", "sig", "sid", "session", "auth"} {
			for _, form := range []string{
				"%s=%s", "level=info %s=%s took=3ms", "GET /x?%s=%s&page=2", `{"user":"bob","%s":"%s","n":1}`, `{"%s":"%s","n":1}`, `body: {"%s":"%s"}`, "<%s>%s</x>",
			} {
				if name != "key" && strings.ContainsAny(value, "+/-_") {
					continue
				}
				checkGone(t, form, FormatText, fmt.Sprintf(form, name, value), value)
			}
		}
	}
}

// TestCounts checks that numbers which let somebody in go under the names of counts.
func TestCounts(t *testing.T) {
	t.Parallel()
	p := newPlanter(29)
	for range 40 {
		for _, form := range []string{"pin=%s", "pin: %s", `{"pin":"%s","n":1}`, "pass=%s", "your pin: %s"} {
			value := "7" + p.digits(3+p.r.IntN(5))
			checkGone(t, form, FormatText, fmt.Sprintf(form, value), value)
		}
		for _, form := range []string{"sessionid=%s", "Session ID: %s", "JSESSIONID=%s", "session_id: %s"} {
			value := pick(p, []string{p.hex(32), p.digits(12), p.mixed(24)})
			checkGone(t, form, FormatText, fmt.Sprintf(form, value), value)
		}
	}
}

// TestSecretsTwins checks the names under which forms have a secret a second time.
func TestSecretsTwins(t *testing.T) {
	t.Parallel()
	p := newPlanter(22)
	for _, name := range []string{"password", "passwd", "pwd", "pw", "secret", "apiKey", "pin"} {
		for _, twin := range []string{
			"%s_confirmation", "%s_confirm", "%s_repeat", "%s-again", "%s1", "%s2", "%s_2", "%sConfirmation", "%sRepeat", "new_%s", "old%s",
			"user[%s_confirmation]", "confirm_%s", "current.%s", "%s_old", "%s_new1",
		} {
			twin = strings.Replace(fmt.Sprintf(twin, name), "old"+name, "old_"+name, 1)
			value := pick(p, secretSpellings)(p)
			checkGone(t, twin, FormatQuery, "a=1&"+twin+"="+value+"&n=2", value)
			checkGone(t, twin, FormatText, twin+": "+value, value)
		}
	}
	for _, name := range []string{"PGPASSWORD", "MYSQL_PWD", "dbpassword", "newpassword", "passwordconfirm", "oldpasswd", "userpassword", "awssecretkey"} {
		checkGone(t, name, FormatText, name+"=opensesame x", "opensesame")
	}
}

// TestPlainWordsStay checks that words and numbers that tell of a secret's state, or are of
// something else, stay under names that secrets have.
func TestPlainWordsStay(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	for _, text := range []string{
		"code=200 key=3 session=new", "token=none", `{"token":null,"session":true,"code":404}`, "auth=basic", "auth=ldap code=ECONNRESET",
		"code=ERR_BAD_REQUEST", `"code":"invalid_grant"`, "code=0x80070005 code=AADSTS50058", "invalid token: signature is wrong", "session: closed",
		`{"key":"region","value":"eu-west-1"}`, `{"fields":["password","email","token"]}`, "key=user_name", "next_page_token=abc123def456",
		"partition_key=tenantorders", "token=${TOKEN} secret=<secret>", "error_code=1234567 status_code=503", "password= next=1",
		"the password for you", `<token/> <password></password>`, "--password-file /run/secrets/db", "docker run -u 1000:1000 -p 8080:80 app",
		"mysql -uroot -p shop", "mkdir -p /var/lib/app", "chown -R app:app /srv", "it's 'quoted' by hand", "x by 'y'", "a[i] = 'b'", "a < b and c > d",
		"<name>region</name><value>eu</value>", `name="region" value="eu"`, "AT&T; R&D; a &amp; b &lt; c", "limit=40 width=40em", "a -- b - c -d",
		"/reset /reset/done /verify/550e8400-e29b-41d4-a716-446655440000 /orders/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
		"host id AbCdEf0123+/xyzaPw= SigV4 ECDHE", "account 565501803169 at",
		`getSecret("db-main") findByToken("orders_by_user")`, `vault login -method=ldap`, "--- PASS: TestPassword (0.00s)", `INSERT INTO users (name, total) VALUES ('a', 12)`,
		`form-data; name="file"; filename="a.png"`, `{"secrets":{"name":"db-main","namespace":"shop"}}`, `s:4:"name";s:5:"value";`, `{:ok, "done"}`, `x [info]: done`,
		`<input type="text" name="q" value="shoes">`, `ENV PATH /usr/bin`, `git config set user.name bob`, `{"tokens":1500,"passwords":3,"secrets":["a"]}`,
		"call 12 times, call id 17", "retry at 10:20@node", "git@github.com:x/y.git"[3:4],
	} {
		if out, _ := e.Text(nil, []byte(text)); string(out) != text {
			t.Errorf("%s\nbecame\n%s", text, out)
		}
	}
}

// TestSecretsInMarkup checks elements of XML, as they are and in encodings.
func TestSecretsInMarkup(t *testing.T) {
	t.Parallel()
	p := newPlanter(23)
	for _, name := range []string{"password", "wsse:Password", "ns1:apiKey", "Secret", "accessToken", "DB_PASSWORD"} {
		for _, form := range []string{
			"<%[1]s>%[2]s</%[1]s>", `<%[1]s Type="x" b='y>z'>%[2]s</%[1]s>`, "<a><%[1]s> %[2]s </%[1]s></a>", "<%[1]s><![CDATA[%[2]s]]></%[1]s>",
			"<%[1]s><value>%[2]s</value></%[1]s>", "<u id=\"1\"><%[1]s\n>%[2]s\n</%[1]s></u>", "<%[1]s>%[2]s",
		} {
			value := pick(p, secretSpellings)(p)
			text := fmt.Sprintf(form, name, value)
			checkGone(t, form, FormatText, "body="+text, value)
			quoted, err := json.Marshal(map[string]string{"body": text})
			if err != nil {
				t.Fatal(err)
			}
			checkGone(t, form, FormatJSON, string(quoted), value)
			checkGone(t, form, FormatQuery, "xml="+url.QueryEscape(text)+"&n=1", value)
			var escaped bytes.Buffer
			if err := xml.EscapeText(&escaped, []byte(text)); err != nil {
				t.Fatal(err)
			}
			checkGone(t, form, FormatText, escaped.String(), value)
		}
	}
}

// TestSecretsInCommands checks command lines, SQL and data sources.
func TestSecretsInCommands(t *testing.T) {
	t.Parallel()
	p := newPlanter(24)
	for _, form := range []string{
		"curl -u user:%s https://h.example/x", "curl -s -uuser:%s https://h.example", "curl --user user:%s x", `curl -u "user:%s" x`, "curl -U p:%s x",
		"mysql -uroot -p%s shop", "mysqldump -h db -p%s shop", "sshpass -p %s ssh h", "sshpass -p'%s' ssh h", "docker login -u a -p %s r.example",
		"redis-cli -h r -a %s ping", "ldapsearch -x -w %s -b dc=x", "PGPASSWORD=%s psql", "wget --http-password=%s x", "tool --client-secret '%s'",
		"ALTER USER app WITH PASSWORD '%s'", "CREATE ROLE app LOGIN PASSWORD '%s' VALID UNTIL 'x'", "create user a identified by '%s'",
		`CREATE USER a IDENTIFIED BY "%s"`, "CREATE USER a IDENTIFIED BY %s DEFAULT TABLESPACE x", "SET PASSWORD FOR 'a'@'%%' = '%s'",
		"SET PASSWORD = PASSWORD('%s')", "CREATE USER a IDENTIFIED WITH caching_sha2_password BY '%s'", "alter user a password 'it''s%s'",
		"app:%s@tcp(db:3306)/shop", "dsn=app:%s@unix(/run/db.sock)/shop", "open app:%s@/shop", "scott/%s@//db:1521/x", "app:%s@db:5432/shop",
		"postgres://app:(%s&x,y=z@db/shop", "redis://:%s@cache:6379/0", "amqp://app:%s@mq/%%2f",
	} {
		for range 5 {
			value := pick(p, secretSpellings)(p)
			text := fmt.Sprintf(form, value)
			checkGone(t, form, FormatText, text, value)
			quoted, err := json.Marshal(map[string]string{"cmd": text})
			if err != nil {
				t.Fatal(err)
			}
			checkGone(t, form, FormatJSON, string(quoted), value)
			escaped := url.QueryEscape(text)
			checkGone(t, form, FormatQuery, "q="+escaped+"&n=1", value)
			checkGone(t, form, FormatURL, "/x?q="+strings.ReplaceAll(escaped, "+", "%20")+"&n=1", value)
		}
	}
}

// TestSecretsInPrograms checks plural names, forms in parts, columns, attributes in any order
// and the ways in which languages and tools write a name and its value.
func TestSecretsInPrograms(t *testing.T) {
	t.Parallel()
	p := newPlanter(30)
	for _, form := range []string{
		`{"passwords":["a1","%s"]}`, `{"api_keys":["%s"],"n":1}`, `{"recoveryCodes":["%s"]}`, `{"secret":{"S":"%s"}}`, `{"secrets":{"db":"%s"}}`, `secrets: {"db":"%s"}`,
		`{"securityAnswer":"%s"}`, `{"csrfmiddlewaretoken":"%s"}`, `SAMLResponse=%s&RelayState=x`, `oauth_verifier=%s`, `bindpw=%s`, `psk="%s"`, `secret_key_base: %s`,
		`body: {"p\u0061ssword":"%s"}`, `x {"value":"%s","name":"password"} y`, `x ["authorization","%s","accept","y"] z`,
		"Content-Disposition: form-data; name=\"password\"\r\n\r\n%s\r\n--x", `form-data; name=\"password\"\r\n\r\n%s\r\n--x`, "form-data; name=token\n\n%s",
		`<add value="%s" key="Password"/>`, `<property name="password">%s</property>`, `<input type="password" name="x" value="%s">`, `<meta content="%s" name="csrf-token">`,
		`<meta name="csrf-token" content="%s">`, `<input name="authenticity_token" type="hidden" value="%s">`, `<input value='%s' type='password'/>`,
		`password = """%s"""`, `password = '''%s'''`, `$config['password'] = '%s';`, `c["password"] = "%s"`, `a:1:{s:8:"password";s:12:"%s";}`, `["password"]=> string(12) "%s"`,
		`{:password, "%s"}`, `{password, "%s"}`, `var password string = "%s"`, `let password: &str = "%s"`, `c.setPassword("%s")`, `x.withPassword("%s").build()`,
		`INSERT INTO users (name, password) VALUES ('a', '%s')`, `insert into u(id,\"token\",n) values (1,'%s',2),(2,'x',3)`, `INSERT INTO u (a, pwd) VALUES ('x', 'it''s'), ('(y,', '%s')`,
		`INSERT INTO u (pass) VALUES (crypt('%s', gen_salt('bf')))`, "WHERE `password` = '%s'", `WHERE password LIKE '%s'`, `WHERE u.password IN ('%s')`, `WHERE [password] = '%s'`,
		"curl --user=bob:%s https://x", "htpasswd -b f u %s", "keytool -storepass %s -keypass x", "AWS Secret Access Key [None]: %s", "Session ID: %s", "app:%s@(db:3306)/x",
		"requirepass %s", "setx DB_PASSWORD %s", "ENV DB_PASSWORD %s", "aws configure set aws_secret_access_key %s", "npm config set //r/:_authToken %s", "vault login %s",
		"rabbitmqctl add_user u %s", "net user bob %s /add", "mysqladmin -u root password %s", `0 [0 h:1] "AUTH" "%s"`, `"AUTH" "default" "%s"`, `"CONFIG" "SET" "requirepass" "%s"`,
		"AUTH PLAIN %s", "rootpw %s", "PRAGMA key = '%s'",
	} {
		for range 4 {
			value := pick(p, secretSpellings)(p)
			text := fmt.Sprintf(form, value)
			checkGone(t, form, FormatText, text, value)
			quoted, err := json.Marshal(map[string]string{"m": "at 12:01 " + text})
			if err != nil {
				t.Fatal(err)
			}
			checkGone(t, form, FormatJSON, string(quoted), value)
		}
	}
}

// TestSpelledNumbers checks the spellings of numbers that logs of others have.
func TestSpelledNumbers(t *testing.T) {
	t.Parallel()
	p := newPlanter(25)
	for range 200 {
		card := strings.NewReplacer(" ", "", "-", "").Replace(p.value(Card))
		for _, form := range []string{"F002=%[2]d%[1]s", "DE2: %[2]d%[1]s", "F002%[1]s", "DE002%[2]d%[1]s", "pad 0000%[1]s.", "|%[1]s|12/27|"} {
			checkGone(t, form, FormatText, fmt.Sprintf(form, card, len(card)), card)
		}
		if len(card) == 16 {
			groups := []string{card[:4], card[4:8], card[8:12], card[12:]}
			for _, sep := range []string{"&nbsp;", "&#160;", "|", " | ", "&#x20;", "&#45;"} {
				checkGone(t, sep, FormatText, "card "+strings.Join(groups, sep)+" sent", strings.Join(groups[1:3], sep))
			}
		}
		local := pick(p, []string{"zed", "a.b", "j_doe"}) + p.digits(2)
		for _, at := range []string{"&#64;", "&#x40;", "&commat;", "=40"} {
			checkGone(t, at, FormatText, "mail "+local+at+"ex.org came", local)
		}
		ssn := fmt.Sprintf("%03d - %02d - %04d", 1+p.r.IntN(660), 1+p.r.IntN(99), 1+p.r.IntN(9999))
		checkGone(t, "ssn", FormatText, "SSN "+ssn+" is", ssn)
		phone := fmt.Sprintf("%d%s%d%s", 2+p.r.IntN(8), p.digits(2), 2+p.r.IntN(8), p.digits(6))
		for _, word := range []string{"call ", "Call us at ", "contact ", "toll-free ", "toll free: ", "contact number "} {
			checkGone(t, word, FormatText, word+phone+" today", phone)
		}
		form := p.digits(2) + "+" + p.digits(3) + "+" + p.digits(2) + "+" + p.digits(2)
		checkGone(t, "form", FormatJSON, `{"body":"phone=`+form+`&n=1"}`, form)
		tail := "287"
		checkGone(t, "postcode", FormatText, "at 05"+p.digits(3)+" 975 97 "+tail+" x", tail)
	}
}

// maestro are prefixes of Maestro's that no card word needs to stand beside.
var maestro = []string{"5018", "5020", "5038", "56", "57", "58", "5893", "6304", "6759", "6761", "6762", "6763", "6390", "0604", "67"}

func TestMaestroNeedsNoWord(t *testing.T) {
	t.Parallel()
	p := newPlanter(26)
	for _, prefix := range maestro {
		for _, length := range []int{12, 16, 18, 19} {
			if len(prefix) == 2 && length == 12 {
				continue // as the numbers of accounts at AWS
			}
			body := []byte(prefix + p.digits(length-len(prefix)))
			for !luhn(body) {
				body[len(body)-1] = '0' + (body[len(body)-1]-'0'+1)%10
			}
			checkGone(t, prefix, FormatText, "paid with "+string(body)+" today", string(body))
		}
	}
}

// TestLinkTokens checks tokens in the paths of links, and cookies that browsers guard.
func TestLinkTokens(t *testing.T) {
	t.Parallel()
	p := newPlanter(27)
	for range 50 {
		for _, form := range []string{
			"/reset/%s", "/password/reset/%s?x=1", "https://h.example/users/reset-password/%s", "/reset/MQ/%s/", "/verify-email/%s", "/magic-link/%s",
			"/invite/%s", "/activate/%s",
		} {
			for _, value := range []string{p.hex(40), p.hex(64), p.mixed(20) + "7"} {
				checkGone(t, form, FormatURL, fmt.Sprintf(form, value), value)
			}
		}
		for _, name := range []string{"__Host-session", "__Secure-id", "__Host-" + p.letters(4)} {
			value := pick(p, secretSpellings)(p)
			checkGone(t, name, FormatText, "sent "+name+"="+value+"; Path=/", value)
		}
	}
}
