import type { Container, ObjectReference, Pod } from "@skerry/api";
import type { EventRecorder, EventType } from "../events.ts";
import { podIdentity } from "./runtime-names.ts";

/** Events about one pod and its containers. */
export class PodNotices {
  readonly #recorder: EventRecorder;
  readonly #about: ObjectReference;
  readonly #initNames: ReadonlySet<string>;

  constructor(recorder: EventRecorder, pod: Pod) {
    this.#recorder = recorder;
    this.#about = {
      apiVersion: "v1",
      kind: "Pod",
      ...podIdentity(pod),
      ...(pod.metadata.resourceVersion ? { resourceVersion: pod.metadata.resourceVersion } : {}),
    };
    this.#initNames = new Set((pod.spec.initContainers ?? []).map(({ name }) => name));
  }

  pod(type: EventType, reason: string, message: string): void {
    this.#recorder.record(this.#about, type, reason, message);
  }

  container(container: Pick<Container, "name">, type: EventType, reason: string, message: string): void {
    this.#recorder.record(this.#containerReference(container), type, reason, message);
  }

  /** One event about something that goes on; each message brings it up to date. */
  ongoing(container: Pick<Container, "name">, type: EventType, reason: string): (message: string) => void {
    return this.#recorder.ongoing(this.#containerReference(container), type, reason);
  }

  #containerReference({ name }: Pick<Container, "name">): ObjectReference {
    const list = this.#initNames.has(name) ? "initContainers" : "containers";
    return { ...this.#about, fieldPath: `spec.${list}{${name}}` };
  }
}
