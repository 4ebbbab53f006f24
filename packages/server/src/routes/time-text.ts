/** An instant as answers write it. */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** The instant of a text that has the form of `timestampSchema`, epoch milliseconds. */
export function timeMsOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
