import { type Environment, EvaluationError } from "@marcbachmann/cel-js";

const TYPE = "kubernetes.URL";
/** RFC 3986, appendix B, without the fragment. */
const PARTS = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/;

/** The parts of a URL as they are written; an absolute path has neither scheme nor host. */
class CelUrl {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;

  constructor(text: string) {
    const [, scheme = "", authority = "", path = "", query = ""] = PARTS.exec(text) ?? [];
    this.text = text;
    this.scheme = scheme.toLowerCase();
    this.host = authority.slice(authority.lastIndexOf("@") + 1);
    this.path = path;
    this.query = query;
  }

  get port(): string {
    return /:(\d*)$/.exec(this.host)?.[1] ?? "";
  }

  get hostname(): string {
    return this.host.replace(/:\d*$/, "").replace(/^\[|\]$/g, "");
  }
}

/** `url` and `isURL` with their methods; as in Go's `ParseRequestURI`, an absolute path is a URL too. */
export function registerUrlFunctions(environment: Environment): void {
  environment
    .registerType(TYPE, CelUrl)
    .registerFunction("isURL(string): bool", isUrl)
    .registerFunction(`url(string): ${TYPE}`, (text: string) => {
      if (isUrl(text)) return new CelUrl(text);
      throw new EvaluationError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}`);
    })
    .registerFunction(`${TYPE}.getScheme(): string`, ({ scheme }: CelUrl) => scheme)
    .registerFunction(`${TYPE}.getHost(): string`, ({ host }: CelUrl) => host)
    .registerFunction(`${TYPE}.getHostname(): string`, ({ hostname }: CelUrl) => hostname)
    .registerFunction(`${TYPE}.getPort(): string`, ({ port }: CelUrl) => port)
    .registerFunction(`${TYPE}.getEscapedPath(): string`, ({ path }: CelUrl) => path)
    .registerFunction(`${TYPE}.getQuery(): map<string, list<string>>`, ({ query }: CelUrl) => {
      const values = new URLSearchParams(query);
      return Object.fromEntries([...new Set(values.keys())].map((key) => [key, values.getAll(key)]));
    })
    .registerOperator(`${TYPE} == ${TYPE}`, (one: CelUrl, other: CelUrl) => one.text === other.text);
}

function isUrl(text: string): boolean {
  if (/[\s\p{Cc}]/u.test(text)) return false;
  if (text.startsWith("/")) return true;
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) && URL.canParse(text);
}
