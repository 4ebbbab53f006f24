import { parse } from "@marcbachmann/cel-js";
import type { DenyRule, MakeEngine } from "../policy.ts";

export const make: MakeEngine = (rules) => {
  const compiled = rules.map((rule) => parse(`${conditionOf(rule)} && amount > ${rule.above}.0`));
  return (request) => {
    for (const denies of compiled) if (denies({ ...request }) === true) return false;
    return true;
  };
};

function conditionOf({ select, selected }: DenyRule): string {
  if (select === "tag") return `tag == "${selected}"`;
  return select === "name" ? `tool == "${selected}"` : `tool.startsWith("${selected}.")`;
}
