import { describe, expect, it } from "vitest";
import { type Corpus, expectLabelled, label, rowsOf } from "./corpus.fixture.ts";

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX = "0123456789abcdef";
const ALNUM = `${UPPER}${UPPER.toLowerCase()}0123456789`;

/**
 * A random-looking body. Secrets are put together here so that the file holds none: scanners of code hosts would take
 * them for real ones.
 */
function body(length: number, alphabet: string = ALNUM): string {
  let text = "";
  for (let i = 0, state = 41; i < length; i++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += alphabet[Math.floor((state / 2_147_483_648) * alphabet.length)];
  }
  return text;
}

const hex = (length: number): string => body(length, HEX);
const uuid = hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

/** One of each format: `[name, secret]`. */
const API_KEYS: readonly (readonly [name: string, secret: string])[] = [
  ["AWS access key", `AKIA${body(16, UPPER)}`],
  ["AWS temporary access key", `ASIA${body(16, UPPER)}`],
  ["Google API key", `AIza${body(35)}`],
  ["Google client secret", `GOCSPX-${body(28)}`],
  ["Azure client secret", `${body(3)}8Q~${body(34)}`],
  ["DigitalOcean", `dop_v1_${hex(64)}`],
  ["Anthropic", `sk-ant-api03-${body(93)}-${body(6)}AA`],
  ["OpenAI project", `sk-proj-${body(70)}_${body(60)}-${body(20)}`],
  ["OpenAI", `sk-${body(48)}`],
  ["OpenRouter", `sk-or-v1-${hex(64)}`],
  ["Groq", `gsk_${body(52)}`],
  ["xAI", `xai-${body(80)}`],
  ["Perplexity", `pplx-${body(48)}`],
  ["Replicate", `r8_${body(37)}`],
  ["LangSmith", `lsv2_pt_${hex(32)}_${hex(10)}`],
  ["Tavily", `tvly-dev-${body(32)}`],
  ["Stripe live", `sk_live_${body(24)}`],
  ["Stripe restricted", `rk_test_${body(99)}`],
  ["Stripe webhook", `whsec_${body(32)}`],
  ["Shopify", `shpat_${hex(32)}`],
  ["Square", `sq0atp-${body(22)}`],
  ["SendGrid", `SG.${body(22)}.${body(43)}`],
  ["Twilio", `SK${hex(32)}`],
  ["Mailgun", `key-${hex(32)}`],
  ["Mailchimp", `${hex(32)}-us12`],
  ["Brevo", `xkeysib-${hex(64)}-${body(16)}`],
  ["Resend", `re_${body(8)}_${body(24)}`],
  ["New Relic", `NRAK-${body(27, UPPER)}`],
  ["Databricks", `dapi${hex(32)}`],
  ["Postman", `PMAK-${hex(24)}-${hex(34)}`],
  ["Supabase", `sb_secret_${body(31)}`],
  ["Linear", `lin_api_${body(40)}`],
  ["Slack webhook", `hooks.slack.com/services/T${body(8, UPPER)}/B${body(8, UPPER)}/${body(24)}`],
  ["Discord webhook", `discord.com/api/webhooks/${body(18, "123456789")}/${body(68)}`],
  ["Telegram bot", `api.telegram.org/bot${body(9, "123456789")}:AA${body(33)}`],
];

const ACCESS_TOKENS: readonly (readonly [name: string, secret: string])[] = [
  ["GitHub personal", `ghp_${body(36)}`],
  ["GitHub app", `ghs_${body(36)}`],
  ["GitHub fine-grained", `github_pat_${body(22)}_${body(59)}`],
  ["GitLab", `glpat-${body(20)}`],
  ["GitLab, routable", `glpat-${body(27)}.01.${body(9)}`],
  ["Atlassian", `ATATT3${body(180)}=${body(8)}`],
  ["Figma", `figd_${body(40)}`],
  ["npm", `npm_${body(36)}`],
  ["PyPI", `pypi-AgEIcHlwaS5vcmc${body(100)}`],
  ["RubyGems", `rubygems_${hex(48)}`],
  ["Docker", `dckr_pat_${body(27)}`],
  ["Slack bot", `xoxb-${body(12, "123456789")}-${body(12, "123456789")}-${body(24)}`],
  ["Slack user", `xoxp-${body(12, "123456789")}-${body(24)}`],
  ["Slack app", `xapp-1-${body(11, UPPER)}-${body(13, "123456789")}-${hex(64)}`],
  ["Notion", `ntn_${body(46)}`],
  ["Airtable", `pat${body(14)}.${hex(64)}`],
  ["HubSpot", `pat-na1-${uuid}`],
  ["Hugging Face", `hf_${body(34)}`],
  ["PlanetScale", `pscale_tkn_${body(43)}`],
  ["Grafana", `glsa_${body(32)}_${hex(8)}`],
  ["Vault", `hvs.${body(90)}`],
  ["Terraform", `${body(14)}.atlasv1.${body(67)}`],
  ["Pulumi", `pul-${hex(40)}`],
  ["Google OAuth", `ya29.${body(100)}`],
  ["Google refresh", `1//0${body(60)}`],
];

const CORPUS: Corpus = {
  api_key: [
    `api_key=«${body(32)}»`,
    `export OPENAI_API_KEY="«${body(40)}»"`,
    `{"apiKey": "«${uuid}»"}`,
    `aws_secret_access_key = «${body(20)}/${body(19)}»`,
    `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=«${body(86)}==»;EndpointSuffix=core.windows.net`,
    `Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=«${body(43)}=»`,
    `x-api-key: «${body(24)}»`,
    `https://example.com/?api_key=«${body(32)}»&x=1`,
    `client_secret: '«${body(30)}»',`,
    `{\\"apiKey\\": \\"«${body(32)}»\\"}`,
    "api_key=YOUR_API_KEY_GOES_HERE_1234",
    "api_key=$" + "{API_KEY_FROM_ENVIRONMENT_1}",
    "apiKey: process.env.OPENAI_API_KEY_2",
    "secret: my-service-credentials-production",
    "api_key=<insert-your-key-here-123456>",
    "primary_key: a1b2c3d4e5f6a7b8c9d0",
    "sort key = a1b2c3d4e5f6a7b8c9d0",
    `sk-${"x".repeat(48)}`,
    `task-${body(48)}`,
    `commit ${hex(40)}, sha256 ${hex(64)}`,
    `id ${uuid}`,
    "sk-learn-contrib-packages-are-great",
    "the api key is in the vault",
    `data:image/png;base64,${body(200)}`,
    `pk_live_${body(24)} is public`,
    "AKIA is a prefix",
  ],
  access_token: [
    `Authorization: Bearer «${body(40)}»`,
    `curl -H 'Authorization: token «${body(32)}»'`,
    `Bearer «${body(24)}».`,
    `token=«${body(127)}.${body(40)}».`,
    `use bearer «${body(24)}+${body(8)}/=» for it`,
    `{"access_token":"«${body(60)}»","token_type":"bearer"}`,
    `refreshToken=«${hex(40)}»`,
    `?sv=2022-11-02&sig=«${body(40)}%3D»&se=2026`,
    `nextPageToken: "${body(40)}"`,
    "max_tokens: 1234567890123456",
    `csrf_token=${body(32)}`,
    `ghp_${"x".repeat(36)}`,
    "bearer of good news from internationalisation-2024",
    "token: see the documentation",
    "START_TAG_TOKEN: startTagInHeadNoScript",
    "hf_transfer is a package; xoxb is not",
  ],
  password: [
    "password=«hunter2!x»",
    'password: "«correct-horse-7»"',
    '{"user":"bob","password":"«secretword»"}',
    "PGPASSWORD='«s3cr3t!»' psql",
    "postgres://app:«s3cr3t»@db.example.com/app",
    "mongodb+srv://u:«p4ss:w0rd»@cluster.example.net/?x=1",
    `Authorization: Basic «${"dXNlcjpodW50ZXIy"}»`,
    "Server=x;User Id=sa;Password=«P@ssw0rd»;",
    "smtp_pass = «abc123»",
    'password := "«hunter2!»"',
    "'password' => '«hunter2!»',",
    'if ("password"===e.type2) {}',
    "password: required",
    "Password: [redacted:password]",
    'password: "string"',
    "password=$" + "{DB_PASSWORD1}",
    "password=<your-password-1>",
    "password: ********",
    "postgres://app:$" + "{PASS}@db.example.com/app",
    "https://example.com:8080/@user",
    "pwd=/home/user1",
    "const password = readPassword(stdin1);",
    "console.log('password:', password1);",
    "to reset your password: https://example.com/reset2",
    "the password must have 8 characters",
    "Forgot password? Reset it.",
  ],
  private_key: [
    `a «-----BEGIN PRIVATE KEY-----\n${body(64)}\n${body(40)}==\n-----END PRIVATE KEY-----» b`,
    `"«-----BEGIN RSA PRIVATE KEY-----\\n${body(64)}\\n-----END RSA PRIVATE KEY-----»\\n"`,
    `«-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${hex(32)}\n\n${body(64)}\n-----END RSA PRIVATE KEY-----»`,
    `«-----BEGIN OPENSSH PRIVATE KEY-----\n${body(70)}\n-----END OPENSSH PRIVATE KEY-----»`,
    `«-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\n${body(64)}\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----»`,
    `cut off: «-----BEGIN EC PRIVATE KEY-----\n${body(64)}\n${body(30)}»`,
    `cut off: «-----BEGIN EC PRIVATE KEY-----\n${body(64)}\n» and on`,
    `one line: «-----BEGIN PRIVATE KEY----- ${body(64)} -----END PRIVATE KEY-----»`,
    `two: «-----BEGIN PRIVATE KEY-----\n${body(64)}\n»-----BEGIN PRIVATE KEY-----`,
    `«PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 1\n${body(60)}\nPrivate-Lines: 1\n${body(40)}\nPrivate-MAC: ${hex(64)}»`,
    `age: «AGE-SECRET-KEY-1${body(58, UPPER)}»`,
    "-----BEGIN PUBLIC KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nabcdefghijklmnopqrstuvwxyz\n-----END CERTIFICATE-----",
    "starts with -----BEGIN PRIVATE KEY----- and ends in another line",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
  ],
  jwt: [
    "«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»",
    "Bearer «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl».",
    "?token=«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl»&x=1",
    "unsigned «eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.»",
    "«eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a2V5.aXY.Y2lwaGVy.dGFn» is encrypted",
    "a.«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl» behind a dot",
    "«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl»~ZGlzY2xvc3VyZQ~",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0 has two parts",
    "eyJzdWIiOiIxMjM0NTY3ODkwIn0.eyJzdWIiOiIxIn0.c2lnbmF0dXJl has no algorithm",
    "eyJ is a start, www.example.com/eyJhbGciOiJIUzI1NiJ9 a path",
    "com.example.package.internationalisation.Service",
  ],
};

describe("api_key formats", () => {
  it.each(API_KEYS)("%s", (_, secret) => {
    expect(label(`key ${secret}, next`, "api_key")).toBe(`key «${secret}», next`);
    expect(label(`{"k":"${secret}"}`, "api_key")).toBe(`{"k":"«${secret}»"}`);
  });
});

describe("access_token formats", () => {
  it.each(ACCESS_TOKENS)("%s", (_, secret) => {
    expect(label(`token ${secret}, next`, "access_token")).toBe(`token «${secret}», next`);
    expect(label(`https://x:${secret}@example.com`, "access_token")).toBe(`https://x:«${secret}»@example.com`);
  });
});

it.each(rowsOf(CORPUS))("%s: %s", expectLabelled);
