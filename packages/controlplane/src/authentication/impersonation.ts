import { badRequest } from "@skerry/kube";
import type { ApiRequest } from "../apiserver/api-request.ts";
import type { AccessAttributes } from "../authorization/attributes.ts";
import type { UserInfo } from "../registry/request-context.ts";

/**
 * The user that `--as` asks for, and what the caller must be allowed to do for it; undefined when nobody asks.
 * @throws ApiError BadRequest for a group or anything else without a user
 */
export function impersonation(
  request: ApiRequest,
  caller: UserInfo,
): { readonly user: UserInfo; readonly needs: readonly AccessAttributes[] } | undefined {
  const username = request.headers["impersonate-user"];
  if (username === undefined || username === "") {
    const [other] = Object.keys(request.headers).filter((name) => name.startsWith("impersonate-"));
    // Else the request would run with all rights of the caller, who wanted to do with less.
    if (other !== undefined && other !== "impersonate-user")
      throw badRequest(`the header ${other} is there without Impersonate-User`);
    return undefined;
  }
  const asked = (request.headers["impersonate-group"] ?? "").split(",").map((group) => group.trim());
  const groups = asked.filter((group) => group !== "");
  const need = (resource: string, name: string, namespace = ""): AccessAttributes => ({
    user: caller,
    verb: "impersonate",
    resource: { group: "", resource, subresource: "", namespace, name },
  });
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const needs = [
    account ? need("serviceaccounts", account[2] ?? "", account[1]) : need("users", username),
    ...groups.map((group) => need("groups", group)),
  ];
  const own = account && groups.length === 0 ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : [];
  return { user: { username, groups: [...groups, ...own, "system:authenticated"] }, needs };
}
