import { dirname, join } from "node:path";
import type { ConfigSection } from "./config-section.ts";

const DAY_MS = 24 * 3_600_000;
const MEBIBYTE = 1024 * 1024;

/** Where CloudCore keeps the nodes' samples. */
export type TelemetrySinkConfig =
  /** Samples stay at the edge. */
  | { readonly kind: "none" }
  | { readonly kind: "sqlite"; readonly path: string; readonly maximumAgeMs: number }
  | { readonly kind: "postgresql"; readonly url: string; readonly maximumAgeMs: number };

/** The ring of samples on an edge node; undefined where none is kept. */
export interface SampleRingConfig {
  readonly path: string;
  readonly maximumBytes: number;
  readonly maximumAgeMs: number;
}

/** Reads `skerry.telemetry` of `cloudcore.yaml`. */
export function readTelemetrySink(section: ConfigSection): TelemetrySinkConfig {
  const enabled = section.flag("enable", true);
  const path = section.text("database", "/var/lib/kubeedge/telemetry.db");
  const url = section.text("postgres", "");
  const maximumAgeMs = section.integer("maximumDays", 30, { minimum: 1, maximum: 36_500 }) * DAY_MS;
  if (url !== "" && !/^postgres(ql)?:\/\/./.test(url)) section.error("postgres", "must be postgresql://…");
  section.finish();
  if (!enabled) return { kind: "none" };
  return url === "" ? { kind: "sqlite", path, maximumAgeMs } : { kind: "postgresql", url, maximumAgeMs };
}

/** Reads `skerry.telemetry` of `edgecore.yaml`; the ring is beside the node's database unless it says otherwise. */
export function readSampleRing(section: ConfigSection, databasePath: string): SampleRingConfig | undefined {
  const enabled = section.flag("enable", true);
  const config = {
    path: section.text("database", join(dirname(databasePath), "telemetry.db")),
    maximumBytes: section.integer("maximumMiB", 64, { minimum: 1, maximum: 1024 * 1024 }) * MEBIBYTE,
    maximumAgeMs: section.integer("maximumDays", 7, { minimum: 1, maximum: 36_500 }) * DAY_MS,
  };
  section.finish();
  return enabled ? config : undefined;
}
