import type { TypeTable } from "../type-table.ts";

/** Types of RuntimeClasses. */
export const nodeTypes: TypeTable = {
  "node.v1.Overhead": "1 podFixed {}quantity",
  "node.v1.RuntimeClass":
    "- apiVersion string;2 handler! string;- kind string;1 metadata meta.v1.ObjectMeta value;3 overhead node.v1.Overhead;4 scheduling node.v1.Scheduling",
  "node.v1.Scheduling": "1 nodeSelector {}string atomic;2 tolerations []core.v1.Toleration atomic",
};
