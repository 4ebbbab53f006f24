import { SCOPES, type Scope } from "@handlebar/protocol";

/** What an SDK's key needs, and no more. */
export const AGENT_SCOPES: readonly Scope[] = ["agents:write", "check", "events:write"];

/** Who asks: the key of a request, once it was checked. */
export interface Principal {
  readonly workspaceId: string;
  readonly keyId: string;
  /** What the key is called. */
  readonly keyName?: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  /** Whose key it is, where it is one person's. */
  readonly person?: string | undefined;
}

/** The scopes among `texts`; what a later version wrote gives nothing here. */
export function readScopes(texts: readonly string[]): Scope[] {
  return SCOPES.filter((scope) => texts.includes(scope));
}

/** Whether a key may do what needs `scope`. */
export function holds({ scopes }: Pick<Principal, "scopes">, scope: Scope): boolean {
  return scopes.has("admin") || scopes.has(scope);
}
