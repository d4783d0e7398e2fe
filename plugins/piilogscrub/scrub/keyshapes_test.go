package scrub

import (
	"bytes"
	"testing"
)

// sample makes up a key of a shape, as short as they are.
func (k *keyShape) sample(p *planter) string {
	b := []byte(k.prefix)
	if k.parts[0].of == ofBehind {
		b = append(b, "x1/"...)
		if last := k.prefix[len(k.prefix)-1]; last != '/' {
			b = append(b[:len(b)-1], last)
		}
	}
	for _, part := range k.parts {
		b = append(append(b, part.sample(p)...), part.behind...)
	}
	return string(b)
}

func (part *keyPart) sample(p *planter) string {
	if part.of == ofUUID {
		return p.uuid()
	}
	n := part.least + p.r.IntN(max(part.most, part.least)-part.least+1)
	b := make([]byte, 0, n)
	for len(b) < n {
		if c := byte(p.r.IntN(0x80)); part.of.has(c) {
			b = append(b, c)
		}
	}
	return string(b)
}

// TestKeyShapes checks that keys made up at random of each form are found, all of them,
// wherever they stand.
func TestKeyShapes(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	for i := range keyShapes {
		k, p := &keyShapes[i], newPlanter(uint64(1000+i))
		t.Run(k.name(), func(t *testing.T) {
			t.Parallel()
			for n := range rounds(1000) {
				key := k.sample(p)
				text := []string{"sent " + key + ", refused", `{"note":"` + key + `"}`, "/v1/x?q=" + key + "&n=1", "note: " + key, key}[n%5]
				if k.parts[0].of == ofBehind {
					text = "sent " + key
				}
				out, _ := e.Text(nil, []byte(text))
				if tail := key[len(k.prefix)+2:]; k.parts[0].of != ofBehind && len(out) > len(text)-len(key)+len("[secret]")+2 || bytes.Contains(out, []byte(tail)) {
					t.Fatalf("%s: %s", text, out)
				}
			}
		})
	}
}

// name tells a shape from others.
func (k *keyShape) name() string {
	name := k.prefix
	for _, p := range k.parts {
		name += "…" + p.behind
	}
	return name
}

// TestKeyShapesLeaveIdentifiers checks that digests, UUIDs and names of things are no keys,
// whatever they begin with.
func TestKeyShapesLeaveIdentifiers(t *testing.T) {
	t.Parallel()
	e, p := newEngine(t, Policy{}), newPlanter(12)
	const lines = 20000
	wrong := 0
	for i := range lines {
		word := pick(p, []string{"cache", "order", "tenant", "api", "live", "test", "key", "pat", "session", "worker"})
		id := []string{
			p.hex(32), p.hex(40), p.hex(64), p.uuid(), word + "-" + p.uuid(), word + "_" + p.hex(12), "sha256:" + p.hex(64),
			word + "-" + word + "-service-" + p.hex(10) + "-" + p.letters(5), "/" + word + "/" + p.hex(24) + ".js", "v1." + p.hex(40),
		}[i%10]
		if out, _ := e.Text(nil, []byte("read "+id+" of it")); !bytes.Contains(out, []byte(id)) {
			wrong++
			t.Logf("%s: %s", id, out)
		}
	}
	if wrong > lines/2000 {
		t.Errorf("%d of %d identifiers were taken for keys", wrong, lines)
	}
}

// TestSpecialKeys checks the forms that are no prefix and alphabet.
func TestSpecialKeys(t *testing.T) {
	t.Parallel()
	e, p := newEngine(t, Policy{}), newPlanter(13)
	for name, make := range map[string]func() string{
		"Telegram":  func() string { return p.digits(9) + ":AA" + p.mixed(33) },
		"Twilio":    func() string { return "SK" + p.hex(32) },
		"Mailchimp": func() string { return p.hex(32) + "-us1" + p.digits(1) },
		"Discord":   func() string { return base64URL("1"+p.digits(17)) + "." + p.mixed(6) + "." + p.mixed(38) },
		"Azure":     func() string { return p.mixed(3) + "8Q~" + p.mixed(34) },
		"Telegram's API": func() string {
			return "https://api.telegram.org/bot" + p.digits(10) + ":AA" + p.mixed(33) + "/getMe"
		},
	} {
		for range 50 {
			key := make()
			out, _ := e.Text(nil, []byte("sent "+key+" on"))
			if tail := key[len(key)-20:]; name != "Telegram's API" && bytes.Contains(out, []byte(tail)) || bytes.Contains(out, []byte(key)) {
				t.Errorf("%s: %s stays", name, out)
			}
		}
	}
}

// mixed makes up letters of both cases and digits.
func (p *planter) mixed(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[p.r.IntN(len(alphabet))]
	}
	return string(b)
}
