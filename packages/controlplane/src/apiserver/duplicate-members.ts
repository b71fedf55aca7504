/** So many are named at most. */
const NAMED = 100;

/** Where the scan is: in an object with the names that it has seen, or in a list. */
type Level =
  | { readonly kind: "object"; readonly path: string; readonly seen: Set<string>; expectsName: boolean; member: string }
  | { readonly kind: "list"; readonly path: string; index: number };

/**
 * Paths of members that an object of a JSON text has twice; reading it keeps the last one only.
 * @param text what `value` was read from, so it is JSON
 */
export function duplicateMembers(text: string, value: unknown): string[] {
  // Nearly every body is written as we would write it, and then nothing of it got lost.
  if (JSON.stringify(value) === text.trimEnd()) return [];
  const found = new Set<string>();
  const levels: Level[] = [];
  for (let at = 0; at < text.length && found.size < NAMED; at++) {
    const level = levels.at(-1);
    switch (text.charAt(at)) {
      case "{":
        levels.push({ kind: "object", path: pathIn(level), seen: new Set(), expectsName: true, member: "" });
        break;
      case "[":
        levels.push({ kind: "list", path: pathIn(level), index: 0 });
        break;
      case "}":
      case "]":
        levels.pop();
        break;
      case ",":
        if (level?.kind === "object") level.expectsName = true;
        else if (level) level.index++;
        break;
      case '"': {
        const end = endOfText(text, at);
        if (level?.kind === "object" && level.expectsName) {
          level.member = String(JSON.parse(text.slice(at, end + 1)));
          level.expectsName = false;
          if (level.seen.has(level.member)) found.add(pathIn(level));
          level.seen.add(level.member);
        }
        at = end;
        break;
      }
      default:
        break;
    }
  }
  return [...found];
}

function pathIn(level: Level | undefined): string {
  if (level === undefined) return "";
  if (level.kind === "list") return `${level.path}[${level.index}]`;
  return level.path === "" ? level.member : `${level.path}.${level.member}`;
}

/** Where the text ends that begins at a quotation mark. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at;
}
