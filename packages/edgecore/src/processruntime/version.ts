/** The runtime's name, as Nodes and container ids show it. */
export const RUNTIME_NAME = "skerry-process";
/** Beside it on a Node: what keeps containers apart. */
export const RUNTIME_VERSION = "0.1.0+namespaces";
