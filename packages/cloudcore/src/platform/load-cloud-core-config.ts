import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { type ParsedCloudCoreConfig, parseCloudCoreConfig } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { parseDocument } from "yaml";
import { configNotYaml, configUnreadable } from "./errors.ts";

/**
 * Reads a `cloudcore.yaml`.
 * @throws SkerryError `CONFIG_UNREADABLE`, `CONFIG_NOT_YAML`, `CONFIG_INVALID`
 */
export async function loadCloudCoreConfig(path: string): Promise<ParsedCloudCoreConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw configUnreadable(path, error);
  }
  return parseCloudCoreConfig(parseYaml(text, path));
}

/** This machine's addresses that others can dial, IPv4 first. */
export function hostAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return reachable.sort((left, right) => left.family.localeCompare(right.family)).map(({ address }) => address);
}

function parseYaml(text: string, path: string): JsonValue | undefined {
  // Aliases are bounded by the library, so that a small file cannot grow without end.
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw configNotYaml(path, error.message.split("\n")[0] ?? "");
  try {
    return document.toJS() as JsonValue | undefined;
  } catch (failure) {
    throw configNotYaml(path, failure instanceof Error ? failure.message : String(failure));
  }
}
