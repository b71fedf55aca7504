import type { ResourceReference } from "@skerry/api";
import type { UserInfo } from "../registry/request-context.ts";
import { forbidden } from "../registry/status-errors.ts";
import type { StoreView } from "../registry/store-session.ts";
import { refusalText } from "./attributes.ts";
import { isAllowed } from "./rbac-authorizer.ts";

/** For a request that came with another verb and turns out to create an object. @throws ApiError Forbidden */
export function requireCreateRight(
  view: StoreView,
  user: UserInfo,
  reference: ResourceReference,
  at: { readonly namespace: string; readonly name: string },
): void {
  const { group, resource } = reference;
  const attributes = { user, verb: "create", resource: { group, resource, subresource: "", ...at } };
  if (!isAllowed(view, attributes)) throw forbidden(reference, at.name, refusalText(attributes));
}
