/** Parts of a list, each of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

/** Rows of one statement, whose parameters are bounded. */
export const STATEMENT_ROW_COUNT_MAX = 500;

/** Tells rows of several workspaces apart. Ids hold no control characters. */
export function rowKey(workspaceId: string, id: string): string {
  return `${workspaceId}\u0000${id}`;
}

/** The order in which rows are locked, so that two processes never wait for each other's. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Rows deleted in one transaction, so that others are not held up. */
export const SLICE_ROW_COUNT = 1_000;

/** Deletes slice by slice until one is not full. @returns how many went. */
export async function inSlices(deleteSlice: () => Promise<number>): Promise<number> {
  for (let total = 0; ; ) {
    const count = await deleteSlice();
    total += count;
    if (count < SLICE_ROW_COUNT) return total;
  }
}
