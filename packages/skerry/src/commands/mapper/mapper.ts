import { usageError } from "../../errors.ts";
import type { Command } from "../command.ts";
import { runHelp, runMapper } from "./run.ts";
import { testHelp, testMapper } from "./test.ts";
import { runTestProcess } from "./test-process.ts";

/** One thing that `skerry mapper` does. */
interface Action {
  readonly help: string;
  run(parameters: readonly string[]): Promise<number>;
}

const actions: Readonly<Record<string, Action>> = {
  run: { help: runHelp, run: runMapper },
  test: { help: testHelp, run: testMapper },
  "test-process": { help: "", run: runTestProcess }, // What `test` starts.
};

/** `skerry mapper …`: drivers of devices. */
export const mapper: Command = {
  name: "mapper",
  summary: "device drivers: run",
  help: Object.values(actions)
    .map(({ help }) => help)
    .join("\n"),
  async run([name = "", ...parameters]) {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) throw usageError(`Use \`skerry mapper ${Object.keys(actions).join("|")}\``);
    return await action.run(parameters);
  },
};
