package scrub

import "bytes"

// keyShape is the form of the API keys of one issuer.
type keyShape struct {
	prefix string
	least  int // bytes behind the prefix
}

// keyShapes are the forms that issuers document so that scanners can find them.
// The prefix is case-sensitive.
var keyShapes = []keyShape{
	{"AKIA", 16}, {"ASIA", 16}, {"AROA", 16}, {"AIDA", 16}, {"ABIA", 16}, {"ACCA", 16}, // Amazon Web Services
	{"AIza", 35}, {"GOCSPX-", 20}, {"ya29.", 20}, // Google
	{"ghp_", 36}, {"gho_", 36}, {"ghu_", 36}, {"ghs_", 36}, {"ghr_", 36}, {"github_pat_", 22}, // GitHub
	{"glpat-", 20}, {"glptt-", 20}, {"gldt-", 20}, {"glrt-", 20}, {"glsoat-", 20}, {"glcbt-", 20}, {"glft-", 20}, // GitLab
	{"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"xoxe-", 10}, {"xoxc-", 10}, {"xoxd-", 10}, {"xapp-", 10}, // Slack
	{"sk_live_", 10}, {"sk_test_", 10}, {"rk_live_", 10}, {"rk_test_", 10}, {"whsec_", 16}, // Stripe
	{"sk-ant-", 16}, {"sk-proj-", 16}, {"sk-", 32}, // Anthropic, OpenAI
	{"SG.", 16}, {"key-", 32}, {"xkeysib-", 32}, // SendGrid, Mailgun, Brevo
	{"sq0atp-", 22}, {"sq0csp-", 32}, {"EAAA", 56}, // Square
	{"shpat_", 32}, {"shpss_", 32}, {"shpca_", 32}, {"shppa_", 32}, // Shopify
	{"npm_", 36}, {"pypi-", 32}, {"dckr_pat_", 20}, {"rubygems_", 32}, // package registries
	{"hvs.", 20}, {"hvb.", 20}, {"atlasv1.", 32}, // HashiCorp
	{"dop_v1_", 32}, {"doo_v1_", 32}, {"dapi", 32}, {"hf_", 30}, {"r8_", 32}, // DigitalOcean, Databricks, Hugging Face, Replicate
	{"lin_api_", 32}, {"PMAK-", 24}, {"NRAK-", 20}, {"glsa_", 32}, {"ATATT3x", 32}, {"ATCTT3x", 32}, // Linear, Postman, New Relic, Grafana, Atlassian
	{"rzp_live_", 14}, {"sbp_", 40}, {"pscale_tkn_", 32}, {"figd_", 32}, {"sntrys_", 32}, {"sntryu_", 32}, // Razorpay, Supabase, PlanetScale, Figma, Sentry
	{"gsk_", 32}, {"xai-", 32}, {"pplx-", 32}, {"nvapi-", 32}, {"pat-na1-", 32}, {"pat-eu1-", 32}, // Groq, xAI, Perplexity, NVIDIA, HubSpot
	{"ntn_", 40}, {"secret_", 43}, {"sgp_", 40}, {"ABSK", 64}, {"AKCp", 64}, {"p8e-", 30}, {"ops_eyJ", 60}, // Notion, Sourcegraph, Amazon Bedrock, Artifactory, Adobe, 1Password
	{"dt0c01.", 20}, {"HRKU-", 32}, {"ATBB", 28}, {"CFPAT-", 40}, {"s-s4t2ud-", 60}, {"s-s4t2af-", 60}, // Dynatrace, Heroku, Bitbucket, Contentful, 42
	{"SK", 32}, // Twilio; see isTwilio
	{"AGE-SECRET-KEY-1", 32},
}

// keyStarts holds the first bytes of all shapes.
var keyStarts = makeKeyStarts()

func makeKeyStarts() (t [256]bool) {
	for _, k := range keyShapes {
		t[k.prefix[0]] = true
	}
	return t
}

// keyAt returns where the key of a known shape is that the word b[start:end]
// is, or is the secret part of; end is 0 if it is none.
func keyAt(b []byte, start, end int) (int, int) {
	if before := b[max(start-1, 0)]; !keyStarts[b[start]] && before != '.' && before != '~' && before != '/' {
		return 0, 0
	}
	if from := azureSecret(b, start, end); from >= 0 {
		return from, tildeEnd(b, end)
	}
	if isWebhook(b, start) {
		return start, end
	}
	for _, k := range keyShapes {
		at := start
		if k.prefix[len(k.prefix)-1] == '.' {
			at -= len(k.prefix)
		}
		if at < 0 || !bytes.HasPrefix(b[at:end], []byte(k.prefix)) || end-at-len(k.prefix) < k.least {
			continue
		}
		if len(k.prefix) == 2 && !isTwilio(b[start:end]) {
			continue
		}
		return at, dottedEnd(b, end)
	}
	return 0, 0
}

// azureSecret returns where the client secret of Azure's directory begins the
// tail of which is the word b[start:end]: "xyz8Q~" and 34 more; -1 if it is none.
func azureSecret(b []byte, start, end int) int {
	const head = len("xyz8Q~")
	from := start - head
	if from < 0 || end-start < 20 || string(b[start-2:start]) != "Q~" || !isDigit(b[start-3]) || wordEnd(b, from) != start-1 {
		return -1
	}
	return from
}

// tildeEnd returns the end of the parts of such a secret that follow b[i] behind
// dots and tildes.
func tildeEnd(b []byte, i int) int {
	for (at(b, i) == '.' || at(b, i) == '~') && is(at(b, i+1), wordByte) {
		i = wordEnd(b, i+1)
	}
	return i
}

// slackHook is what stands before the secret in the URL of a webhook of Slack's.
const slackHook = "hooks.slack.com/services/"

// isWebhook reports whether the word at b[start:] is the secret of one.
func isWebhook(b []byte, start int) bool {
	from := max(0, start-maxName)
	return b[max(start-1, 0)] == '/' && bytes.Contains(b[from:start], []byte(slackHook))
}

// isTwilio reports whether a word is the identifier of a Twilio key: two letters
// and 32 hexadecimal digits in lower case.
func isTwilio(w []byte) bool {
	return len(w) == 34 && isHexOnly(w[2:]) && !bytes.ContainsAny(w[2:], "ABCDEF")
}

// dottedEnd returns the end of the parts of a key that follow b[i] behind dots.
func dottedEnd(b []byte, i int) int {
	for at(b, i) == '.' && is(at(b, i+1), wordByte) {
		i = wordEnd(b, i+1)
	}
	return i
}
