package scrub

// DefaultFields returns the names whose values every engine redacts. The names
// of people and their addresses are among them, since no pattern finds those;
// a bare "name" is not, since most things with a name are no people: add it to
// [Policy.Fields] where it is one.
func DefaultFields() []string {
	return append(append(lineFields(), secretFields()...), []string{
		"cvv", "cvc", "cvv2", "cvc2", "security_code", "card_number", "pan",
		"ssn", "social_security_number", "national_id", "tax_id", "passport", "passport_number",
		"drivers_license", "driver_license", "license_number",
		"dob", "date_of_birth", "birth_date", "birthdate", "birthday", "born",
		"first_name", "last_name", "middle_name", "given_name", "family_name", "full_name",
		"fname", "lname", "surname", "maiden_name", "mothers_maiden_name",
		"geburtsdatum", "date_naissance", "fecha_nacimiento", "data_nascimento",
	}...)
}

// secretFields are the names of what nobody but its owner may know, whatever it is.
func secretFields() []string {
	return []string{
		"password", "passwd", "passphrase", "passcode", "pwd", "pass", "pw", "pin", "otp", "mfa_code", "totp",
		"apikey", "api_key", "x-api-key", "access_key", "secret_key", "private_key", "account_key", "application_key", "app_key",
		"client_secret", "secret_access_key", "shared_secret", "signing_key", "encryption_key", "master_key", "license_key",
		"sessionid", "jsessionid", "phpsessid", "csrf_token", "xsrf_token", "x-amz-security-token", "shared_access_key",
		"passwort", "kennwort", "mot_de_passe", "contrasena", "senha", "wachtwoord", "haslo",
	}
}

// secretNames are names of secrets, and of next to nothing else.
func secretNames() []string {
	return []string{
		"secret", "token", "access_token", "refresh_token", "id_token", "auth_token", "api_secret", "app_secret", "credential",
		"credentials", "hmac", "code_verifier", "assertion", "jwt", "csrf", "xsrf", "bearer", "auth_code", "authorization_code",
		"authcode", "verification_code", "confirmation_code", "activation_code", "recovery_code", "backup_code", "reset_code",
		"login_code", "device_code", "user_code", "one_time_code", "sms_code", "otp_code", "two_factor_code", "invite_code",
		"saml_response", "saml_request", "csrfmiddlewaretoken", "oauth_verifier", "security_answer", "secret_answer", "secret_id",
		"secret_key_base", "bindpw", "bind_pw", "rootpw", "root_pw", "psk", "pre_shared_key", "wpa_psk", "requirepass", "masterauth", "storepass", "keypass",
		"service_ticket", "g_recaptcha_response", "unicode_pwd",
		"access_code", "pass_code", "session_secret", "session_key", "cookie_secret", "nonce_secret", "seed_phrase", "mnemonic",
	}
}

// pluralNames are names of lists and objects of secrets, under whose members they stand.
func pluralNames() []string {
	return []string{
		"passwords", "passwds", "passphrases", "api_keys", "apikeys", "access_keys", "secret_keys", "private_keys", "secrets", "access_tokens",
		"refresh_tokens", "auth_tokens", "api_tokens", "client_secrets", "recovery_codes", "backup_codes", "verification_codes", "security_answers",
		"credentials",
	}
}

// weakNames are names of secrets that other things have as well.
func weakNames() []string { return []string{"auth", "key", "sig", "signature", "session", "sid"} }

// keyNames end in "key" and tell of no secret.
func keyNames() []string {
	return []string{
		"public_key", "primary_key", "foreign_key", "sort_key", "hash_key", "range_key", "partition_key", "routing_key", "cache_key",
		"object_key", "row_key", "idempotency_key", "index_key", "unique_key", "shard_key", "group_key", "host_key", "message_key",
		"translation_key", "i18n_key", "error_key", "config_key", "lookup_key", "record_key", "map_key", "field_key", "dedup_key",
		"duplicate_key", "redis_key", "s3_key", "metric_key", "event_key", "issue_key", "project_key", "sec_websocket_key",
		"read_key", "lock_session",
	}
}

// lineFields are fields whose values have spaces, commas and semicolons in them.
func lineFields() []string {
	return []string{
		"authorization", "proxy-authorization", "x-forwarded-authorization", "cookie", "set-cookie",
		"address", "street", "street_address", "address_line", "address_line1", "address_line2",
		"address1", "address2", "postal_address", "home_address", "mailing_address",
	}
}

// DefaultNeverFields returns the names of identifiers of requests and traces,
// which are left alone as long as they look like identifiers.
func DefaultNeverFields() []string {
	return []string{
		"traceparent", "tracestate", "trace_id", "x-trace-id", "span_id", "parent_span_id", "x-b3-traceid",
		"x-b3-spanid", "x-b3-parentspanid", "b3", "uber-trace-id", "x-amzn-trace-id", "x-cloud-trace-context",
		"request_id", "x-request-id", "kong_request_id", "x-kong-request-id", "correlation_id",
		"x-correlation-id", "cf-ray", "x-datadog-trace-id", "x-datadog-parent-id",
	}
}

// fieldNames returns the roles of names before a '=' or a ':'.
func fieldNames(p *Policy) *names {
	n := newNames()
	n.add(roleField, DefaultFields()...)
	n.add(roleLine, lineFields()...)
	n.add(roleAddress, "address")
	n.add(roleSecret|roleLine, "cookies")
	n.add(roleAuth, "authorization", "proxy-authorization", "x-forwarded-authorization")
	n.add(roleSecret, secretFields()...)
	n.add(roleSecret, secretNames()...)
	n.add(roleSecret, "authorization", "proxy-authorization", "x-forwarded-authorization", "cookie", "set-cookie")
	n.add(roleSecret|roleMembers, pluralNames()...)
	n.add(roleSecret|roleWeak, weakNames()...)
	n.add(roleSecret|roleWeak|roleWhole, "code")
	n.add(roleData, "key")
	n.add(roleCount, "pass", "pin")
	n.add(roleSerial, "sessionid")
	n.add(rolePair, pairNames()...)
	n.add(rolePhone, "phone", "phone_number", "telephone", "tel", "mobile", "mobile_number", "cell", "cellphone",
		"fax", "msisdn", "sms", "whatsapp", "landline", "contact_number", "phone_no", "desk", "office",
		"telefon", "telefono", "telefone", "handy", "movil", "celular", "gsm", "rufnummer",
		"phones", "phone_numbers", "telephones", "mobiles", "ph", "ph_no", "mob", "mob_no", "caller", "callerid", "caller_id", "callee", "ani", "dnis",
		"telefonnummer", "handynummer", "mobilnummer", "telefoonnummer", "numero_telefono", "telefonszam", "puhelin", "wa.me")
	n.add(roleCard, "card", "card_no", "cardnum", "cc", "ccnumber", "ccnum", "credit_card", "debit_card", "account_number")
	n.add(roleSSN, "social_security", "socialsecurity", "social", "us_ssn", "itin")
	n.add(roleNational, nationalNames()...)
	n.add(roleCard, "card_number", "pan")
	n.add(roleSSN, "ssn", "social_security_number", "tax_id", "national_id")
	n.add(roleNational, "tax_id", "national_id", "passport", "passport_number")
	n.add(roleVersion, "version", "ver", "release", "build", "firmware", "app_version", "sdk", "rv")
	n.add(0, "ip_address", "mac_address", "email_address", "remote_address", "server_address", "host_address",
		"listen_address", "bind_address", "next_page_token", "page_token", "continuation_token",
		"peer_address", "local_address", "source_address", "destination_address", "upstream_address", "backend_address",
		"proxy_address", "gateway_address", "socket_address", "link_address", "hardware_address", "advertised_address",
		"next_token", "sync_token", "change_token", "unexpected_token")
	n.add(0, "zip_code", "postal_code", "post_code", "area_code", "country_code", "error_code", "exit_code", "status_code",
		"response_code", "return_code", "reason_code", "product_code", "currency_code", "language_code")
	n.add(0, keyNames()...)
	n.addTwins()
	n.add(roleField, p.Fields...)
	for _, name := range append(DefaultNeverFields(), p.NeverFields...) {
		n.roles[normalize(name)] = 0
		n.add(roleNever, name)
	}
	return n
}

func nationalNames() []string {
	return []string{
		"nino", "ni_number", "nhs", "nhs_number", "sin", "dni", "nie", "nif", "codice_fiscale", "fiscal_code", "insee",
		"nir", "steuer_id", "steueridnr", "idnr", "bsn", "rrn", "pesel", "personnummer", "hetu", "cpr", "fodselsnummer",
		"cpf", "aadhaar", "aadhar", "resident_id", "my_number", "nric", "hkid", "tfn", "curp", "rut", "cuil",
		"tckn", "teudat_zehut", "cnp", "egn", "rodne_cislo", "pps", "ppsn", "id_card", "id_number", "identity_number",
		"tc_kimlik", "tc_kimlik_no", "amka", "oib", "identity", "citizen_id", "tax", "tin", "national", "insurance", "pan",
	}
}

// contextWords returns the roles of words in a sentence.
func contextWords() *names {
	n := newNames()
	n.add(rolePhone, "phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "sms", "whatsapp",
		"landline", "dial", "hotline", "msisdn", "voicemail", "ph", "mob", "callerid", "telefon", "telefono", "telefone", "telefonnummer",
		"handynummer", "mobilnummer", "rufnummer", "celular", "movil", "telefoon", "puhelin")
	n.add(roleCall, "call", "calling", "calls", "ring", "text", "texting", "message", "messages", "answer", "answering",
		"contact", "reach", "reached", "office", "desk", "callback")
	n.add(roleCard, "card", "cards", "cc", "visa", "mastercard", "amex", "maestro", "discover", "credit", "debit", "pan")
	n.add(roleSSN, "ssn", "social", "itin")
	n.add(roleNational, nationalNames()...)
	n.add(roleNational, "citizen", "aadhaar", "passport", "steuer", "kimlik", "zehut")
	n.add(roleVersion, "version", "ver", "v", "release", "build", "firmware", "upgrade", "upgraded")
	n.add(roleOther, "imei", "imsi", "iccid", "meid", "isbn", "ean", "upc", "gtin", "sku", "serial", "order", "invoice",
		"ticket", "tracking", "commit", "revision", "rev", "pid", "tid", "port", "offset", "took", "size", "bytes", "rows", "entries",
		"packets", "ms", "us", "ns", "sec", "secs", "seconds", "msec", "msecs", "kb", "mb", "gb", "kib", "mib", "gib")
	return n
}
