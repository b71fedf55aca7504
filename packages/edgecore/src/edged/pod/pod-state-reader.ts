import { terminationMessage } from "../container/termination-message.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import type { PodServices } from "../services.ts";
import type { PodPaths } from "./pod-paths.ts";
import { allContainers, type PodRuntimeState, readPodRuntimeState } from "./pod-runtime-state.ts";

/** Reads what the runtime has of one pod, remembering what cannot change any more. */
export class PodStateReader {
  readonly #services: PodServices;
  readonly #uid: string;
  readonly #paths: PodPaths;
  readonly #ended = new Map<string, RuntimeContainerStatus>();
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #terminationMessages = new Map<string, string>();
  #seenSignature = "";

  constructor(services: PodServices, uid: string, paths: PodPaths) {
    this.#services = services;
    this.#uid = uid;
    this.#paths = paths;
  }

  /** What the runtime had of the pod when it was last read. */
  get seenSignature(): string {
    return this.#seenSignature;
  }

  /** Last words of ended containers, by id. */
  get terminationMessages(): ReadonlyMap<string, string> {
    return this.#terminationMessages;
  }

  async read(): Promise<PodRuntimeState> {
    const { runtime, fileSystem } = this.#services;
    const state = await readPodRuntimeState(runtime, this.#uid, this.#ended, this.#addresses);
    this.#seenSignature = state.signature;
    const present = new Set<string>();
    for (const container of allContainers(state)) {
      present.add(container.id);
      if (container.state !== "exited" || this.#terminationMessages.has(container.id)) continue;
      this.#terminationMessages.set(container.id, await terminationMessage(fileSystem, this.#paths, container));
    }
    for (const id of this.#terminationMessages.keys()) if (!present.has(id)) this.#terminationMessages.delete(id);
    return state;
  }
}
