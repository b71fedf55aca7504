import type { UserInfo } from "../registry/request-context.ts";

/** What somebody wants to do. */
export interface AccessAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  /** Missing for paths that are not resources. */
  readonly resource?: {
    readonly group: string;
    readonly resource: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
    /** Of a list or watch, where it has one. */
    readonly fieldSelector?: string;
  };
  /** Path, for what is not a resource. */
  readonly path?: string;
}

/** Why a request is refused, in Kubernetes' words. */
export function refusalText({ user, verb, resource, path = "" }: AccessAttributes): string {
  const who = `User ${JSON.stringify(user.username)}`;
  if (!resource) return `${who} cannot ${verb} path ${JSON.stringify(path)}`;
  const named = resource.subresource === "" ? resource.resource : `${resource.resource}/${resource.subresource}`;
  const where =
    resource.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(resource.namespace)}`;
  return `${who} cannot ${verb} resource ${JSON.stringify(named)} in API group ${JSON.stringify(resource.group)} ${where}`;
}
