import { expected, type MakeEngine, makeRequests, makeRules } from "./policy.ts";

// One engine in one process: wasm and JavaScript engines disturb each other's compiled code.
const [name = "", countText = ""] = process.argv.slice(2);
const count = Number(countText);
const rules = makeRules(count);
const requests = makeRequests(rules);
const { make } = (await import(`./engines/${name}.ts`)) as { make: MakeEngine };
const decide = await make(rules);
for (const request of requests) {
  const answer = await decide(request);
  if (answer !== expected(rules, request)) throw new Error(`${name} answers ${answer} to ${JSON.stringify(request)}`);
}

const SAMPLE_COUNT = 2_000;
const BUDGET_MS = 1_500;

/** Microseconds of one decision: each sample is the mean of a few, so that the timer does not show. */
async function measure(): Promise<readonly number[]> {
  const samples: number[] = [];
  const untilMs = performance.now() + BUDGET_MS;
  let perSample = 1;
  while (samples.length < SAMPLE_COUNT && performance.now() < untilMs) {
    const startedMs = performance.now();
    for (let index = 0; index < perSample; index++) {
      const answer = decide(requests[index % requests.length] ?? { tool: "", amount: 0 });
      if (answer instanceof Promise) await answer;
    }
    const tookMs = performance.now() - startedMs;
    samples.push((tookMs * 1000) / perSample);
    if (tookMs < 0.05) perSample = Math.min(perSample * 2, 4096);
  }
  return samples.slice(Math.floor(samples.length / 4)).sort((a, b) => a - b);
}

await measure();
const sorted = await measure();
const at = (share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
process.stdout.write(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
