/**
 * Replaces `$(NAME)` by the variable's value, as Kubernetes does in commands, arguments and variables: `$$` is an
 * escaped dollar sign, and a reference to an unknown variable stays as it is written.
 */
export function expandReferences(text: string, variables: ReadonlyMap<string, string>): string {
  let expanded = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    const next = text[index + 1];
    if (character !== "$" || next === undefined) {
      expanded += character;
    } else if (next === "$") {
      expanded += "$";
      index++;
    } else if (next === "(") {
      const end = text.indexOf(")", index + 2);
      if (end < 0) {
        expanded += "$(";
        index++;
      } else {
        const name = text.slice(index + 2, end);
        expanded += variables.get(name) ?? `$(${name})`;
        index = end;
      }
    } else {
      expanded += `$${next}`;
      index++;
    }
  }
  return expanded;
}
