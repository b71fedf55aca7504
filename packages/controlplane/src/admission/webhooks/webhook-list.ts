import type { ObjectStore } from "../../registry/object-store.ts";
import type { ResourceCatalog } from "../../registry/resource-catalog.ts";
import type { ResourceDefinition } from "../../registry/resource-definition.ts";
import { type Webhook, type WebhookType, webhooksOf } from "./webhook.ts";
import { type RuleSubject, reviewedAs } from "./webhook-rules.ts";

const GROUP = "admissionregistration.k8s.io";
const KEYS: Readonly<Record<WebhookType, string>> = {
  mutating: `${GROUP}/mutatingwebhookconfigurations`,
  validating: `${GROUP}/validatingwebhookconfigurations`,
};

/** A webhook that one of its rules leads to, and the version as which it sees the object. */
export interface Candidate {
  readonly webhook: Webhook;
  readonly form: ResourceDefinition;
}

/** The webhooks of all stored configurations, read anew when one of these changes. */
export class WebhookList implements Disposable {
  readonly #store: ObjectStore;
  readonly #catalog: ResourceCatalog;
  readonly #subscription: Disposable;
  /** By kind of write: few, as each is a resource that is served; forgotten with every change. */
  readonly #candidates = new Map<string, readonly Candidate[]>();
  #webhooks: readonly Webhook[] | undefined;
  #catalogVersion = 0;

  constructor(store: ObjectStore, catalog: ResourceCatalog) {
    this.#store = store;
    this.#catalog = catalog;
    const keys = new Set(Object.values(KEYS));
    this.#subscription = store.feed.subscribe((changes) => {
      if (changes.some(({ key }) => keys.has(key.resource))) this.#webhooks = undefined;
    });
  }

  get isEmpty(): boolean {
    return this.#all().length === 0;
  }

  /**
   * Whom the rules want to be asked about a write, mutating ones in their order: by the configuration's name, then as listed.
   * About webhook configurations and admission policies nobody is asked: else a wrong one could not be mended.
   */
  candidates(type: WebhookType, subject: RuleSubject): readonly Candidate[] {
    const webhooks = this.#all();
    const { group, version, resource } = subject.definition.reference;
    if (webhooks.length === 0 || group === GROUP) return [];
    if (this.#catalogVersion !== this.#catalog.version) {
      this.#candidates.clear();
      this.#catalogVersion = this.#catalog.version;
    }
    const key = [type, subject.operation, group, version, resource, subject.subresource].join("/");
    const known = this.#candidates.get(key);
    if (known) return known;
    const equivalents = this.#catalog.all().filter(({ storageKey }) => storageKey === subject.definition.storageKey);
    const found = webhooks.flatMap((webhook): Candidate[] => {
      const form = webhook.type === type ? reviewedAs(webhook, subject, equivalents) : undefined;
      return form ? [{ webhook, form }] : [];
    });
    this.#candidates.set(key, found);
    return found;
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  #all(): readonly Webhook[] {
    if (this.#webhooks) return this.#webhooks;
    this.#candidates.clear();
    this.#webhooks = (["mutating", "validating"] as const).flatMap((type) => this.#read(type));
    return this.#webhooks;
  }

  #read(type: WebhookType): Webhook[] {
    const configurations = this.#store.read((view) => view.list(KEYS[type]));
    return configurations.flatMap((configuration) => webhooksOf(configuration, type));
  }
}
