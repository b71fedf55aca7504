import type { ProcessCommand } from "../command-line.ts";
import { enterContainer, inTerminal, noPowers } from "../container-command.ts";
import { handedOver, handedToTerminal } from "../container-environment.ts";
import { EXEC_SCRIPT, INNER_BUSYBOX, INNER_TERMINAL } from "../scripts.ts";
import type { MachineAbility } from "./ability.ts";
import type { RunningContainer } from "./container-record.ts";
import type { ControlGroups } from "./control-groups.ts";

/** A command to run in a container, with its environment. */
export interface ContainerCommand {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What gets into containers. */
export interface ExecMeans {
  readonly ability: MachineAbility;
  readonly groups: ControlGroups;
}

/** What runs a command in a container. */
export function commandIn(container: RunningContainer, means: ExecMeans, words: readonly string[]): ContainerCommand {
  const { workingDirectory, environment } = container.state.command;
  const shell = [INNER_BUSYBOX, "sh", "-c", EXEC_SCRIPT, "exec", workingDirectory];
  const powerless = noPowers(INNER_BUSYBOX, means.ability.lastCapability);
  return {
    words: [...entering(container, means), ...shell, ...powerless, ...words],
    environment: handedOver(environment),
  };
}

/** What runs a command in a container in a terminal of its own; its exit code comes on file descriptor 3. */
export function terminalIn(container: RunningContainer, means: ExecMeans, words: readonly string[]): ContainerCommand {
  const powerless = noPowers(INNER_BUSYBOX, means.ability.lastCapability);
  const command: ProcessCommand = { ...container.state.command, words };
  return {
    words: [...entering(container, means), ...powerless, ...inTerminal(INNER_BUSYBOX, INNER_TERMINAL)],
    environment: handedToTerminal(command),
  };
}

function entering({ id, state }: RunningContainer, { ability, groups }: ExecMeans): string[] {
  const processes = { mainId: state.run.main.processId, makerId: state.run.makerId };
  return [...groups.joining(id), ...enterContainer(ability.tools, processes, state.run.namespaces, state.user)];
}
