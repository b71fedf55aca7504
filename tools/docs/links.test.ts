import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { allCommands } from "../../packages/skerry/src/commands/all-commands.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = globSync(["*.md", "{docs,bench,sim,e2e}/**/*.md"], { cwd: root }).sort();

/** A page without its code blocks. */
function textOf(page: string): string {
  return readFileSync(join(root, page), "utf8").replace(/^```.*?^```$/gms, "");
}

/** The names by which a page's headings can be linked to, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("every link of a page leads to a file and a heading that are there", () => {
  assert.ok(pages.length > 20, pages.join(" "));
  let links = 0;
  for (const page of pages)
    for (const [, target = ""] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links += 1;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? page : normalize(join(dirname(page), file));
      assert.ok(existsSync(join(root, path)), `${page}: ${target} is not there`);
      if (anchor !== undefined) assert.ok(anchorsOf(path).includes(anchor), `${page}: ${target} has no such heading`);
    }
  assert.ok(links > 50, `${links} links`);
});

test("the README leads to every page of docs/", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  for (const page of pages.filter((path) => path.startsWith("docs/")))
    assert.ok(readme.includes(`](${page})`), `README.md does not name ${page}`);
});

test("every `skerry COMMAND` of a page is a command that there is", () => {
  const known = new Set(["COMMAND", "--help", "--version", ...allCommands.map(({ name }) => name)]);
  let named = 0;
  for (const page of ["README.md", ...pages.filter((path) => path.startsWith("docs/"))])
    for (const [, command = ""] of readFileSync(join(root, page), "utf8").matchAll(
      /(?:`|npx |bin\/|^)skerry ([\w-]+)/gm,
    )) {
      named += 1;
      assert.ok(known.has(command), `${page}: skerry ${command}`);
    }
  assert.ok(named > 50, `${named} commands`);
});
