import type { Detector } from "./detector.ts";
import { ZA_ID } from "./national-ids-africa.ts";
import { BR_CPF, CA_SIN, MX_CURP, US_ITIN, US_SSN } from "./national-ids-americas.ts";
import {
  AU_TFN,
  CN_RESIDENT_ID,
  IN_AADHAAR,
  IN_PAN,
  JP_MY_NUMBER,
  KR_RRN,
  SG_NRIC,
} from "./national-ids-asia-pacific.ts";
import { FI_HETU, IT_CODICE_FISCALE, NO_FODSELSNUMMER, PL_PESEL, SE_PERSONNUMMER } from "./national-ids-europe-rest.ts";
import {
  BE_NATIONAL_NUMBER,
  CH_AHV,
  DE_TAX_ID,
  ES_DNI,
  FR_NIR,
  IE_PPS,
  NL_BSN,
  UK_NHS,
  UK_NINO,
} from "./national-ids-europe-west.ts";

/** The detectors of the group `national_id`. */
export const NATIONAL_IDS: readonly Detector[] = [
  US_SSN,
  US_ITIN,
  CA_SIN,
  MX_CURP,
  BR_CPF,
  UK_NINO,
  UK_NHS,
  IE_PPS,
  DE_TAX_ID,
  FR_NIR,
  ES_DNI,
  IT_CODICE_FISCALE,
  NL_BSN,
  BE_NATIONAL_NUMBER,
  CH_AHV,
  SE_PERSONNUMMER,
  NO_FODSELSNUMMER,
  FI_HETU,
  PL_PESEL,
  IN_AADHAAR,
  IN_PAN,
  CN_RESIDENT_ID,
  KR_RRN,
  JP_MY_NUMBER,
  SG_NRIC,
  AU_TFN,
  ZA_ID,
];
