import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** One TypeScript file of a package. */
export interface SourceFile {
  /** Path from the repository's root. */
  readonly path: string;
  readonly packageName: string;
  readonly text: string;
  /** The text without comments, so that words in them do not count. */
  readonly code: string;
  readonly isTest: boolean;
  readonly isPlatform: boolean;
  /** Specifiers of its static and dynamic imports. */
  readonly imports: readonly string[];
}

/** Import and re-export statements, over several lines too, and dynamic imports. */
const IMPORT = /(?:^(?:import|export)\b[^"';]*?\bfrom\s+|^import\s+|\bimport\(\s*)"([^"]+)"/gm;

/** All TypeScript files of the packages. */
export function sourceFiles(): SourceFile[] {
  return globSync("packages/*/src/**/*.ts", { cwd: root }).map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
    return {
      path,
      packageName: path.split("/")[1] ?? "",
      text,
      code,
      isTest: /\.test\.ts$|\/testing\//.test(path),
      isPlatform: path.includes("/platform/"),
      imports: [...code.matchAll(IMPORT)].map((match) => match[1] ?? ""),
    };
  });
}
