/** Shows an error where a framework would have shown it, had the adapter not taken the place of its handler. */
export function logError(error: unknown): void {
  console.error(error);
}
