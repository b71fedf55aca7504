/** Reads a static pod's manifest, YAML or JSON. Its library is loaded with the first one. */
export async function parseManifest(text: string): Promise<unknown> {
  const { parse } = await import("./yaml.ts");
  return parse(text, { maxAliasCount: 100 });
}
