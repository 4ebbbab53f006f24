/** Characters of an identifier. */
const ID_LENGTH_MAX = 256;

/**
 * A stable identifier from a name for people: Unicode letters and digits in lower case, everything else as single dashes
 * (`Large refunds, EU` gives `large-refunds-eu`). A name without letters or digits gives its code points in hexadecimal.
 */
export function kebabOf(name: string): string {
  const folded = name.normalize("NFC").toLowerCase();
  const kebab = folded.replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  if (kebab !== "") return shorten(kebab);
  return shorten(Array.from(folded, (character) => `x${(character.codePointAt(0) ?? 0).toString(16)}`).join("-"));
}

/** A policy's id: its own, else one derived from its name. */
export function policyIdOf(policy: { readonly id?: string | undefined; readonly name: string }): string {
  return policy.id ?? kebabOf(policy.name);
}

/** A rule's id: its own, else its policy's and one derived from its name. */
export function ruleIdOf(rule: { readonly id?: string | undefined; readonly name: string }, policyId: string): string {
  return rule.id ?? shorten(`${policyId}/${kebabOf(rule.name)}`);
}

/** The id under which a policy's `default` is reported. */
export function defaultRuleIdOf(policyId: string): string {
  return shorten(`${policyId}#default`);
}

/** Ids that are too long keep their beginning, and a digest of the whole keeps them apart. */
function shorten(id: string): string {
  if (id.length <= ID_LENGTH_MAX) return id;
  const digest = digestOf(id);
  const kept = id.slice(0, ID_LENGTH_MAX - digest.length - 1).replace(/[\ud800-\udbff]$/, "");
  return `${kept}-${digest}`;
}

/** FNV-1a over UTF-16 code units, 32 bits: tells names apart, protects nothing. */
function digestOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
