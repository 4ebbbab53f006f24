import { closestName } from "@handlebar/protocol";

/** Names to choose from that are listed; more would not be read. */
const LISTED_COUNT_MAX = 10;

/** What to do about a name that nothing has: the one that was meant, or those that there are. */
export function nameFix(name: string, known: readonly string[], otherwise: string): string {
  const closest = closestName(name, known);
  if (closest !== undefined) return `did you mean \`${closest}\`?`;
  if (known.length === 0 || known.length > LISTED_COUNT_MAX) return otherwise;
  return `use one of ${known.map((one) => `\`${one}\``).join(", ")}, or ${otherwise}`;
}
