import { parseArgs } from "node:util";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { askSupervisor } from "../supervisor/control-channel.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** `skerry link cut|restore NODE`. */
export const link: Command = {
  name: "link",
  summary: "cut or restore a node's link to the cloud",
  help: `skerry link cut NODE
skerry link restore NODE

Pulls the cable between the node and CloudCore, or plugs it in again. A cut link holds back every byte: no connection
is closed or refused, and new ones get no answer. After the restore what was held back goes on.

Examples:
  skerry link cut edge-node-1
  skerry link restore edge-node-1
`,
  async run(parameters) {
    const { positionals } = parseArgs({ args: [...parameters], options: {}, allowPositionals: true });
    const [action, node, ...more] = positionals;
    if ((action !== "cut" && action !== "restore") || node === undefined || more.length > 0)
      throw usageError("Use `skerry link cut NODE` or `skerry link restore NODE`");
    await askSupervisor(skerryHome(), { command: action, node });
    print(action === "cut" ? `The link of ${node} is cut.` : `The link of ${node} is restored.`);
    return EXIT_OK;
  },
};
