/** An open log file; it stays readable when it is renamed. */
export interface LogFile extends AsyncDisposable {
  /** Tells files apart, whatever their names are now. */
  readonly id: string;
  sizeBytes(): Promise<number>;
  /** At most `limitBytes` from a position; empty at the end. */
  read(position: number, limitBytes: number): Promise<Uint8Array>;
}

/** The containers' log files. Paths are absolute. */
export interface LogFiles {
  /** Names in a folder; none when there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Undefined when there is no such file. */
  open(path: string): Promise<LogFile | undefined>;
  /** The {@link LogFile.id} of what is at the path now; undefined when nothing is. */
  idAt(path: string): Promise<string | undefined>;
}
