/**
 * Whether the detectors take twice as long for a text twice as long, whatever it holds. Prints, for texts made to be bad
 * for them, the time of the longer one and the ratio of the two; about 2 is linear, about 4 quadratic.
 *
 * Run: npx tsx --conditions=@handlebar/source packages/engine/bench/detectors-linear.ts
 */
import { detect } from "../src/lib/detectors/detect.ts";

const LENGTH = 100_000;
const ROUNDS = 5;

const SEEDS: readonly string[] = [
  ..."a@1-_~.:=/([]{}\\'\"<%+\n \ud800\u00e9",
  ...["a@", "a.", "a@a.", "1 ", "12-", "+1", "+49 ", "(089) ", "::", "a:", "1:", "f::", "://", "a://", "https://a.b/("],
  ...[
    "www.",
    "www.a.",
    "awww.",
    "%40",
    "a%40a.co ",
    "a=",
    "token=",
    "token:",
    "password=",
    '"apiKey": "a1B',
    "bearer ",
  ],
  ...["-----", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----a1B2c3D4e5F6g7H8\n"],
  ...["PuTTY-User-Key-File-", "PuTTY-User-Key-File-Private-Lines:", "eyJ", "-eyJ", "eyJ.", "eyJhbGciOiJIUzI1NiJ9."],
  ...[
    "DE89 ",
    "DE89",
    "GB82WEST",
    "A1",
    "AB12 ",
    "sk-",
    "sk-a1",
    "ghp_",
    "xoxb-1-",
    "SG.a.",
    "sk-proj-",
    "a1B2c3D4e5F6g7H8/",
  ],
  ...["4111 1111 1111 1111 ", "4111111111111112 ", "1234567890 ", "phone 1234567 ", "ssn 123456789 ", "(555) "],
  ...["[redacted:", "[redacted:email]", "] 1", "10.0.0.", "1.2.3.4 ", "hooks.slack.com/services/", "bob@example.com "],
  ...['{"a":', "bearer a1B2c3D4e5F6g7H8 ", "RSSMRA85T10A562", "131052-", "811218+", "AB 12 34 56 "],
];

function bestMs(text: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    detect(text);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

const rows = SEEDS.map((seed) => {
  const [half = "", whole = ""] = [LENGTH / 2, LENGTH].map((length) =>
    seed.repeat(length / seed.length + 1).slice(0, length),
  );
  const [halfMs, wholeMs] = [bestMs(half), bestMs(whole)];
  return { seed: JSON.stringify(seed), wholeMs, ratio: wholeMs / halfMs };
});
rows.sort((a, b) => b.wholeMs - a.wholeMs);
for (const { seed, wholeMs, ratio } of rows) {
  process.stdout.write(`${wholeMs.toFixed(1).padStart(8)} ms  ratio ${ratio.toFixed(2)}  ${seed}\n`);
}
