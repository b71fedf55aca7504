import { open } from "node:fs/promises";

const MAXIMUM_FILE_BYTES = 16 * 1024 * 1024;

/** The values of one column of a CSV file whose first line has the names. @throws when there is no such file or column */
export async function readColumn(path: string, column: string): Promise<readonly string[]> {
  if (path === "") throw new Error("configData.file is missing; it is a CSV file");
  await using file = await open(path);
  const { size } = await file.stat();
  if (size > MAXIMUM_FILE_BYTES) throw new Error(`${path} has ${size} bytes, the limit is ${MAXIMUM_FILE_BYTES}`);
  const [names = [], ...lines] = (await file.readFile("utf8"))
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map(cellsOf);
  const index = names.indexOf(column);
  if (index < 0) throw new Error(`${path} has no column ${JSON.stringify(column)}, only ${names.join(", ")}`);
  if (lines.length === 0) throw new Error(`${path} has no values`);
  return lines.map((cells) => cells[index] ?? "");
}

/** The cells of a line; quotes hold commas, two of them in quotes are one (RFC 4180, without line breaks in cells). */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    cells.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? "").trim());
  return cells;
}
