/**
 * Version of the detectors: what they find in a given text. A change to any of them raises it, so that a recorded
 * decision can be told from one made with other detectors.
 */
export const DETECTORS_VERSION = 1;

/** Identity numbers issued by states, named `<country>_<number>`. */
const NATIONAL_IDS = [
  "us_ssn",
  "us_itin",
  "ca_sin",
  "mx_curp",
  "br_cpf",
  "uk_nino",
  "uk_nhs",
  "ie_pps",
  "de_tax_id",
  "fr_nir",
  "es_dni",
  "it_codice_fiscale",
  "nl_bsn",
  "be_national_number",
  "ch_ahv",
  "se_personnummer",
  "no_fodselsnummer",
  "fi_hetu",
  "pl_pesel",
  "in_aadhaar",
  "in_pan",
  "cn_resident_id",
  "kr_rrn",
  "jp_my_number",
  "sg_nric",
  "au_tfn",
  "za_id",
] as const;

const FINANCIAL = ["payment_card", "iban"] as const;
const CONTACT = ["email", "phone"] as const;
const NETWORK = ["ip_address", "url"] as const;
const SECRETS = ["private_key", "jwt", "api_key", "access_token", "password"] as const;

/**
 * Detectors of sensitive data.
 *
 * - `email`, `phone`: addresses and numbers of people. A phone number needs a country code, a usual national form or
 *   a word such as `phone` beside it.
 * - `payment_card`: known issuer, right length, Luhn. `iban`: length of its country, check digits.
 * - `ip_address`: IPv4 and IPv6. `url`: with a scheme, or starting with `www.`.
 * - `private_key`: PEM, OpenPGP, PuTTY and age blocks. `jwt`: signed and encrypted JSON web tokens.
 * - `api_key`, `access_token`: the formats of well-known providers, and values assigned to such a name
 *   (`api_key=`, `Authorization: Bearer`) that look random. `password`: assigned to such a name, or in a URL.
 * - national numbers: with their check digits where they have them. One that any number of that length could be needs
 *   its name beside it (`BSN: 111222333`).
 */
export const DETECTOR_IDS = [...CONTACT, ...FINANCIAL, ...NATIONAL_IDS, ...NETWORK, ...SECRETS] as const;

/** Names one detector. */
export type DetectorId = (typeof DETECTOR_IDS)[number];

/**
 * Detectors by what they protect; a detector may be in several groups.
 *
 * - `pii`: what identifies a person: contact, financial and national numbers, and addresses of their devices.
 * - `contact`: `email`, `phone`.
 * - `financial`: `payment_card`, `iban`.
 * - `national_id`: every number issued by a state.
 * - `network`: `ip_address`, `url`.
 * - `secrets`: what grants access.
 */
export const DETECTOR_GROUPS = {
  pii: [...CONTACT, ...FINANCIAL, ...NATIONAL_IDS, "ip_address"],
  contact: CONTACT,
  financial: FINANCIAL,
  national_id: NATIONAL_IDS,
  network: NETWORK,
  secrets: SECRETS,
} as const satisfies Readonly<Record<string, readonly DetectorId[]>>;

/** Names one group of detectors. */
export type DetectorGroup = keyof typeof DETECTOR_GROUPS;
