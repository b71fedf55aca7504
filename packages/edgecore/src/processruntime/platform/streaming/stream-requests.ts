import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { RemoteCommandStreams } from "@skerry/streams";
import { eachField } from "../../../edged/platform/message-fields.ts";

/** What CRI's ExecRequest and AttachRequest say. */
export interface StreamRequest {
  readonly id: string;
  /** Of exec. */
  readonly command: readonly string[];
  readonly streams: RemoteCommandStreams;
}

/** ExecRequest: container_id = 1, cmd = 2, tty = 3, stdin = 4, stdout = 5, stderr = 6. */
export function readExecRequest(bytes: Uint8Array): StreamRequest {
  return read(bytes, { command: 2, tty: 3, stdin: 4, stdout: 5, stderr: 6 });
}

/** AttachRequest: container_id = 1, stdin = 2, tty = 3, stdout = 4, stderr = 5. */
export function readAttachRequest(bytes: Uint8Array): StreamRequest {
  return read(bytes, { command: 0, tty: 3, stdin: 2, stdout: 4, stderr: 5 });
}

/** PortForwardRequest: pod_sandbox_id = 1. */
export function readPortForwardRequest(bytes: Uint8Array): { readonly sandboxId: string } {
  return { sandboxId: read(bytes, { command: 0, tty: 0, stdin: 0, stdout: 0, stderr: 0 }).id };
}

/** The answer of all three: url = 1. */
export function encodeStreamUrl(url: string): Uint8Array {
  return new BinaryWriter().tag(1, 2).string(url).finish();
}

function read(
  bytes: Uint8Array,
  fields: Readonly<Record<"command" | keyof RemoteCommandStreams, number>>,
): StreamRequest {
  let id = "";
  const command: string[] = [];
  const flags = new Set<number>();
  eachField(bytes, (number, reader, wireType) => {
    if (wireType === 0) {
      if (reader.bool()) flags.add(number);
    } else if (wireType === 2 && number === 1) id = reader.string();
    else if (wireType === 2 && number === fields.command) command.push(reader.string());
    else return false;
    return true;
  });
  const { tty, stdin, stdout, stderr } = fields;
  const streams = {
    tty: flags.has(tty),
    stdin: flags.has(stdin),
    stdout: flags.has(stdout),
    stderr: flags.has(stderr),
  };
  return { id, command, streams };
}
