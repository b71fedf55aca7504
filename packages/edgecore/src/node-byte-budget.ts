import type { Logger } from "@skerry/base";
import { BYTE_BUDGET_ANNOTATION, parseByteBudget } from "@skerry/link";
import type { EdgeHub } from "./edgehub/index.ts";
import type { MetaStore } from "./metamanager/index.ts";

/** Gives EdgeHub the byte budget that the Node's annotation names, as it is stored and whenever it changes. */
export class NodeByteBudget implements Disposable {
  readonly #meta: MetaStore;
  readonly #edgeHub: Pick<EdgeHub, "setByteBudget">;
  readonly #nodeName: string;
  readonly #logger: Logger;
  #subscription: Disposable | undefined;
  #text: string | undefined;

  constructor(meta: MetaStore, edgeHub: Pick<EdgeHub, "setByteBudget">, nodeName: string, logger: Logger) {
    this.#meta = meta;
    this.#edgeHub = edgeHub;
    this.#nodeName = nodeName;
    this.#logger = logger;
  }

  start(): void {
    this.#subscription = this.#meta.onChange(({ key }) => {
      if (key.type === "node" && key.name === this.#nodeName) this.#apply();
    });
    this.#apply();
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
  }

  #apply(): void {
    const node = this.#meta.get({ type: "node", namespace: "null", name: this.#nodeName });
    const text = node?.metadata.annotations?.[BYTE_BUDGET_ANNOTATION];
    if (text === this.#text) return;
    this.#text = text;
    const limits = text === undefined ? undefined : parseByteBudget(text);
    if (text !== undefined && !limits)
      this.#logger.warn("The link has no byte budget: the Node's annotation cannot be read", {
        annotation: `${BYTE_BUDGET_ANNOTATION}=${text.slice(0, 100)}`,
        advice: "Write bytes a day, at least 100k, and what may go at once: 20M or 20M, burst 2M.",
      });
    this.#edgeHub.setByteBudget(limits);
  }
}
