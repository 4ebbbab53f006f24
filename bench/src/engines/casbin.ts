import { newEnforcer, newModelFromString, StringAdapter } from "casbin";
import type { MakeEngine } from "../policy.ts";

const MODEL = `
[request_definition]
r = tool, family, tag, amount
[policy_definition]
p = select, selected, above, eft
[policy_effect]
e = !some(where (p.eft == deny))
[matchers]
m = selects(p.select, p.selected, r.tool, r.family, r.tag) && r.amount > num(p.above)
`;

export const make: MakeEngine = async (rules) => {
  const text = rules.map((rule) => `p, ${rule.select}, ${rule.selected}, ${rule.above}, deny`).join("\n");
  const enforcer = await newEnforcer(newModelFromString(MODEL), new StringAdapter(text));
  await enforcer.addFunction("num", (value: unknown) => Number(value));
  await enforcer.addFunction("selects", (...args: readonly unknown[]) => {
    const [select, selected, tool, family, tag] = args;
    return (select === "name" ? tool : select === "prefix" ? family : tag) === selected;
  });
  return ({ tool, family, tag, amount }) => enforcer.enforce(tool, family, tag, amount);
};
