import { ca } from "./ca.ts";
import { cloudcore } from "./cloudcore.ts";
import type { Command } from "./command.ts";
import { controlplane } from "./controlplane.ts";
import { convert } from "./convert.ts";
import { data } from "./data.ts";
import { demo } from "./demo.ts";
import { broker, thermometer } from "./devices.ts";
import { doctor } from "./doctor.ts";
import { down, reset } from "./down.ts";
import { edgecore } from "./edgecore.ts";
import { fleet } from "./fleet.ts";
import { fleetProcess } from "./fleet-process.ts";
import { image } from "./image.ts";
import { join } from "./join.ts";
import { keadm } from "./keadm/keadm.ts";
import { link } from "./link.ts";
import { mapper } from "./mapper/mapper.ts";
import { node } from "./node.ts";
import { processRuntime } from "./process-runtime.ts";
import { superviseCommand } from "./run-supervisor.ts";
import { status } from "./status.ts";
import { token } from "./token.ts";
import { trace } from "./trace.ts";
import { up } from "./up.ts";
import { why } from "./why.ts";

/** All commands of `skerry`, in the order of its help. */
export const allCommands: readonly Command[] = [
  up,
  status,
  why,
  doctor,
  demo,
  link,
  trace,
  data,
  convert,
  image,
  fleet,
  mapper,
  token,
  join,
  node,
  ca,
  down,
  reset,
  cloudcore,
  edgecore,
  controlplane,
  keadm,
  broker,
  thermometer,
  processRuntime,
  superviseCommand,
  fleetProcess,
];
