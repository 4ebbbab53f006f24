import { TextIndex } from "./text-index.ts";
import { FlowState } from "./flow-state.ts";
import { soughtOf, type Sought } from "./sought.ts";
import { compile, createRunState, decide, noteCall, notePrompt, noteResult } from "../../index.ts";
const words =
  "Please send the report to john.mitchell@gmail.com before 2024-05-20, it costs $1,200.50 (see https://example.com/a/b?q=1). Thanks, the team".split(
    " ",
  );
let seed = 7;
const rnd = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const prose = (n: number) => {
  let s = "";
  while (s.length < n)
    s += (rnd() < 0.1 ? Math.floor(rnd() * 1e6).toString(36) : words[Math.floor(rnd() * words.length)]!) + " ";
  return s.slice(0, n);
};
const now = () => Number(process.hrtime.bigint()) / 1e6;
const s = soughtOf("not there@x.com at all") as Sought;
for (const [name, text] of [
  ["prose", prose(100_000)],
  ["slashes", "a/".repeat(50_000)],
  ["punct", "!".repeat(99_999) + "a"],
  ["ligature", "\ufdfa ".repeat(50_000)],
  ["distinct", Array.from({ length: 15000 }, (_, i) => i.toString(36)).join(" ")],
  ["commas", "1,".repeat(50_000)],
  ["ws", " ".repeat(100000)],
  ["dashes", "1 - ".repeat(25_000)],
] as const) {
  const ts: number[] = [];
  for (let i = 0; i < 5; i++) {
    const x = new TextIndex("last");
    const t = now();
    x.addText(text);
    x.has(s, { left: 1e9 });
    ts.push(now() - t);
  }
  console.log(name, text.length, "index 100KB ms", Math.min(...ts).toFixed(2), "max", Math.max(...ts).toFixed(2));
}
// structured record of 100 KB
const policy = {
  name: "p",
  flow: { sources: [{ fields: ["freeText"], trust: "untrusted" as const }, { trust: "trusted" as const }] },
  rules: [
    {
      name: "r",
      on: "tool.before" as const,
      tool: { name: "pay" },
      when: { kind: "argFrom" as const, paths: ["**"], origins: ["untrusted" as const, "unseen" as const] },
      effect: { type: "block" as const },
    },
  ],
};
const set = compile([policy]);
const rows = Array.from({ length: 500 }, (_, i) => ({
  id: i,
  iban: `DE${10_000_000 + i}`,
  amount: i / 7,
  subject: prose(100),
  date: "2024-05-01",
}));
console.log("record JSON", JSON.stringify(rows).length);
for (const result of [rows, JSON.stringify(rows)])
  for (let i = 0; i < 4; i++) {
    const state = createRunState();
    const facts = (phase: "tool.before" | "tool.after", name: string, args: any, res?: any) => ({
      phase,
      nowMs: 0,
      agent: { slug: "a", tags: [] },
      run: { runId: "r", startedAtMs: 0, status: "open" as const, tags: {}, context: {}, state },
      failClosed: false,
      enforceMode: "enforce" as const,
      call: { callId: "c", tool: { name, tags: [] }, args, result: res },
    });
    notePrompt(set, state, "pay 5 to DE1");
    let t = now();
    noteCall(set, facts("tool.before", "list", {}), { verdict: "ALLOW" });
    noteResult(set, facts("tool.after", "list", {}, result));
    const note = now() - t;
    t = now();
    decide(set, facts("tool.before", "pay", { to: "DE10000100" }));
    const d1 = now() - t;
    t = now();
    for (let k = 0; k < 1000; k++) decide(set, facts("tool.before", "pay", { to: "DE10000100" }));
    const d2 = now() - t;
    t = now();
    for (let k = 0; k < 1000; k++) decide(set, facts("tool.before", "pay", { to: "DE99990100" }));
    const d3 = now() - t;
    console.log(
      "note ms",
      note.toFixed(2),
      "first decide",
      d1.toFixed(2),
      "found us",
      d2.toFixed(2),
      "unseen us",
      d3.toFixed(2),
    );
  }
// worst args: 10,000 leaves; long repetitive
const evil = new FlowState();
evil.seen.prompt.addText("ab ".repeat(43_000));
evil.seen.trusted.addText("ab ".repeat(43_000));
const state = { ...createRunState(), flow: evil };
for (const [name, args] of [
  ["1000 multi", Array.from({ length: 9_000 }, (_, i) => `b ${"ab ".repeat(8)}a`)],
  ["long", "b " + "ab ".repeat(1300) + "a"],
  ["digits", Array.from({ length: 9000 }, (_, i) => `1111 2222 ${i}999`)],
] as const) {
  const set2 = compile([
    { ...policy, rules: [{ ...policy.rules[0]!, when: { kind: "argFrom", paths: ["**"], origins: ["trusted"] } }] },
  ]);
  const t = now();
  const d = decide(set2, {
    phase: "tool.before",
    nowMs: 0,
    agent: { slug: "a", tags: [] },
    run: { runId: "r", startedAtMs: 0, status: "open", tags: {}, context: {}, state },
    failClosed: false,
    enforceMode: "enforce",
    call: { callId: "c", tool: { name: "pay", tags: [] }, args: { x: args } as any },
  });
  console.log(name, (now() - t).toFixed(1), "ms", d.evaluatedRules[0]?.outcome);
}
