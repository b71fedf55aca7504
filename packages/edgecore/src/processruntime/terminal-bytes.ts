/**
 * A container's terminal is made inside of it by busybox' `telnetd`, which speaks Telnet (RFC 854) on its standard streams:
 * so the terminal is the container's own, it has a size that can change (RFC 1073), and no native module is needed here.
 */
const IAC = 255;
const SUBNEGOTIATION = 250;
const SUBNEGOTIATION_END = 240;
const WINDOW_SIZE = 31;
/** WILL, WON'T, DO and DON'T are followed by an option. */
const FIRST_WITH_OPTION = 251;
const LARGEST_SIZE = 0xffff;

/** Written to the terminal when the command begins; what comes before is telnetd's greeting. */
export const TERMINAL_BEGIN = 0x02;

type State = "greeting" | "text" | "command" | "option";

/** Takes what telnetd writes apart: what the terminal shows is left. */
export class TerminalOutput {
  #state: State;
  /** What comes after the command: a greeting may have commands in it too. */
  #after: "greeting" | "text";

  /** @param hasBegun whether the beginning was read before, by somebody else */
  constructor(hasBegun = false) {
    this.#after = hasBegun ? "text" : "greeting";
    this.#state = this.#after;
  }

  /** Whether the command has begun: what is typed before would be echoed into the greeting. */
  get hasBegun(): boolean {
    return this.#after === "text";
  }

  /** What of these bytes the terminal shows. */
  take(bytes: Uint8Array): Uint8Array {
    const shown = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) {
      if (this.#state === "option") this.#state = this.#after;
      else if (this.#state === "command") {
        this.#state = byte >= FIRST_WITH_OPTION && byte < IAC ? "option" : this.#after;
        if (byte === IAC && this.#after === "text") shown[length++] = IAC;
      } else if (byte === IAC) this.#state = "command";
      else if (this.#state === "text") shown[length++] = byte;
      else if (byte === TERMINAL_BEGIN) {
        this.#after = "text";
        this.#state = "text";
      }
    }
    return shown.subarray(0, length);
  }
}

/** What is typed, in the form that telnetd reads. */
export function typedBytes(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(IAC)) return bytes;
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])));
}

/** Sets the terminal's size. telnetd does not take bytes of 255 for anything else within it. */
export function sizeBytes({ columns, rows }: TerminalSize): Uint8Array {
  const [width, height] = [columns, rows].map((each) => Math.min(Math.max(Math.trunc(each), 0), LARGEST_SIZE)) as [
    number,
    number,
  ];
  const numbers = [width >> 8, width & 255, height >> 8, height & 255];
  return Uint8Array.from([IAC, SUBNEGOTIATION, WINDOW_SIZE, ...numbers, IAC, SUBNEGOTIATION_END]);
}

/** How large a terminal is. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const LONGEST_SIZE_TEXT = 1024;

/** Reads the sizes that a client sends on the stream `resize`: JSON objects with `Width` and `Height`. */
export class TerminalSizes {
  #text = "";

  /** The sizes that are whole with this; what is none is skipped. */
  take(bytes: Uint8Array): TerminalSize[] {
    this.#text += new TextDecoder().decode(bytes);
    const sizes: TerminalSize[] = [];
    for (let end = this.#text.indexOf("}"); end >= 0; end = this.#text.indexOf("}")) {
      const size = sizeOf(this.#text.slice(0, end + 1));
      this.#text = this.#text.slice(end + 1);
      if (size) sizes.push(size);
    }
    this.#text = this.#text.slice(-LONGEST_SIZE_TEXT);
    return sizes;
  }
}

function sizeOf(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { readonly Width?: unknown; readonly Height?: unknown };
    return typeof Width === "number" && typeof Height === "number" ? { columns: Width, rows: Height } : undefined;
  } catch {
    return undefined;
  }
}
