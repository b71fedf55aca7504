import { SUPERUSERS } from "../authorization/rbac-authorizer.ts";
import type { UserInfo } from "../registry/request-context.ts";

/** All bodies together that are read or worked on, superusers' apart; some eighty of the largest. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Of one user, so that nobody keeps others from sending theirs. */
const MOST_BYTES_A_USER = 64 * 1024 * 1024;

export interface BodyBudgetOptions {
  readonly mostBytes?: number;
  readonly mostBytesAUser?: number;
}

/**
 * What the bodies of requests may take of the memory. Small bodies are not counted, and superusers only for themselves: what
 * CloudCore and the controllers send is not turned away because somebody else fills the budget.
 */
export class BodyBudget {
  readonly #mostBytes: number;
  readonly #mostBytesAUser: number;
  readonly #ofUser = new Map<string, number>();
  /** Of all but superusers. */
  #bytes = 0;
  #refused = 0;

  constructor({ mostBytes = MOST_BYTES, mostBytesAUser = MOST_BYTES_A_USER }: BodyBudgetOptions = {}) {
    this.#mostBytes = mostBytes;
    this.#mostBytesAUser = mostBytesAUser;
  }

  /** Bodies that were turned away. */
  get refused(): number {
    return this.#refused;
  }

  /** One body's share, until it is disposed. */
  share(): BodyShare {
    let [held, heldOfAll] = [0, 0];
    let user = "";
    return {
      take: ({ username, groups }, bytes) => {
        const ofUser = (this.#ofUser.get(username) ?? 0) + bytes;
        const ofAll = groups.includes(SUPERUSERS) ? 0 : bytes;
        if (ofUser > this.#mostBytesAUser || (ofAll > 0 && this.#bytes + ofAll > this.#mostBytes)) {
          this.#refused++;
          return false;
        }
        user = username;
        held += bytes;
        heldOfAll += ofAll;
        this.#bytes += ofAll;
        this.#ofUser.set(username, ofUser);
        return true;
      },
      [Symbol.dispose]: () => {
        if (held === 0) return;
        const left = (this.#ofUser.get(user) ?? 0) - held;
        if (left > 0) this.#ofUser.set(user, left);
        else this.#ofUser.delete(user);
        this.#bytes -= heldOfAll;
        [held, heldOfAll] = [0, 0];
      },
    };
  }
}

export interface BodyShare extends Disposable {
  /** Takes more for the same user; false: there is no room for it. */
  take(user: UserInfo, bytes: number): boolean;
}
