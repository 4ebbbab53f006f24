/** This SDK, as runs and requests name it. */
export const SDK = { name: "@handlebar/core", version: "0.1.0" } as const;
