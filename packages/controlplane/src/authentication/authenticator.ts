import type { ApiRequest } from "../apiserver/api-request.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { unauthorized } from "../registry/status-errors.ts";
import type { BootstrapTokens } from "./bootstrap-tokens.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Somebody without credentials. */
export const ANONYMOUS: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };

/** Finds out who makes a request: by client certificate, or by the token of a service account or of a new machine. */
export class Authenticator {
  readonly #tokens: ServiceAccountTokens;
  readonly #bootstrapTokens: BootstrapTokens;

  constructor(tokens: ServiceAccountTokens, bootstrapTokens: BootstrapTokens) {
    this.#tokens = tokens;
    this.#bootstrapTokens = bootstrapTokens;
  }

  /** {@link ANONYMOUS} without credentials. @throws ApiError 401 when there are some and they do not hold */
  authenticate(request: Pick<ApiRequest, "headers" | "certificateUser">): UserInfo {
    const { certificateUser, headers } = request;
    if (certificateUser) return { ...certificateUser, groups: [...certificateUser.groups, "system:authenticated"] };
    const header = headers["authorization"];
    if (header === undefined) return ANONYMOUS;
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    const user = token === undefined ? undefined : this.#userOf(token);
    if (!user) throw unauthorized();
    return user;
  }

  /** Undefined when the token does not hold. */
  #userOf(token: string): UserInfo | undefined {
    return this.#bootstrapTokens.authenticate(token) ?? this.#tokens.authenticate(token);
  }
}
