package scrub

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parseMarked returns a text without its « and », and what they enclose.
func parseMarked(marked string, kind Kind) (text string, want []Finding) {
	var b strings.Builder
	start := 0
	for _, r := range marked {
		switch r {
		case '«':
			start = b.Len()
		case '»':
			want = append(want, Finding{kind, start, b.Len()})
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), want
}

func newEngine(t testing.TB, p Policy) *Engine {
	t.Helper()
	e, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// detectorCases holds texts for each detector, what it should find marked. The
// name of a case is its text.
var detectorCases = map[Kind][]string{
	Email: {
		"mail from «john.doe@example.com» arrived",
		"«john+tag@mail.example.co.uk»",
		`To: "J. Doe" <«j@example.org»>`,
		"write to «a_b@example.com».",
		`to «"john doe"@example.com» now`,
		"«root@10.1.2.3» logged in",
		"«jürgen@exämple.de»",
		"/users/«a@b.io»/orders",
		`{"m":"\n«x@example.com»"}`,
		"«a@b.com»,«c@d.org»;«e@f.net»",
		// decoys
		`write to «joe.bloggs\100example.com», «joe.bloggs @ example.com»`,
		"meet @ noon, user@localhost, @handle, a@b, meet @ example.com, v1.2 @ host.io",
		"GET /logo@2x.png",
		"lodash@4.17.21 react@18",
	},
	Card: {
		"card «4111111111111111» is",
		"«4111 1111 1111 1111»",
		"«4111-1111-1111-1111» 12/27 123",
		"amex «378282246310005», «3782 822463 10005»",
		"diners «30569309025904», «3056 930902 5904»",
		"discover «6011111111111117» jcb «3530111333300000»",
		"mastercard «5555555555554444» 2-series «2223003122003222»",
		"maestro «6759649826438453» «6304000000000000»",
		"unionpay «6200000000000005» «6205500000000000004»",
		"mir «2200000000000004» 13 digits «4222222222222»",
		"pay 200 4821 «4111111111111111»",
		"«4111-1111 1111.1111» «4111  1111  1111  1111» «4111 - 1111 - 1111 - 1111» «4111_1111_1111_1111»",
		"PAN«4111111111111111», «5555555555554444»USD",
		"card_«4111111111111111»",
		"my cc «501864667909» was lost",
		"card «4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1»", "x «411111 1111111111» of «4111 111111 111111»",
		"card «4222 2222 2222 2», «4222-2222-2222-2», 1/0 «4111111111111111».0",
		// decoys
		"bad check digit 4111111111111112",
		"epoch ms 1763953200000, us 1763953200000000, ns 1763953200000000000",
		"order 1234567890123456",
		"0.4111111111111111",
		"trace 41111111111111114111111111111111",
		"id a4111111111111111",
		"20251124031341 2025112403134112",
		"at offset 4111111111116, value=411111111111111114 wei, 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 columns",
		"\"client backend\",,4111111111111111110 tx=4111111111111111110",
	},
	IBAN: {
		"«GB82WEST12345698765432»",
		"pay to «DE89 3704 0044 0532 0130 00», please",
		"«NO9386011117947» «NL91ABNA0417164300» IBAN«DE89370400440532013000» «DE89.3704.0044.0532.0130.00»",
		"lower «gb82west12345698765432».",
		"«FR14 2004 1010 0505 0001 3M02 606»",
		"«MT84MALT011000012345MTLCAST001S»",
		// decoys
		"GB82WEST12345698765433",
		"XX82WEST12345698765432",
		"ab12cd34ef56ab78cd90ef12",
	},
	USSSN: {
		"my SSN is «460-89-9847».",
		"«054 28 6917»",
		"ssn=«460899847»",
		"social security number «460899847»",
		"«078.05.1123», «460.89.9847», her SSN is «900-12-3456»",
		// decoys
		"000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000",
		"ref 460899847",
		"2270-66-1551",
		"part 123-45-6789-00",
	},
	Phone: {
		"call «+1 212 555 0100» now",
		"«+442079460958» «+46 (0)8 928 571 38» «+49 30 901820»",
		"tel:«+15551234567»",
		"«905-674-3793» «(212) 555-0100» «212.555.0100» «1-212-555-0100»",
		"«345-899-3560x4587» «212-555-0100 ext. 12»",
		"«001-518-640-0854» «0046 8 928 57138»",
		"«01.84.17.61.18» «020 7946 0958» «07700 900123» «(08) 8747 6301» «089/12345678»",
		"«07700900123» «0612345678»",
		"«138 1234 5678» «(11) 91234-5678» «8 (495) 123-45-67»",
		"«01512 3456789» «(2) 2123 4567» «512 345 678» «08-12 34 56» «21 234 5678» «91-415-555-0132»",
		"Phone: «60-56-85-91»",
		"«212-555-0100»/«212-555-0101»",
		"please dial «9498777106»",
		"«467 3395» office",
		"/phone/«2125550100»", "https://wa.me/«14155552671»",
		"text «4155552671», call «09876543210» now, call «13800138000»",
		"ph: «4155552671» mob «9876543210» caller=«4155552671» ani=«4155552671»",
		"Telefonnummer «01512345678», celular «11912345678», móvil: «612345678», teléfono «612345678»",
		"тел. «9123456789», 手机 «13800138000», 電話 «9012345678»",
		`{"phones":["«4155552671»"]}`,
		`{"mobile":"«2125550100»"}`,
		// decoys
		"2025-11-24 24.11.2025 11/24/2025 01-02-2023",
		"took 1234567 ms, 9472 7916 bytes, INV-0261-701061, 650 000 000",
		"1,234,567.89 and 12.345.678",
		"order 2125550100", "part 970-890-5272 backordered", "rows: 773 772 840", "697 328 1834 files scanned",
		"split hdfs://nn:8020/data/part-36064:9963638936+73123649", "0.12+1.00/6.7/8.96+0.73 ms cpu",
		"2025-03-23 01.05.36.045444", "$GPGGA,032931.233,5534.8663,N,09627.7101,E", "vlan 0165.4142.1533",
		"fax queue length 6113 oldest 1736036706", "30253223 017451 037573 062377 115010", "f6 06 73 68 40 66 31 85",
		"UA Instagram+312.0.0.12.607+Android+(33/13;+420dpi;+en_GB;+694639317)",
		"at 2025-11-24T03:13:41+0100",
		"lat 52.5200066 lon 13.4049540",
		"3.14159265358979",
	},
	NationalID: {
		"CPF «529.982.247-25»",
		"/cpf/«529.982.247-25»/17",
		"personnummer «811218-9876»",
		"«131052-308T»",
		"DNI «12345678Z», NIE «X1234567L»",
		"«RSSMRA85T10A562S»",
		"«756.9217.0769.85» «010594Y9032» «Y8063915-Z»",
		"nino «AB123456C» or «AB 12 34 56 C»",
		"NRIC «S1234567D», HKID «A123456(3)», «A123456789»",
		"aadhaar «2341 2341 2346»",
		"NIR «1 84 12 76 451 089 46»",
		"«11010519491231002X»",
		"bsn: «111222333»",
		"pesel=«44051401359»",
		"NHS number «943 476 5919»", "steuer-id «86095742719», AMKA «01013099997», OIB «33392005961», TC kimlik «10000000146»",
		"«12.345.678-5»",
		// decoys
		"111222333 44051401359",
		"529.982.247-26 12345678A RSSMRA85T10A562T",
		"A 000 00 0", "dstBytes=57014219872 srcPort=9467", "65536K/71202961K available", "200 89709 57014219872 \"GET",
	},
	IP: {
		"from «203.0.113.7» port 80",
		"«203.0.113.7»:8080 http://«10.0.0.1»/x [«2001:db8::1»]:443",
		"«fe80::1ff:fe23:4567:890a» «::1» «2001:db8:0:0:0:0:2:1»",
		"«::ffff:192.0.2.1» «fe80::1%eth0» «1.2.3.4»-«1.2.3.9» «192.168.001.001» client/«203.0.113.7»",
		"ip=«198.51.100.4»,«198.51.100.5»",
		"/lookup/«10.1.2.3»",
		// decoys
		"Chrome/120.0.0.0 Safari/537.36",
		"v1.2.3.4 version 1.2.3.4 lib-1.2.3.4.jar 1.2.3.4.5 256.1.1.1 01.02.03.04",
		`"app_version":"4.12.0.1"`,
		"at 03:13:41 mac 00:1A:2B:3C:4D:5E std::vector Foo::Bar a::b ::ffff:256.0.0.1",
	},
	JWT: {
		"token «eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U».",
		"Authorization: Bearer «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl»",
		"«eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSJ9». none",
		// decoys
		"eyJ.eyJ.x",
	},
	Credential: {
		"Authorization: Bearer «abc123def456ghi7»",
		"authorization: Basic «dXNlcjpwYXNz»",
		"sent basic «dXNlcjpwYXNzd29yZA==» today",
		"https://«user:s3cret»@example.com/x",
		`"authorization":"Bearer «tok-12345678»"`,
		"the key «gatehouse_PlantedForTheTests00000000000000000000000001QjvcL» was refused",
		"/partner/«gatehouse_PlantedForTheTests00000000000000000000000001QjvcL»/orders x-request-id: «gatehouse_PlantedForTheTests00000000000000000000000001QjvcL»",
		"x_«gatehouse_PlantedForTheTests00000000000000000000000001QjvcL»-«gatehouse_PlantedForTheTests00000000000000000000000001QjvcL»_y",
		"/dead/?q=«gatehouse_PlantedForTheTests00000000000000000000000001Qjvc»", "key «gatehouse_l92nKq0ZrT7bXw4V», cut off",
		"x-request-id: «gatehouse_l92nKq0ZrT7bXw4VdYcE1mAfH8sJpU3-O6iLk5tQyR2vBxNzA»",
		"gatehouse_tenant_rate_limit_decisions_total{limit=\"burst\"} 5", "job gatehouse_TenantRateLimiterConfiguration done",
		// decoys
		"mistyped: «gatehouse_PlantedForTheTests00000000000000000000000001QjvcM»",
		"GET /docs/gatehouse_keys_are_found_by_their_checksum_and_not_by_their_prefix",
		"the bearer token is basic information",
	},
	Secret: {
		"key «AKIAIOSFODNN7EXAMPLE»",
		"x «glpat-K3YIsWho8d3-c7rQz-sq» y «A3-ASWWYB-798JRY-LJVD4-23DC2-86TVM-H43EB» «snyk_uat.12ab34cd.abcDEF-_123.XYZ-xyz_789»",
		"is «5BD8Q~OlK6F.iQ~4ZrPD1xgqWz2AacCQN73FVTnV» not",
		"is «bP88Q~rcBcYjzzOhg1Hnn76Wm3jGgakZiZ.8vMgR» not",
		"POST https://hooks.slack.com/services/T00000000/B00000000/«q1w2e3r4t5y6u7i8o9p0a1s2»",
		"x «xoxb-123456789012-123456789012-abcDEFghiJKL»",
		"«ghp_abcdefghijklmnopqrstuvwxyz0123456789»",
		"«sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc»",
		"token=«q8Zp3LkV0xTn7RwY»",
		`"client_token":"«9fK2-mQ7x_Lp0Zr4Vt»"`,
		"«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»",
		// decoys
		"token=next token=12 token=production",
		"sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV 550e8400-e29b-41d4-a716-446655440000",
		"12345678-1234-4567-8901-123456789012",
		"AROAIALLPBRUHCNGAQXZ3 AIDACKCEVSQ6C2EXAMPLE sq0idp-abcdefghijklmnopqrstuv",
		"file sat.observations-2024-level2-product.nc pat.something_that_is_long_1.png",
		"re_render_component_with_children_2 cio4kafka0connector0with0very0long0names sk-SK-locale-translation-file-version-123",
		"live_stream_8f14e45fceea167a5a36dedd4bea2543aa 4b1d0e8c9a7f6b5d4c3b2a1908f7e6d5c4b3a2911d",
	},
	Field: {
		"password=«hunter2»",
		"user=bob password=«hun,ter2», next=1",
		`{"password":"«a \"b\" c»","n":1}`,
		"Cookie: «a=b; c=d»",
		`x-api-key: «12345»`,
		"first_name=«Ada»&lastName=«Lovelace»",
		`"date_of_birth":"«1815-12-10»"`,
		"user[password]=«x»&id=7",
		`{"address":«{"street":"x","zip":"1"}»,"a":1}`,
		`\"password\":\"«x y»\",`,
		// decoys
		"password= next=1 ip_address=none",
		"the password is wrong",
		"name=value",
	},
}

func TestDetectors(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	for kind, cases := range detectorCases {
		for _, marked := range cases {
			t.Run(kind.String()+"/"+marked, func(t *testing.T) {
				t.Parallel()
				text, want := parseMarked(marked, kind)
				got := e.Findings(nil, []byte(text), FormatText)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("findings in %q (-want +got):\n%s", text, diff)
				}
			})
		}
	}
}
