export { ContentReader, withoutContent } from "./content-reader.ts";
export { EdgeController, type EdgeControllerOptions } from "./edge-controller.ts";
export { type EdgeInformers, EdgeObjects, serviceIndexers } from "./edge-objects.ts";
export { NodePermissions, type NodePermissionsOptions } from "./node-permissions.ts";
export type { KubeletEndpoint } from "./upstream/kubelet-endpoint.ts";
