import { fromBase64, type JsonObject } from "@skerry/base";
import { numberAt, textAt } from "../api-object.ts";
import { duplicate, type FieldError, invalidValue, notSupported, required } from "../field-error.ts";
import { nameErrors, subdomainRule } from "./name-rules.ts";

/** What certificates may be for, as `certificates.k8s.io/v1` writes it. */
const USAGES: readonly string[] = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
/** Other text may stand before it, as `openssl req -text` writes it. */
const PEM = /-----BEGIN (CERTIFICATE REQUEST)-----[\s\S]+-----END \1-----/;
/** The shortest life that can be asked for, in seconds. */
const LEAST_SECONDS = 600;

/** Rules of a new CertificateSigningRequest's spec. */
export function validateSigningRequest(spec: JsonObject, path: string): FieldError[] {
  const request = textAt(spec, "request");
  const usages = Array.isArray(spec["usages"]) ? spec["usages"].map(String) : [];
  const seconds = numberAt(spec, "expirationSeconds");
  const isRequest = PEM.test(new TextDecoder().decode(fromBase64(request)));
  return [
    ...(request === "" || isRequest
      ? []
      : [invalidValue(`${path}.request`, request, "PEM block type must be CERTIFICATE REQUEST")]),
    ...(usages.length === 0 ? [required(`${path}.usages`)] : []),
    ...usages.flatMap((usage, index) => {
      const at = `${path}.usages[${index}]`;
      if (!USAGES.includes(usage)) return [notSupported(at, usage, USAGES)];
      return usages.indexOf(usage) < index ? [duplicate(at, usage)] : [];
    }),
    ...signerErrors(`${path}.signerName`, textAt(spec, "signerName")),
    ...(seconds !== undefined && seconds < LEAST_SECONDS
      ? [
          invalidValue(
            `${path}.expirationSeconds`,
            seconds,
            `may not specify a duration less than ${LEAST_SECONDS} seconds (10 minutes)`,
          ),
        ]
      : []),
  ];
}

function signerErrors(path: string, name: string): FieldError[] {
  if (name === "") return []; // Told by the type table.
  const [, domain, rest] = /^([^/]+)\/(.+)$/.exec(name) ?? [];
  if (domain === undefined || rest === undefined)
    return [
      invalidValue(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
    ];
  if (!domain.includes("."))
    return [invalidValue(path, domain, "should be a domain with at least two segments separated by dots")];
  return nameErrors(subdomainRule, path, domain);
}
