/** What a systemd unit of Skerry runs. */
export interface UnitOptions {
  readonly role: "cloud" | "edge";
  /** The command line of Skerry itself, without `up`. */
  readonly command: readonly string[];
  /** SKERRY_HOME. */
  readonly homeFolder: string;
}

/** Name of the unit of a machine that has the role. */
export function unitName(role: UnitOptions["role"]): string {
  return `skerry-${role}.service`;
}

const DESCRIPTIONS = {
  cloud: "Skerry: CloudCore and its Kubernetes",
  edge: "Skerry: an edge node",
} as const;

/** The line by which a unit is known to be of a home folder. */
export function environmentLine(homeFolder: string): string {
  return `Environment=${quoted(`SKERRY_HOME=${homeFolder}`)}`;
}

/**
 * A systemd unit that runs `skerry up` with what the home folder says. It does not wait for a network: an edge node
 * starts its apps without one.
 */
export function unitText({ role, command, homeFolder }: UnitOptions): string {
  return `# Written by Skerry; \`skerry reset\` removes it.
[Unit]
Description=${DESCRIPTIONS[role]}
After=network.target

[Service]
Type=exec
${environmentLine(homeFolder)}
ExecStart=${[...command, "up"].map(quoted).join(" ")}
# Pods have their own time to end, before the machine goes down too.
ExecStop=${[...command, "down", "--graceful"].map(quoted).join(" ")}
Restart=always
RestartSec=5
# Skerry stops its own parts. The time limit is that of ExecStop; what still runs then stops without time for pods, and is
# killed after the same time once more.
KillMode=mixed
TimeoutStopSec=110
# Containers get control groups below the unit's own.
Delegate=yes
TasksMax=infinity
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`;
}

/** One word of a unit's line: quoted where systemd would take it apart, its % and $ made plain. */
function quoted(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
