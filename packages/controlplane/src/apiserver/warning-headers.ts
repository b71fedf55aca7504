/** As Kubernetes has it: when all warnings of an answer are longer than this, each is cut short, and what is over goes. */
const ALL_LIMIT_CHARACTERS = 4096;
const CUT_CHARACTERS = 256;

/** The `Warning` header of an answer (RFC 7234, code 299); no header without warnings. */
export function warningHeaders(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {};
  const total = warnings.reduce((sum, { length }) => sum + length, 0);
  const texts: string[] = [];
  let written = 0;
  for (const warning of new Set(warnings)) {
    const text = total > ALL_LIMIT_CHARACTERS ? warning.slice(0, CUT_CHARACTERS) : warning;
    written += text.length;
    if (written > ALL_LIMIT_CHARACTERS) break;
    texts.push(`299 - "${quoted(text)}"`);
  }
  return { warning: texts.join(", ") };
}

/** A header holds bytes: UTF-8, one character a byte, without control characters. */
function quoted(text: string): string {
  const plain = text.replaceAll(/\p{Cc}/gu, " ").replaceAll(/["\\]/g, "\\$&");
  return Buffer.from(plain, "utf8").toString("latin1");
}
