/**
 * How well-known providers write their keys and tokens: a prefix that gives them away and a body of known length.
 * Sources of regular expressions; none may start inside a word, and all are made of the characters of a run (see the
 * census) or end in what follows one.
 */

/** Upper bound where providers state none. */
const OPEN = 512;

const HEX = "[0-9a-f]";
const ALNUM = "[A-Za-z0-9]";
const WORD = "[A-Za-z0-9_-]";
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;

/** Keys that identify a program to a service and last until revoked. */
export const API_KEY_FORMATS: readonly string[] = [
  // Clouds
  `A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}`,
  `AIza${WORD}{35}`,
  `GOCSPX-${WORD}{28}`,
  `[A-Za-z0-9_~.]{3}\\dQ~[A-Za-z0-9_~.-]{31,34}`,
  `do[opr]_v1_${HEX}{64}`,
  `HRKU-(?:${UUID}|AA${WORD}{58})`,
  `LTAI${ALNUM}{12,24}`,
  `AKID${ALNUM}{32}`,
  // Models
  `sk-ant-(?:api|admin|sid)\\d{2}-${WORD}{40,${OPEN}}`,
  `sk-(?:proj|svcacct|admin|None|or-v1|lf)-${WORD}{20,${OPEN}}`,
  `sk-${ALNUM}{20,64}`,
  `gsk_${ALNUM}{40,64}`,
  `xai-${ALNUM}{60,96}`,
  `pplx-${ALNUM}{40,64}`,
  `r8_${ALNUM}{37}`,
  `lsv2_(?:pt|sk)_${HEX}{32}_${HEX}{10}`,
  `tvly-${WORD}{20,64}`,
  `pcsk_${WORD}{40,96}`,
  `fc-${HEX}{32}`,
  `jina_${HEX}{32}${WORD}{20,48}`,
  // Payment and commerce
  `(?:sk|rk)_(?:live|test|prod)_${ALNUM}{16,${OPEN}}`,
  `whsec_[A-Za-z0-9+/]{32,${OPEN}}`,
  `shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`,
  `sq0(?:atp|csp|idp)-${WORD}{22,43}`,
  // Mail and messages
  `SG\\.${WORD}{16,32}\\.${WORD}{16,64}`,
  `SK${HEX}{32}`,
  `key-${HEX}{32}`,
  `${HEX}{32}-us\\d{1,2}`,
  `xkeysib-${HEX}{64}-${ALNUM}{16}`,
  `re_${ALNUM}{8}_${ALNUM}{24}`,
  // Observability and data
  `glc_[A-Za-z0-9+/]{32,${OPEN}}`,
  `NR(?:AK|RA|JS)-[A-Za-z0-9]{19,42}`,
  `sntry[su]_[A-Za-z0-9+/_=-]{40,${OPEN}}`,
  `phx_${ALNUM}{40,64}`,
  `dapi${HEX}{32}`,
  `PMAK-${HEX}{24}-${HEX}{34}`,
  `sb_secret_${WORD}{20,64}`,
  `lin_api_${ALNUM}{32,64}`,
];

/** Tokens that stand for a person or an installation. */
export const ACCESS_TOKEN_FORMATS: readonly string[] = [
  // Code hosting
  `gh[pousr]_[A-Za-z0-9_]{36,${OPEN}}`,
  `github_pat_[A-Za-z0-9_]{60,${OPEN}}`,
  `gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_.-]{20,${OPEN}}`,
  `ATATT3[A-Za-z0-9_=-]{100,${OPEN}}`,
  `ATCTT3[A-Za-z0-9_=-]{100,${OPEN}}`,
  `figd_${WORD}{40,64}`,
  `lin_oauth_${ALNUM}{32,96}`,
  // Package registries
  `npm_${ALNUM}{36}`,
  `pypi-AgE${WORD}{50,${OPEN}}`,
  `rubygems_${HEX}{48}`,
  `dckr_(?:pat|oat)_${WORD}{27,64}`,
  `cio${ALNUM}{32}`,
  // Chat and work
  `xox[abeoprs](?:\\.xox[bp])?-[A-Za-z0-9-]{10,${OPEN}}`,
  `xapp-\\d-[A-Za-z0-9-]{20,${OPEN}}`,
  `(?:secret_${ALNUM}{43}|ntn_${ALNUM}{40,64})`,
  `pat${ALNUM}{14}\\.${HEX}{64}`,
  `pat-[a-z]{2}\\d-${UUID}`,
  // Models and data
  `hf_${ALNUM}{30,64}`,
  `api_org_${ALNUM}{30,64}`,
  `sk-ant-oat\\d{2}-${WORD}{40,${OPEN}}`,
  `sbp_${HEX}{40}`,
  `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}`,
  `glsa_${ALNUM}{32}_${HEX}{8}`,
  // Infrastructure
  `hv[sbr]\\.${WORD}{24,${OPEN}}`,
  `${ALNUM}{14}\\.atlasv1\\.${WORD}{60,70}`,
  `pul-${HEX}{40}`,
  `dp\\.(?:pt|st|sa|ct|scim|audit)\\.[A-Za-z0-9._-]{40,96}`,
  `nfp_${ALNUM}{36}`,
  `ops_eyJ${WORD}{100,${OPEN}}`,
  // OAuth
  `ya29\\.${WORD}{20,${OPEN}}`,
  `1//0${WORD}{40,${OPEN}}`,
  `EAA[A-Za-z0-9]{80,${OPEN}}`,
  `sl\\.(?:u\\.)?${WORD}{100,${OPEN}}`,
  `A{20}[A-Za-z0-9%]{60,${OPEN}}`,
];

/** Private keys that are one line of text. */
export const PRIVATE_KEY_FORMATS: readonly string[] = [`AGE-SECRET-KEY-1[A-Z0-9]{58}`];
