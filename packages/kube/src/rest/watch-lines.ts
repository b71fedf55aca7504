import type { KubernetesObject, Status } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { ApiError, failureStatus } from "../api-error.ts";
import { malformedAnswer, watchLineTooLong } from "../errors.ts";
import type { WatchEvent } from "../kubernetes-api.ts";

/**
 * Splits a byte stream into lines without their ends; a last line without an end is handed out too.
 * @throws SkerryError `KUBE_WATCH_LINE_TOO_LONG` when a line exceeds `maximumBytes`
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maximumBytes: number,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const take = (): string => {
    const line = parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
    parts = [];
    sizeBytes = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      sizeBytes += end - start;
      if (sizeBytes > maximumBytes) throw watchLineTooLong(maximumBytes);
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      sizeBytes += chunk.length - start;
      if (sizeBytes > maximumBytes) throw watchLineTooLong(maximumBytes);
    }
  }
  if (sizeBytes > 0) yield take();
}

/**
 * Reads one line of a watch.
 * @throws ApiError when the line is an `ERROR`, SkerryError `KUBE_MALFORMED_ANSWER` when it is none at all
 */
export function parseWatchLine<T extends KubernetesObject>(line: string): WatchEvent<T> {
  const event = parseJson(line);
  const object = isJsonObject(event) ? event["object"] : undefined;
  if (!isJsonObject(event) || !isJsonObject(object)) throw malformedAnswer("a watch event");
  switch (event["type"]) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      if (!isJsonObject(object["metadata"])) throw malformedAnswer("a watch event");
      return { type: event["type"], object: object as unknown as T };
    case "BOOKMARK": {
      const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
      return { type: "BOOKMARK", resourceVersion: String(metadata["resourceVersion"] ?? "") };
    }
    case "ERROR":
      throw new ApiError(
        typeof object["code"] === "number"
          ? (object as unknown as Status)
          : failureStatus(500, "InternalError", "the watch failed"),
      );
    default:
      throw malformedAnswer("a watch event");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw malformedAnswer("a watch event", error);
  }
}
