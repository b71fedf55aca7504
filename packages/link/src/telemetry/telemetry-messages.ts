import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { Message, MessageRoute } from "../message.ts";
import { readSampleBlock, type SampleBlock, sampleBlockJson } from "./sample-block.ts";

/** Source of an edge's messages about samples. */
export const TELEMETRY_SOURCE = "telemetry";

/** `append` brings samples, `query` asks how far the cloud has come (routes S10, S11). */
export type TelemetryOperation = "append" | "query";

/** What an edge says about its samples. */
export type TelemetryRequest =
  | {
      readonly kind: "append";
      readonly stream: string;
      /** The stream begins after this sequence. */
      readonly base: number;
      /** The cloud has said that it has all up to this sequence; undefined from an edge that does not say so. */
      readonly after: number | undefined;
      /** The stream that this sequence was confirmed of; undefined when it is this one, or the edge does not say so. */
      readonly afterStream: string | undefined;
      readonly blocks: readonly SampleBlock[];
    }
  | { readonly kind: "query"; readonly stream: string };

/** What the cloud answers: it has stored all that it ever will of the stream up to this sequence. */
export interface TelemetryAnswer {
  readonly cursor: number;
}

/** Blocks in one message at most. */
export const MAXIMUM_BLOCKS_PER_MESSAGE = 256;
const MAXIMUM_STREAM_CHARACTERS = 64;

export function telemetryRoute(operation: TelemetryOperation): MessageRoute {
  return { source: TELEMETRY_SOURCE, group: "telemetry", operation, resource: "samples" };
}

/**
 * Content of the message that brings blocks, in the order of their sequences. The cloud has said that it has all up to
 * `after`, which is a sequence of `afterStream`.
 */
export function appendContent(
  { stream, base }: { readonly stream: string; readonly base: number },
  after: number,
  blocks: readonly SampleBlock[],
  afterStream: string = stream,
): JsonObject {
  const before = afterStream === stream ? {} : { afterStream };
  return { stream, base, after, ...before, blocks: blocks.map(sampleBlockJson) };
}

/** Content of the message that asks for the cursor of a stream. */
export function queryContent(stream: string): JsonObject {
  return { stream };
}

/** Reads a message of an edge; undefined when it is not well formed, or its blocks are not in order. */
export function readTelemetryRequest({ route, content }: Message): TelemetryRequest | undefined {
  if (route.source !== TELEMETRY_SOURCE || !isJsonObject(content)) return undefined;
  const { stream, base, after, afterStream, blocks } = content;
  if (!isStream(stream)) return undefined;
  if (route.operation === "query") return { kind: "query", stream };
  if (route.operation !== "append" || !Array.isArray(blocks)) return undefined;
  if (blocks.length === 0 || blocks.length > MAXIMUM_BLOCKS_PER_MESSAGE) return undefined;
  if (!isCount(base) || (after !== undefined && !isCount(after))) return undefined;
  if (afterStream !== undefined && !isStream(afterStream)) return undefined;
  const read: SampleBlock[] = [];
  let next = base + 1;
  for (const each of blocks) {
    const block = readSampleBlock(each);
    if (block === undefined || block.first < next) return undefined;
    next = block.first + block.rows.length;
    read.push(block);
  }
  return { kind: "append", stream, base, after, afterStream, blocks: read };
}

function isStream(value: JsonValue | undefined): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAXIMUM_STREAM_CHARACTERS;
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Reads the cloud's answer; undefined when it is none, e.g. a refusal. */
export function readTelemetryAnswer(content: JsonValue): TelemetryAnswer | undefined {
  const cursor = isJsonObject(content) ? content["cursor"] : undefined;
  return isCount(cursor) ? { cursor } : undefined;
}
