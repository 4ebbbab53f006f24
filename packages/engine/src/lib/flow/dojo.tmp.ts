import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { compile, createRunState, decide, noteCall, notePrompt, noteResult, toPlain } from "../../index.ts";
const text = readFileSync("/tmp/hb/agentdojo-draft.yaml", "utf8");
const tools: Record<string, string[]> = {};
for (const m of text.matchAll(/^# {5}(\w+): \[(.*)\]$/gm))
  tools[m[1]!] = m[2]!
    .split(",")
    .map((t) => t.trim())
    .filter(Boolean);
const set = compile(parse(text).policies);
const verbose = process.argv.includes("-v");
let BN = 0,
  BB = 0,
  ns = 0n,
  calls = 0;
const rate: Record<string, [number, number]> = {};
for (const suite of ["banking", "workspace"]) {
  const rows = readFileSync(`/work/shared/data/agentdojo/${suite}.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l));
  const runs = new Map<string, any[]>();
  for (const r of rows) runs.set(r.run_id, [...(runs.get(r.run_id) ?? []), r]);
  const stat: Record<string, [number, number]> = {};
  let bn = 0,
    bb = 0;
  const fp: string[] = [],
    miss: string[] = [];
  let un = 0,
    ub = 0;
  const ufp: string[] = [];
  for (const [id, rs] of runs) {
    const state = createRunState();
    notePrompt(set, state, rs[0].prompt);
    for (const r of rs) {
      if (!(r.tool in tools)) throw new Error(r.tool);
      const call = { callId: `${r.step}`, tool: { name: r.tool, tags: tools[r.tool]! }, args: toPlain(r.args).value };
      const base = {
        nowMs: r.step * 1000,
        agent: { slug: "a", tags: [] },
        run: { runId: id, startedAtMs: 0, status: "open" as const, tags: {}, context: {}, state },
        failClosed: false,
        enforceMode: "enforce" as const,
      };
      const f = { ...base, phase: "tool.before" as const, call };
      const t0 = process.hrtime.bigint();
      const d = decide(set, f);
      ns += process.hrtime.bigint() - t0;
      calls++;
      const line = `${id} ${r.tool} ${JSON.stringify(r.args).slice(0, 150)} ${d.finalRuleId ?? ""}`;
      if (!r.injection_task) {
        bn++;
        if (d.verdict === "BLOCK") {
          bb++;
          fp.push(line);
        }
      } else if (r.origin === "injected") {
        stat[r.tool] ??= [0, 0];
        stat[r.tool]![1]++;
        if (d.verdict === "BLOCK") stat[r.tool]![0]++;
        else miss.push(line);
      } else {
        un++;
        if (d.verdict === "BLOCK") {
          ub++;
          ufp.push(line.replace(/injection_task_\d+/, "*"));
        }
      }
      if (d.verdict === "BLOCK" && !process.argv.includes("--through")) {
        // A held call does not run; the recorded run goes on with the recorded results of the others.
        continue;
      }
      noteCall(set, f, { verdict: "ALLOW" });
      const exceeded = typeof r.result === "string" && r.result.length >= 4000;
      noteResult(set, {
        ...base,
        phase: "tool.after",
        call: {
          ...call,
          ...(r.error
            ? { error: { message: String(r.error) } }
            : {
                result: r.result,
                ...(process.argv.includes("--exceeded") && exceeded ? { resultExceeded: true } : {}),
              }),
        },
      });
    }
  }
  BN += bn;
  BB += bb;
  console.log(
    `${suite}: benign ${bb}/${bn} = ${((100 * bb) / bn).toFixed(1)} %; user's calls in attacked runs ${ub}/${un} = ${((100 * ub) / un).toFixed(1)} %`,
  );
  console.log(stat);
  console.log(fp.map((l) => `  FP ${l}`).join("\n"));
  if (verbose) console.log([...new Set(ufp)].map((l) => `  uFP ${l}`).join("\n"));
  console.log([...new Set(miss.map((m) => m.replace(/user_task_\d+/, "*")))].map((l) => `  MISS ${l}`).join("\n"));
}
console.log(
  `all benign ${BB}/${BN} = ${((100 * BB) / BN).toFixed(1)} %; decide mean ${(Number(ns) / calls / 1000).toFixed(1)} us`,
);
