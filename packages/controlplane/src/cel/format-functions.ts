import { type Environment, Optional } from "@marcbachmann/cel-js";
import { fromBase64, toBase64 } from "@skerry/base";

const TYPE = "kubernetes.NamedFormat";
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const UUID = /^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/;

const isQualifiedName = (text: string): boolean => {
  const [prefix, name] = text.includes("/") ? splitAt(text, text.indexOf("/")) : [undefined, text];
  return name.length <= 63 && NAME_PART.test(name) && (prefix === undefined || isSubdomain(prefix));
};
const isSubdomain = (text: string): boolean => text.length <= 253 && SUBDOMAIN.test(text);
/** A name with a `-` at its end may be a prefix of generated names. */
const asPrefix =
  (isFormat: (text: string) => boolean) =>
  (text: string): boolean =>
    isFormat(text.replace(/-$/, "a"));

/** Kubernetes' named formats (`format.NAME()`), each with what tells whether a text has it. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  dns1123Label: (text) => text.length <= 63 && LABEL.test(text),
  dns1123Subdomain: isSubdomain,
  dns1035Label: (text) => text.length <= 63 && LABEL_1035.test(text),
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: asPrefix((text) => text.length <= 63 && LABEL.test(text)),
  dns1123SubdomainPrefix: asPrefix(isSubdomain),
  dns1035LabelPrefix: asPrefix((text) => text.length <= 63 && LABEL_1035.test(text)),
  labelValue: (text) => text === "" || (text.length <= 63 && NAME_PART.test(text)),
  uri: (text) => /^(\/|[a-zA-Z][a-zA-Z0-9+.-]*:)/.test(text) && URL.canParse(text, "nowhere://none"),
  uuid: (text) => UUID.test(text),
  byte: (text) => toBase64(fromBase64(text)) === text,
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  datetime: (text) => /^\d{4}-\d{2}-\d{2}[Tt ]/.test(text) && !Number.isNaN(Date.parse(text)),
};

class NamedFormat {
  readonly name: string;
  readonly isFormat: (text: string) => boolean;

  constructor(name: string, isFormat: (text: string) => boolean) {
    this.name = name;
    this.isFormat = isFormat;
  }
}

class FormatFunctions {}

/** `format.NAME()`, `format.named(NAME)` and `validate`, which is none for a good text and else says what is wrong. */
export function registerFormatFunctions(environment: Environment): void {
  environment
    .registerType(TYPE, NamedFormat)
    .registerType("FormatFunctions", FormatFunctions)
    .registerConstant("format", "FormatFunctions", new FormatFunctions())
    .registerFunction(`FormatFunctions.named(string): optional<${TYPE}>`, (_self: unknown, name: string) => {
      const isFormat = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
      return isFormat ? Optional.of(new NamedFormat(name, isFormat)) : Optional.none();
    })
    .registerFunction(
      `${TYPE}.validate(string): optional<list<string>>`,
      ({ name, isFormat }: NamedFormat, text: string) =>
        isFormat(text) ? Optional.none() : Optional.of([`must be a valid ${name}`]),
    );
  for (const [name, isFormat] of Object.entries(FORMATS))
    environment.registerFunction(`FormatFunctions.${name}(): ${TYPE}`, () => new NamedFormat(name, isFormat));
}

function splitAt(text: string, index: number): [string, string] {
  return [text.slice(0, index), text.slice(index + 1)];
}
