/** What the conformance kit looks at, with what is expected of a driver. */
export const checks = {
  opens: "open reaches the device, within its time limit",
  "config-fits": "the configuration of each property fits the driver",
  "read-ends": "read ends within its time limit",
  "read-answers": "read gives a value and does not throw",
  "value-fits-type": "what read gives is of the property's type",
  "heeds-abort": "a call that is given up (context.signal) ends soon",
  "write-read-back": "what was written is read back",
  "subscribe-quiet": "subscribe tells changes, not a flood",
  "subscribe-ends": "subscribe tells nothing more when its signal is aborted",
  closes: "close neither throws nor hangs",
  reopens: "after close the device can be opened and read again",
  "leaks-nothing": "after close no timer, socket or file stays open",
  "no-stray-errors": "nothing is thrown outside of the calls",
  "gives-way": "no call keeps the process busy without a pause",
} as const;

export type CheckName = keyof typeof checks;

/** What came out of one check. */
export interface CheckResult {
  readonly check: CheckName;
  /** Absent when it is about the whole device. */
  readonly property?: string;
  readonly outcome: "passed" | "failed" | "not-checked";
  /** Why it failed or was not checked. */
  readonly reason?: string;
}
