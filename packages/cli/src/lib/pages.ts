/** A list of a control plane, page by page, as far as `pageCountMax`. */
export async function* pagesOf<T extends { readonly nextCursor?: string | undefined }>(
  ask: (cursor: string | undefined) => Promise<T>,
  pageCountMax: number,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  for (let count = 0; count < pageCountMax; count++) {
    const page = await ask(cursor);
    yield page;
    cursor = page.nextCursor;
    if (cursor === undefined) return;
  }
}
