import { type Clock, describeError, isSkerryError, type Logger, type Random } from "@skerry/base";
import { newMessage } from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";

/** What {@link CloudUpload} needs. */
export interface CloudUploadPorts {
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Sends messages of other topics than the devices' to the cloud's router (wire.md U22). Best effort, as in KubeEdge:
 * without a link, or when the payload is no text, the message is dropped and counted.
 */
export class CloudUpload {
  readonly #ports: CloudUploadPorts;
  #sentCount = 0;
  #droppedCount = 0;

  constructor(ports: CloudUploadPorts) {
    this.#ports = ports;
  }

  get sentCount(): number {
    return this.#sentCount;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  upload(topic: string, payload: Uint8Array): void {
    const { cloudLink, logger } = this.#ports;
    const text = decodeText(payload);
    if (text === undefined) {
      this.#droppedCount++;
      logger.warn("An MQTT message is not sent to the cloud: its payload is not UTF-8 text", { topic });
      return;
    }
    try {
      const route = { source: "bus", group: "user", operation: "upload", resource: topic };
      cloudLink.send(newMessage(this.#ports, route, text));
      this.#sentCount++;
    } catch (error) {
      this.#droppedCount++;
      if (!isSkerryError(error, "LINK_DISCONNECTED") && !isSkerryError(error, "LINK_BUDGET_SPENT"))
        logger.warn("An MQTT message could not be sent to the cloud", { topic, reason: describeError(error) });
    }
  }
}

/** Keeps nothing from one call to the next, and takes longer to make than to use. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes; undefined when they are none. */
export function decodeText(payload: Uint8Array): string | undefined {
  try {
    return UTF8.decode(payload);
  } catch {
    return undefined;
  }
}
