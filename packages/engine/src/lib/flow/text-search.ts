import { isWordAt } from "./word.ts";

/** How much text may still be searched for one condition; past it the answer is unknown. */
export interface SearchBudget {
  left: number;
}

/** Whether normalised text holds a value as a stretch of whole words; `undefined` when the budget is spent. */
export function hasStretch(text: string, normal: string, budget: SearchBudget): boolean | undefined {
  const isExact = /[\d@._/]/.test(normal);
  budget.left -= text.length;
  if (budget.left < 0) return undefined;
  for (let at = text.indexOf(normal); at >= 0; at = text.indexOf(normal, at + 1)) {
    if (isWhole(text, { at, end: at + normal.length, isExact })) return true;
    budget.left -= normal.length;
    if (budget.left < 0) return undefined;
  }
  return false;
}

interface Stretch {
  readonly at: number;
  readonly end: number;
  readonly isExact: boolean;
}

function isWhole(text: string, { at, end, isExact }: Stretch): boolean {
  const goesOnBefore = isWordAt(text, at) && isContinued(text, at - 1, { step: -1, isExact });
  return !goesOnBefore && !(isWordAt(text, end - 1) && isContinued(text, end, { step: 1, isExact }));
}

/** Whether an identifier goes on beyond its edge: `bob@x.com` does in `bob@x.com.evil`, and not before a full stop. */
function isContinued(
  text: string,
  at: number,
  { step, isExact }: { readonly step: 1 | -1; readonly isExact: boolean },
): boolean {
  if (isWordAt(text, at)) return true;
  return isExact && /^[@._+\-/&#%~:,]$/.test(text.charAt(at)) && isWordAt(text, at + step);
}

/**
 * Whether normalised text holds an account number or the like, however it is grouped there; `undefined` when the budget
 * is spent.
 */
export function hasGrouped(text: string, compact: string, budget: SearchBudget): boolean | undefined {
  const first = compact.charAt(0);
  budget.left -= text.length;
  for (let start = text.indexOf(first); start >= 0; start = text.indexOf(first, start + 1)) {
    budget.left -= 1;
    if (budget.left < 0) return undefined;
    if (isWordAt(text, start - 1)) continue;
    const { end, count } = groupedFrom(text, compact, start);
    budget.left -= count;
    if (count === compact.length && !isWordAt(text, end)) return true;
  }
  return budget.left < 0 ? undefined : false;
}

/** How many characters of an identifier stand at a place. At most two separators stand between two of them. */
function groupedFrom(text: string, compact: string, start: number): { readonly end: number; readonly count: number } {
  let end = start;
  let count = 0;
  for (let at = start, gap = 0; count < compact.length && gap <= 2 && at < text.length; at += 1) {
    if (text.charAt(at) === compact.charAt(count)) {
      count += 1;
      gap = 0;
      end = at + 1;
    } else if (/^[\s\-()]$/.test(text.charAt(at))) gap += 1;
    else break;
  }
  return { end, count };
}
