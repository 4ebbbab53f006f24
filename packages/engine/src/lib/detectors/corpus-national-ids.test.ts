import type { DetectorId } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { detect } from "./detect.ts";
import { maskText } from "./mask.ts";

/** Texts in which what a detector has to find, and nothing else, stands between « and ». All invented or documented. */
const CORPUS: Partial<Record<DetectorId, readonly string[]>> = {
  us_ssn: [
    "«123-45-6789»",
    "SSN: «123456789», again «123-45-6789»",
    "social security number «123 45 6789»",
    "«123–45–6789» with dashes",
    "on 2024-01-05 «123-45-6789»",
    "«536221234» (SSN)",
    "000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000",
    "order 123456789, 123 45 6789",
    "SSN on file; order 4821 123456789",
    "1123-45-67890",
  ],
  us_itin: ["«900-70-0000»", "ITIN «912941234»", "ITIN 912 93 1234", "900-10-0000", "912941234"],
  ca_sin: ["«046-454-286»", "SIN «046 454 286», sin=«046454286»", "046 454 286", "046-454-287", "amount 123 456 789"],
  mx_curp: ["CURP «HEGG560427MVZRRL04»", "«hegg560427mvzrrl04»", "HEGG560427MVZRRL05", "HEGG569927MVZRRL04"],
  br_cpf: ["«529.982.247-25»", "CPF «52998224725»", "529.982.247-26", "52998224725", "111.111.111-11"],
  uk_nino: [
    "«AB 12 34 56 C», «AB123456C», «AB-12-34-56-C»",
    "national insurance number: «ab123456c»",
    "QQ123456C is never issued, nor BG123456A",
    "AB123456E, AB1234567C",
    "ab123456c",
  ],
  uk_nhs: ["NHS number «943 476 5919»", "nhsNumber=«9434765919»", "943 476 5919", "NHS 943 476 5918"],
  ie_pps: ["«1234567T»", "PPSN «1234567FA»", "1234567U", "12345678T"],
  de_tax_id: [
    "Steuer-ID «86095742719»",
    "IdNr. «47 036 892 816»",
    "taxId: «65929970489»",
    "86095742719",
    "Steuer-ID 86095742718",
    "Steuer-ID 12345678901",
  ],
  fr_nir: [
    "«1 85 05 78 006 084 91»",
    "«185057800608491»",
    "«2 69 05 49 588 157 80»",
    "«1 85 05 2A 006 084 35», «185052b00608462»",
    "1 85 05 78 006 084 92",
    "185137800608436",
  ],
  es_dni: [
    "DNI «12345678Z», «12345678-z», «12.345.678-Z»",
    "NIE «X1234567L», «Y-1234567-X»",
    "DNI «12345678 Z»",
    "12345678A and X1234567A",
    "12345678 Z",
    "112345678Z",
  ],
  it_codice_fiscale: ["«RSSMRA85T10A562S»", "cf: «rssmra85t10a562s»", "RSSMRA85T10A562T", "INTERNATIONALIZE"],
  nl_bsn: ["BSN: «111222333»", "burgerservicenummer «1112.22.333»", "111222333", "BSN 111222334", "BSN 111111111"],
  be_national_number: [
    "«85.07.30-033.28»",
    "rijksregisternummer «85073003328»",
    "registre national «17 07 30 033 84»",
    "85.07.30-033.29",
    "85073003328",
  ],
  ch_ahv: ["«756.9217.0769.85»", "AHV-Nummer «7569217076985»", "756.9217.0769.84", "7569217076985"],
  se_personnummer: [
    "«811218-9876», «19811218-9876»",
    "personnummer «8112189876»",
    "«121212+1212» is over a hundred",
    "samordningsnummer «811278-9873»",
    "811218-9877",
    "8112189876",
    "813218-9876",
  ],
  no_fodselsnummer: ["«01010750160»", "«010107 50160»", "01010750161", "99010750160"],
  fi_hetu: ["«131052-308T», «131052A308T»", "hetu «131052+308t»", "131052-308U", "131352-308T"],
  pl_pesel: ["PESEL «44051401359»", "pesel=«02070803628»", "44051401359", "PESEL 44051401358"],
  in_aadhaar: [
    "«2341 2341 2346»",
    "Aadhaar «234123412346»",
    "«2341-2341-2346».",
    "234123412346",
    "2341 2341 2347",
    "4111 1111 1111 1111",
    "1111 2341 2341 2346",
  ],
  in_pan: ["«ABCPE1234F»", "PAN: «abcpe1234f»", "ABCDE1234F has no such holder", "abcpe1234f", "ABCPE12345"],
  cn_resident_id: [
    "«11010519491231002X»",
    "«11010519491231002x»",
    "«440308199901101512»",
    "110105194912310021",
    "110105194913310021",
  ],
  kr_rrn: [
    "«900101-1234567»",
    "resident registration «9001011234567»",
    "901301-1234567",
    "9001011234567",
    "900101-9234567",
  ],
  jp_my_number: [
    "My Number: «1234 5678 9018»",
    "マイナンバー «123456789018»",
    "123456789018",
    "My Number 123456789019",
  ],
  sg_nric: ["«S1234567D», «T1234567J»", "nric «f1234567n»", "«G1234567X» and «M1234567K»", "S1234567E", "S12345678D"],
  au_tfn: ["TFN «123 456 782»", "taxFileNumber: «123456782»", "123 456 782", "TFN 123 456 783"],
  za_id: ["ID number «8001015009087»", "RSA ID «800101 5009 087»", "8001015009087", "ID number 8001015009088"],
};

const label = (text: string, id: DetectorId): string =>
  maskText(text, detect(text, [id]).findings, (_, found) => `«${found}»`);

for (const [id, texts] of Object.entries(CORPUS) as [DetectorId, readonly string[]][]) {
  describe(id, () => {
    it.each(texts)("%s", (labelled) => {
      expect(label(labelled.replaceAll(/[«»]/g, ""), id)).toBe(labelled);
    });
  });
}
