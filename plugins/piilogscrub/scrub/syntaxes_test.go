package scrub

import (
	"encoding/json"
	"fmt"
	"testing"
)

// valueSyntaxes are ways to write a secret's name and value in which the value ends where
// its syntax ends: %[1]s is the name, %[2]s and %[3]s are parts of the value.
var valueSyntaxes = []string{
	// prefixes of strings
	`%s=b"%s %s"`, `%s = u'%s %s'`, `%s = r"%s %s"`, `%s: f"%s %s"`, `%s = @"%s %s"`, `%s=$'%s %s'`, `%s = E'%s %s'`, `WITH %s=N'%s %s'`,
	`%s = _utf8'%s %s'`, `%s = rb'%s %s' x`, `%s := L"%s %s"`, `{'%s': b'%s %s'}`, `{"%s": u"%s %s"}`, `x(%s=b"%s %s", n=1)`,
	// calls
	`%s = MD5('%s %s')`, `%s = crypt('%s%s', gen_salt('bf'))`, `%s: SHA1("%s %s")`, `%s = String("%s %s")`, `%s: Some("%s %s")`, `%s=$(echo %s %s) x`,
	`%s = new String("%s %s")`, `%s: Secret(%s, %s)`, `%s = a.b::c("%s (%s")`, `%s => Some("%s)%s") next`, `%s = f(g("%s"), "%s")`,
	// tags, signs and changes
	`%s: !!str %s%s`, "%s: |\n  %s%s\nn: 1", "%s: >-\n  %s%s", `%s: &pw %s%s`, `%s: !vault "%s %s"`, `%s:: %s%s`, `~ %s = "%s" -> "%s"`, `  ~ %s = "%s x" -> "y %s" # forces`, `%s: %s -> %s`,
	// quotes within quotes
	`%s='%s''%s'`, `%s = "%s""%s"`, `SET %s = 'a''%s''%s' WHERE`, `%s = """%s "x" %s"""`, `%s='''%s %s'''`, `"{""%s"":""%s %s""}"`,
	// lists of data sources
	`%s=%s %s;Server=h`, `Server=h;%s=%s %s;Database=x`, `Server=h; %s = %s %s; Database=x`, `%s={%s}}%s};`, `Driver={X 17};%s={%s;%s};Server=h`, `cs="%s=%s %s;Server=h"`,
	`{"ConnectionString":"Server=h;%s=%s %s;"}`, `%s="%s;%s";Server=h`,
}

// TestValuesEndWhereTheirSyntaxEnds checks that no part of a value stays, as it is and in a
// string of JSON.
func TestValuesEndWhereTheirSyntaxEnds(t *testing.T) {
	t.Parallel()
	p := newPlanter(42)
	for _, syntax := range valueSyntaxes {
		for _, name := range []string{"password", "db_password", "Password", "pwd", "clientSecret"} {
			one, two := pick(p, secretSpellings)(p), pick(p, secretSpellings)(p)
			text := fmt.Sprintf(syntax, name, one, two)
			checkParts(t, syntax, FormatText, text, one, two)
			checkParts(t, syntax, FormatText, "level=info msg="+quotedJSON(text), one, two)
			quoted, err := json.Marshal(map[string]string{"m": text})
			if err != nil {
				t.Fatal(err)
			}
			checkParts(t, syntax, FormatJSON, string(quoted), one, two)
		}
	}
}

func checkParts(t *testing.T, what string, f Format, text, one, two string) {
	t.Helper()
	checkGone(t, what, f, text, one)
	checkGone(t, what, f, text, two)
}

// TestSchemesBehindAnySign checks that a credential goes with the scheme before it, whatever
// sign stands behind the name, and that what follows stays.
func TestSchemesBehindAnySign(t *testing.T) {
	t.Parallel()
	p := newPlanter(43)
	for _, sign := range []string{"=", " = ", ": ", "=>", " => ", ":"} {
		for _, name := range []string{"Authorization", "HTTP_AUTHORIZATION", "authorization", "proxy-authorization", "X-Forwarded-Authorization"} {
			for _, scheme := range []string{"Bearer", "bearer", "Basic", "Token", "Negotiate", "NTLM", "ApiKey", "Hawk", "GenieKey", "SSWS"} {
				value := pick(p, secretSpellings)(p)
				text := name + sign + scheme + " " + value
				checkGone(t, text, FormatText, text, value)
				checkGone(t, text, FormatText, `x="`+text+`" y`, value)
				checkGone(t, text, FormatURL, "/x?a=1&"+name+"="+scheme+"+"+value+"&n=1", value)
				checkGone(t, text, FormatURL, "/x?"+name+"="+scheme+"%20"+value, value)
			}
		}
	}
	for _, sign := range []string{"=", ": ", " => "} {
		for _, name := range []string{"Cookie", "HTTP_COOKIE", "Set-Cookie", "cookies"} {
			one, two := pick(p, secretSpellings)(p), pick(p, secretSpellings)(p)
			checkParts(t, name, FormatText, name+sign+"lang="+one+"; connect="+two, one, two)
			checkParts(t, name, FormatText, name+sign+"lang="+one+"; Path=/; connect="+two+";theme=1", one, two)
		}
	}
}

// TestSecretsInArguments checks commands whose words are the strings of a list.
func TestSecretsInArguments(t *testing.T) {
	t.Parallel()
	p := newPlanter(44)
	for _, form := range []string{
		`["mysql","-u","root","-p","%s"]`, `["mysql", "-uroot", "-p%s", "shop"]`, `["curl","-u","bob:%s","https://h.example"]`, `["sshpass","-p","%s","ssh"]`,
		`["docker","login","-u","a","-p","%s"]`, `["redis-cli","-a","%s","ping"]`, `["tool","--password","%s"]`, `["tool","--password=%s"]`,
		`["curl","-ubob:%s","x"]`, `["ldapsearch","-w","%s"]`,
	} {
		value := pick(p, secretSpellings)(p)
		list := fmt.Sprintf(form, value)
		for _, text := range []string{list, `{"argv":` + list + `}`, "exec " + list + " done", quotedJSON(list), `{"m":` + quotedJSON(list) + `}`, `{"m":` + quotedJSON("run "+list) + `}`} {
			checkGone(t, form, FormatText, text, value)
		}
	}
}

// TestPasswordsInURLs checks passwords with bytes that a URL cannot have in that place.
func TestPasswordsInURLs(t *testing.T) {
	t.Parallel()
	p := newPlanter(45)
	for _, form := range []string{
		"https://u:%s@%s@host/x", "redis://default:%s/%s@h:6379", "https://u:p@ss/%s%s@host/x", "imap://u%%40x:%s%s@h", "postgres://u:%s?%s@db/x",
		"postgres://u:%s#%s@db/x", "amqp://u%%2Fx:%s%%40%s@mq", "smtp://a%%40b.io:%s/%s@mail.example:587",
	} {
		for range 5 {
			one, two := p.hex(12), p.hex(10)
			text := "at " + fmt.Sprintf(form, one, two) + " failed"
			checkParts(t, form, FormatText, text, one, two)
			checkParts(t, form, FormatJSON, `{"m":"`+text+`"}`, one, two)
			checkParts(t, form, FormatText, "url="+text, one, two)
		}
	}
}

// TestWhatIsBehindAValueStays holds texts that lose the value and nothing behind it.
func TestWhatIsBehindAValueStays(t *testing.T) {
	t.Parallel()
	e := defaultEngine()
	for in, want := range map[string]string{
		"Authorization=Bearer 9f86d081884c7d65 status=200":     "Authorization=Bearer [credential] status=200",
		"authorization=none status=200":                        "authorization=[field] status=200",
		"HTTP_COOKIE=a=b1; c=d2 HTTP_HOST=h":                   "HTTP_COOKIE=[field] HTTP_HOST=h",
		`password=b"x y" user=bob`:                             `password=b"[field]" user=bob`,
		`x="password=b" y="z"`:                                 `x="password=[field]" y="z"`,
		"password = MD5('x y') WHERE id = 1":                   "password = [field] WHERE id = 1",
		"password=abc (denied)":                                "password=[field] (denied)",
		"password: !!str x1 # comment":                         "password: !!str [field] # comment",
		"password='it''s x' and id=1":                          "password='[field]' and id=1",
		`{"password":"","user":"x"}`:                           `{"password":"","user":"x"}`,
		`password="" user="x"`:                                 `password="" user="x"`,
		"password='' user='x'":                                 "password='' user='x'",
		`~ password = "old1" -> "new1" # forces replacement`:   `~ password = "[field]" # forces replacement`,
		"Server=h;Password=a b;Encrypt=True":                   "Server=h;Password=[field];Encrypt=True",
		"password=abc login failed; user=bob":                  "password=[field] login failed; user=bob",
		"pwd={a}}b};Encrypt=True":                              "pwd=[field];Encrypt=True",
		"key::value auth::token":                               "key::value auth::token",
		`["mysql","-u","root","-h","db"]`:                      `["mysql","-u","root","-h","db"]`,
		`["docker","run","-u","1000:1000","-p","8080:80"]`:     `["docker","run","-u","1000:1000","-p","8080:80"]`,
		`{"ParameterKey":"DbPassword","ParameterValue":"x17"}`: `{"ParameterKey":"DbPassword","ParameterValue":"[field]"}`,
		`{"ParameterValue":"x17","ParameterKey":"DbPassword"}`: `{"ParameterValue":"[field]","ParameterKey":"DbPassword"}`,
		`{"ParameterKey":"Region1","ParameterValue":"x17"}`:    `{"ParameterKey":"Region1","ParameterValue":"x17"}`,
		"see https://h/a:b/c@2x.png and https://h/@scope/pkg":  "see https://h/a:b/c@2x.png and https://h/@scope/pkg",
		"https://user@host/x@y/z cookies: blocked by browser":  "https://[credential]@host/x@y/z cookies: blocked by browser",
		`{"cookies":{"theme":"dark"},"m":"cookies=3"}`:         `{"cookies":{"theme":"dark"},"m":"cookies=3"}`,
		"https://h:8080/x?to=a@b.io":                           "https://h:8080/x?to=[email]",
		`body: {"cookie":null,"n":1}`:                          `body: {"cookie":null,"n":1}`,
		`body: {"phone":4155552671,"n":1}`:                     `body: {"phone":"[phone]","n":1}`,
		`msg="{\"pin\":1234,\"n\":1}"`:                         `msg="{\"pin\":\"[field]\",\"n\":1}"`,
	} {
		if out, _ := e.Text(nil, []byte(in)); string(out) != want {
			t.Errorf("scrubbed %s\n     got %s\n    want %s", in, out, want)
		}
	}
}
