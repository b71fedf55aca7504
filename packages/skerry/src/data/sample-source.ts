import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseCloudCoreConfig, parseEdgeCoreConfig } from "@skerry/api";
import { readStoredSamples } from "@skerry/cloudcore";
import { openTelemetrySink } from "@skerry/cloudcore/platform";
import { readSamples } from "@skerry/edgecore";
import type { RecordedSample, SampleQuery } from "@skerry/link";
import { openReadOnly } from "@skerry/store/platform";
import { readConfigFile } from "../commands/config-file.ts";
import { noSamplesHere, usageError } from "../errors.ts";
import type { SkerryHome } from "../skerry-home.ts";

/** Where samples are read: CloudCore's sink or a node's ring, by the configuration file that says where it is. */
export interface SampleSource {
  readonly kind: "cloud" | "edge";
  readonly configFile: string;
}

/**
 * Chooses the source: `cloud`, `edge` (the one node of this home) or a node's name; without a choice the cloud where it
 * runs here, else the edge.
 * @throws SkerryError `SKERRY_USAGE`, `SKERRY_NO_SAMPLES`
 */
export function chooseSource(home: SkerryHome, at: string | undefined): SampleSource {
  const cloud: SampleSource = { kind: "cloud", configFile: join(home.cloudCore, "cloudcore.yaml") };
  if (at === "cloud" || (at === undefined && existsSync(cloud.configFile))) return cloud;
  const nodes = nodesOf(home);
  if (at !== undefined && at !== "edge") {
    if (!nodes.includes(at)) throw usageError(`There is no node ${JSON.stringify(at)} in ${home.folder}`);
    return { kind: "edge", configFile: nodeConfig(home, at) };
  }
  const [node, ...others] = nodes;
  if (node === undefined) throw noSamplesHere(`neither CloudCore nor an edge node was ever started in ${home.folder}`);
  if (others.length > 0) throw usageError(`Say which node with --at: ${nodes.join(", ")}`);
  return { kind: "edge", configFile: nodeConfig(home, node) };
}

/** Reads samples, whether the process that stores them runs or not. */
export async function readSource(source: SampleSource, query: SampleQuery): Promise<RecordedSample[]> {
  if (!existsSync(source.configFile)) throw noSamplesHere(`${source.configFile} is missing`);
  const file = await readConfigFile(source.configFile);
  if (source.kind === "edge") {
    const ring = parseEdgeCoreConfig(file).config.telemetry;
    if (ring === undefined) throw noSamplesHere("skerry.telemetry is switched off in edgecore.yaml");
    return readFile(ring.path, (reader) => readSamples(reader, query));
  }
  const sink = parseCloudCoreConfig(file).config.telemetry;
  switch (sink.kind) {
    case "none":
      throw noSamplesHere("skerry.telemetry is switched off in cloudcore.yaml");
    case "sqlite":
      return readFile(sink.path, (reader) => readStoredSamples(reader, query));
    case "postgresql": {
      await using opened = await openTelemetrySink(sink);
      return await opened.query(query);
    }
  }
}

function readFile(path: string, read: Parameters<ReturnType<typeof openReadOnly>["read"]>[0]): RecordedSample[] {
  if (!existsSync(path)) return []; // Nothing was ever measured.
  using database = openReadOnly(path);
  return database.read(read) as RecordedSample[];
}

function nodesOf(home: SkerryHome): string[] {
  if (!existsSync(home.folder)) return [];
  return readdirSync(home.folder).filter((name) => existsSync(nodeConfig(home, name)));
}

function nodeConfig(home: SkerryHome, node: string): string {
  return join(home.nodeFolder(node), "edgecore.yaml");
}
