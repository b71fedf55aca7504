import type { DelegatedApi, DelegatedRequest, DelegatedUser } from "../delegated-api.ts";
import { HttpsRequester, type RequesterLimits } from "./https-requester.ts";
import type { KubeConnection } from "./kube-connection.ts";

/** {@link DelegatedApi} over HTTPS; the connection's own user needs the right to impersonate. */
export class HttpsDelegatedApi implements DelegatedApi, Disposable {
  readonly #requester: HttpsRequester;

  constructor(connection: KubeConnection, limits: RequesterLimits) {
    this.#requester = new HttpsRequester(connection, limits);
  }

  send(
    user: DelegatedUser,
    { body, ...request }: DelegatedRequest,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    return this.#requester.send({
      ...request,
      ...(body === undefined ? {} : { rawBody: body }),
      headers: { "impersonate-user": user.name, "impersonate-group": user.groups },
      signal,
    });
  }

  [Symbol.dispose](): void {
    this.#requester[Symbol.dispose]();
  }
}
