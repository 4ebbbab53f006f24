import { ASSIGNED_SECRET_REGEXES } from "./assigned-secrets.ts";
import { COLON } from "./characters.ts";
import type { Detector, Found, Search } from "./detector.ts";
import { providerSearch, secretAddressSearch } from "./provider-secrets.ts";
import type { Scan } from "./scan.ts";
import { ACCESS_TOKEN_FORMATS, API_KEY_FORMATS } from "./secret-formats.ts";
import { isPlaceholder, SECRET_NAME_REGEXES, type SecretKind } from "./secret-names.ts";

/** Takes the values of one kind that a name before them makes secrets. */
function assignedSearch(kind: SecretKind): Search {
  const find = (scan: Scan, found: Found): void => {
    for (const secret of scan.assignedSecrets) {
      if (secret.kind === kind) found(secret.start, secret.end);
    }
  };
  return { regexes: [...ASSIGNED_SECRET_REGEXES, ...SECRET_NAME_REGEXES], find };
}

const SCHEME_END = "://";
const USER_INFO_LENGTH_MAX = 512;
const USER_INFO_END = /[\s/?#"'<>`\\]/;

/** Finds the password in `scheme://user:password@host`. */
function findUserInfo({ text, census }: Scan, found: Found): void {
  if ((census.marks & COLON) === 0) return;
  for (let at = text.indexOf(SCHEME_END); at >= 0; at = text.indexOf(SCHEME_END, at + SCHEME_END.length)) {
    const start = at + SCHEME_END.length;
    const rest = text.slice(start, start + USER_INFO_LENGTH_MAX);
    const end = USER_INFO_END.exec(rest)?.index ?? rest.length;
    const authority = rest.slice(0, end);
    const host = authority.lastIndexOf("@");
    const colon = authority.indexOf(":");
    if (colon < 0 || host <= colon + 1 || isPlaceholder(authority.slice(colon + 1, host))) continue;
    found(start + colon + 1, start + host);
  }
}

export const API_KEY: Detector = {
  id: "api_key",
  searches: [
    providerSearch(API_KEY_FORMATS),
    secretAddressSearch("hooks.slack.com/services/", /T[A-Z0-9]{6,14}\/B[A-Z0-9]{6,14}\/[A-Za-z0-9]{16,48}/y),
    secretAddressSearch("discord.com/api/webhooks/", /\d{16,22}\/[A-Za-z0-9_-]{40,128}/y),
    secretAddressSearch("api.telegram.org/bot", /\d{6,12}(?::|%3A)[A-Za-z0-9_-]{30,64}/y),
    assignedSearch("api_key"),
  ],
};

export const ACCESS_TOKEN: Detector = {
  id: "access_token",
  searches: [providerSearch(ACCESS_TOKEN_FORMATS), assignedSearch("access_token")],
};

export const PASSWORD: Detector = {
  id: "password",
  searches: [{ regexes: [USER_INFO_END], find: findUserInfo }, assignedSearch("password")],
};
