import { isLabelValue } from "@skerry/kube";
import { type FieldError, invalidValue } from "../field-error.ts";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_LIMIT = 63;
const SUBDOMAIN_LIMIT = 253;
const PORT_NAME_LIMIT = 15;

const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** The rules of a kind of names: in Kubernetes' words, what of them a text does not keep to. */
export type NameRule = (text: string) => readonly string[];

/** A DNS label, e.g. a container's name. */
export const labelRule: NameRule = (text) => [
  ...(text.length > LABEL_LIMIT ? [atMost(LABEL_LIMIT)] : []),
  ...(LABEL.test(text) ? [] : [LABEL_RULE]),
];

/** A DNS subdomain, e.g. the name of most objects. */
export const subdomainRule: NameRule = (text) => [
  ...(text.length > SUBDOMAIN_LIMIT ? [atMost(SUBDOMAIN_LIMIT)] : []),
  ...(SUBDOMAIN.test(text) ? [] : [SUBDOMAIN_RULE]),
];

/** A label's key, a taint's key, a resource: a name, perhaps with a domain and `/` before it. */
export const qualifiedNameRule: NameRule = (text) => {
  const parts = text.split("/");
  if (parts.length > 2)
    return [
      `a qualified name ${QUALIFIED_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const name = parts.at(-1) ?? "";
  const problems: string[] = [];
  const [prefix] = parts;
  if (parts.length === 2 && prefix === "") problems.push("prefix part must be non-empty");
  else if (parts.length === 2) problems.push(...subdomainRule(prefix ?? "").map((problem) => `prefix part ${problem}`));
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > LABEL_LIMIT) problems.push(`name part ${atMost(LABEL_LIMIT)}`);
  if (!QUALIFIED.test(name)) problems.push(`name part ${QUALIFIED_RULE}`);
  return problems;
};

/** A label's value. */
export const labelValueRule: NameRule = (text) => {
  if (isLabelValue(text)) return [];
  return text.length > LABEL_LIMIT ? [atMost(LABEL_LIMIT)] : [LABEL_VALUE_RULE];
};

/** A port's name, as IANA's registry of services writes it. */
export const portNameRule: NameRule = (text) => [
  ...(text.length > PORT_NAME_LIMIT ? [atMost(PORT_NAME_LIMIT)] : []),
  ...(/^[-a-z0-9]+$/.test(text) ? [] : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
  ...(/[a-z]/.test(text) ? [] : ["must contain at least one letter (a-z)"]),
  ...(text.includes("--") ? ["must not contain consecutive hyphens"] : []),
  ...(/^-|-$/.test(text) ? ["must not begin or end with a hyphen"] : []),
];

/** The name of a path's part, e.g. of a role. */
export const pathSegmentRule: NameRule = (text) => {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"].filter((sign) => text.includes(sign)).map((sign) => `may not contain '${sign}'`);
};

/** What of a rule the member at `path` does not keep to. */
export function nameErrors(rule: NameRule, path: string, text: string): FieldError[] {
  return rule(text).map((problem) => invalidValue(path, text, problem));
}

/** Labels, or what selects by them; the error names the map, not the key. */
export function labelErrors(labels: Readonly<Record<string, unknown>>, path: string): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...nameErrors(qualifiedNameRule, path, key),
    ...nameErrors(labelValueRule, path, String(value)),
  ]);
}

function atMost(characters: number): string {
  return `must be no more than ${characters} characters`;
}
