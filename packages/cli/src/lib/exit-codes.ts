/** Every exit code: all is well; something was found or failed; wrong use, or input that cannot be read. */
export const EXIT = { ok: 0, found: 1, usage: 2 } as const;
