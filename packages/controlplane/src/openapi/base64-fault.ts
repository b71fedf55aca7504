const PADDING = "=";

/**
 * Where a text is no padded base64 (RFC 4648, section 4, in which line ends are skipped), counted as Go's decoder counts
 * it; undefined when it is.
 */
export function base64Fault(text: string): number | undefined {
  let inGroup = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === "\n" || sign === "\r") continue;
    if (isDigit(text.charCodeAt(at))) inGroup = (inGroup + 1) % 4;
    else return sign === PADDING && inGroup >= 2 ? paddingFault(text, at + 1, 3 - inGroup) : at;
  }
  // What is missing is told as the beginning of the group that misses it.
  return inGroup === 0 ? undefined : text.length - inGroup;
}

function paddingFault(text: string, from: number, missing: number): number | undefined {
  let at = afterLineEnds(text, from);
  if (missing > 0) {
    if (at === text.length) return at;
    if (text.charAt(at) !== PADDING) return at - 1;
    at = afterLineEnds(text, at + 1);
  }
  return at < text.length ? at : undefined;
}

function afterLineEnds(text: string, from: number): number {
  let at = from;
  while (text.charAt(at) === "\n" || text.charAt(at) === "\r") at++;
  return at;
}

function isDigit(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 43 ||
    code === 47
  );
}
