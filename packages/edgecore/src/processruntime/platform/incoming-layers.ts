import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Descriptor } from "../image-manifest.ts";

const VARINT = 0;
const BYTES = 2;

/** Layers of one image that is being pulled. */
export class PulledLayers implements Disposable {
  readonly #receivedBytes = new Map<Descriptor, number>();
  readonly #onEnd: () => void;

  constructor(layers: readonly Descriptor[], onEnd: () => void) {
    for (const layer of layers) this.#receivedBytes.set(layer, 0);
    this.#onEnd = onEnd;
  }

  get parts(): Iterable<readonly [Descriptor, number]> {
    return this.#receivedBytes;
  }

  received(layer: Descriptor, bytes: number): void {
    this.#receivedBytes.set(layer, (this.#receivedBytes.get(layer) ?? 0) + bytes);
  }

  [Symbol.dispose](): void {
    this.#onEnd();
  }
}

/** What this runtime is pulling, for whoever wants to know how far it is. */
export class IncomingLayers {
  readonly #pulls = new Set<PulledLayers>();

  /** A pull begins to fetch these; it ends when the answer is disposed. */
  begin(layers: readonly Descriptor[]): PulledLayers {
    const pulled = new PulledLayers(layers, () => this.#pulls.delete(pulled));
    this.#pulls.add(pulled);
    return pulled;
  }

  /** The ListStatusesResponse of containerd's content service, written by hand as Edged reads it. */
  encode(): Uint8Array {
    const answer = new BinaryWriter();
    for (const pull of this.#pulls)
      for (const [{ digest, sizeBytes }, receivedBytes] of pull.parts)
        answer
          .tag(1, BYTES)
          .fork()
          .tag(3, BYTES)
          .string(`layer-${digest}`)
          .tag(4, VARINT)
          .int64(receivedBytes)
          .tag(5, VARINT)
          .int64(sizeBytes)
          .join();
    return answer.finish();
  }
}
