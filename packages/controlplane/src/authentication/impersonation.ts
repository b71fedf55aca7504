import { badRequest } from "@skerry/kube";
import type { ApiRequest } from "../apiserver/api-request.ts";
import type { AccessAttributes } from "../authorization/attributes.ts";
import type { UserInfo } from "../registry/request-context.ts";

const EXTRA_PREFIX = "impersonate-extra-";

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
  const needOfUser = (resource: string, subresource: string, name: string): AccessAttributes => ({
    user: caller,
    verb: "impersonate",
    resource: { group: "authentication.k8s.io", resource, subresource, namespace: "", name },
  });
  const uid = request.headers["impersonate-uid"] ?? "";
  const extra = extraOf(request.headers);
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const needs = [
    account ? need("serviceaccounts", account[2] ?? "", account[1]) : need("users", username),
    ...groups.map((group) => need("groups", group)),
    ...(uid === "" ? [] : [needOfUser("uids", "", uid)]),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => needOfUser("userextras", key, value))),
  ];
  const own = account && groups.length === 0 ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : [];
  const user: UserInfo = {
    username,
    groups: [...groups, ...own, "system:authenticated"],
    ...(uid === "" ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { user, needs };
}

/** What headers such as `Impersonate-Extra-scopes` ask for; their keys are written as in a URL. */
function extraOf(headers: ApiRequest["headers"]): Record<string, string[]> {
  const extra: [string, string[]][] = [];
  for (const [name, value = ""] of Object.entries(headers))
    if (name.startsWith(EXTRA_PREFIX))
      extra.push([decodedKey(name.slice(EXTRA_PREFIX.length)), value.split(",").map((part) => part.trim())]);
  return Object.fromEntries(extra);
}

function decodedKey(text: string): string {
  try {
    return decodeURIComponent(text).toLowerCase();
  } catch (error) {
    if (error instanceof URIError) return text; // As in Kubernetes: the key then is what was sent.
    throw error;
  }
}
