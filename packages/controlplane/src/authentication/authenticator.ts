import type { ApiRequest } from "../apiserver/api-request.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { unauthorized } from "../registry/status-errors.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Somebody without credentials. */
export const ANONYMOUS: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };

/** Finds out who makes a request: by client certificate, or by a service account's token. */
export class Authenticator {
  readonly #tokens: ServiceAccountTokens;

  constructor(tokens: ServiceAccountTokens) {
    this.#tokens = tokens;
  }

  /** {@link ANONYMOUS} without credentials. @throws ApiError 401 when there are some and they do not hold */
  authenticate(request: Pick<ApiRequest, "headers" | "certificateUser">): UserInfo {
    const { certificateUser, headers } = request;
    if (certificateUser) return { ...certificateUser, groups: [...certificateUser.groups, "system:authenticated"] };
    const header = headers["authorization"];
    if (header === undefined) return ANONYMOUS;
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    const user = token === undefined ? undefined : this.#tokens.authenticate(token);
    if (!user) throw unauthorized();
    return user;
  }
}
