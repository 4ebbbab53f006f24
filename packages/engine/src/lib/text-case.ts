/** How `ignoreCase` folds text: Unicode lower case, independent of any locale. */
export function foldCase(text: string): string {
  return text.toLowerCase();
}
