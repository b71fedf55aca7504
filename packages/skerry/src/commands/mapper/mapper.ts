import { usageError } from "../../errors.ts";
import type { Command } from "../command.ts";
import { newHelp, newMapper } from "./new.ts";
import { developMapper, devHelp, runHelp, runMapper } from "./run.ts";
import { testHelp, testMapper } from "./test.ts";
import { runTestProcess } from "./test-process.ts";

/** One thing that `skerry mapper` does. */
interface Action {
  readonly help: string;
  run(parameters: readonly string[]): Promise<number>;
}

const actions: Readonly<Record<string, Action>> = {
  new: { help: newHelp, run: newMapper },
  run: { help: runHelp, run: runMapper },
  dev: { help: devHelp, run: developMapper },
  test: { help: testHelp, run: testMapper },
};

/** `skerry mapper …`: drivers of devices. */
export const mapper: Command = {
  name: "mapper",
  summary: "device drivers: write, try, run",
  help: Object.values(actions)
    .map(({ help }) => help)
    .join("\n---\n\n"),
  async run([name = "", ...parameters]) {
    if (name === "test-process") return await runTestProcess(); // What `test` starts.
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) throw usageError(`Use \`skerry mapper ${Object.keys(actions).join("|")}\``);
    return await action.run(parameters);
  },
};
