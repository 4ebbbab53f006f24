import type { z } from "zod";

/** One thing wrong with a value: where, what, and what to do. */
export interface Issue {
  /** Dot path from the value's root, such as `rules[0].effect.type`; empty for the value itself. */
  readonly path: string;
  readonly keys: readonly PropertyKey[];
  readonly message: string;
}

/** Zod's issues in Handlebar's form: one line each, naming the field and what is allowed there. */
export function toIssues(error: z.ZodError): readonly Issue[] {
  return error.issues.flatMap((issue) => expandIssue(issue, []));
}

/** `["rules", 0, "effect"]` as `rules[0].effect`. */
export function formatPath(keys: readonly PropertyKey[]): string {
  let text = "";
  for (const key of keys) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(String(key))) text += text === "" ? String(key) : `.${String(key)}`;
    else text += `[${JSON.stringify(String(key))}]`;
  }
  return text;
}

type RawIssue = z.core.$ZodIssue;

function expandIssue(issue: RawIssue, prefix: readonly PropertyKey[]): readonly Issue[] {
  const keys = [...prefix, ...issue.path];
  const at = (message: string, extra: readonly PropertyKey[] = []): Issue => {
    const full = [...keys, ...extra];
    return { path: formatPath(full), keys: full, message };
  };
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => at("unknown field; remove it or correct its spelling", [key]));
    case "invalid_union": {
      const best = closestBranch(issue.errors);
      if (best !== undefined) return best.flatMap((inner) => expandIssue(inner, keys));
      return [at(unionMessage(issue))];
    }
    case "invalid_value":
      return [at(`use one of ${issue.values.map((value) => `\`${String(value)}\``).join(", ")}`)];
    case "invalid_type":
      return [at(/received undefined$/.test(issue.message) ? `is required (${issue.expected})` : `must be ${article(issue.expected)}`)];
    default:
      return [at(issue.message.charAt(0).toLowerCase() + issue.message.slice(1))];
  }
}

/** The branch of a plain union that came furthest: errors deepest in, then fewest. */
function closestBranch(branches: readonly (readonly RawIssue[])[]): readonly RawIssue[] | undefined {
  const scored = branches
    .filter((issues) => issues.length > 0)
    .map((issues) => ({ issues, depth: Math.max(...issues.map((i) => i.path.length)), count: issues.length }));
  scored.sort((a, b) => b.depth - a.depth || a.count - b.count);
  return scored[0]?.issues;
}

function unionMessage(issue: Extract<RawIssue, { code: "invalid_union" }>): string {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  const key = "discriminator" in issue && typeof issue.discriminator === "string" ? issue.discriminator : undefined;
  if (options.length > 0) {
    return `${key === undefined ? "value" : `\`${key}\``} must be one of ${options.map((o) => `\`${String(o)}\``).join(", ")}`;
  }
  return key === undefined ? issue.message : `\`${key}\` is missing or not one that exists here`;
}

function article(expected: string): string {
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}
