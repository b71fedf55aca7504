import type { Clock } from "@skerry/base";
import { equalInConstantTime } from "@skerry/pki";
import type { ObjectStore } from "../registry/object-store.ts";
import type { UserInfo } from "../registry/request-context.ts";
import {
  BOOTSTRAP_TOKEN_NAMESPACE,
  BOOTSTRAP_TOKEN_PREFIX,
  BOOTSTRAP_TOKEN_TYPE,
  expirationMs,
  secretText,
  type TokenSecret,
} from "./bootstrap-token-secret.ts";

/** Id and secret. */
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const BOOTSTRAPPERS = "system:bootstrappers";
/** Groups that a token may give besides. */
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Recognises bootstrap tokens, as `kubeadm token` makes them: Secrets `bootstrap-token-<id>` of kube-system. They let
 * machines in that have no certificate yet; what these may do, roles say that are bound to `system:bootstrappers`.
 */
export class BootstrapTokens {
  readonly #store: ObjectStore;
  readonly #clock: Clock;

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Who a token belongs to; undefined when it is none, is not known, has expired or is for something else. */
  authenticate(token: string): UserInfo | undefined {
    const [, id, secretPart] = TOKEN.exec(token) ?? [];
    if (id === undefined || secretPart === undefined) return undefined;
    const key = {
      resource: "/secrets",
      namespace: BOOTSTRAP_TOKEN_NAMESPACE,
      name: `${BOOTSTRAP_TOKEN_PREFIX}${id}`,
    };
    const stored = this.#store.read((view) => view.get(key));
    if (!stored || stored.metadata.deletionTimestamp !== undefined) return undefined;
    const secret = stored as TokenSecret; // Secrets are validated before they are stored.
    if (secret.type !== BOOTSTRAP_TOKEN_TYPE || secretText(secret, "token-id") !== id) return undefined;
    if (!isSameText(secretText(secret, "token-secret"), secretPart)) return undefined;
    if ((expirationMs(secret) ?? Number.POSITIVE_INFINITY) <= this.#clock.now()) return undefined;
    if (secretText(secret, "usage-bootstrap-authentication") !== "true") return undefined;
    const extra = secretText(secret, "auth-extra-groups");
    const groups = extra === "" ? [] : [...new Set(extra.split(","))].sort();
    if (groups.some((group) => !EXTRA_GROUP.test(group))) return undefined;
    return { username: `system:bootstrap:${id}`, groups: [BOOTSTRAPPERS, ...groups, "system:authenticated"] };
  }
}

function isSameText(left: string, right: string): boolean {
  const encoder = new TextEncoder();
  return equalInConstantTime(encoder.encode(left), encoder.encode(right));
}
