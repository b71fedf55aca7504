/**
 * A WebAssembly program of WASI preview 1, byte by byte: it writes the content of `/v/file`, then its arguments, each with a
 * zero behind it, and ends with the exit code 7.
 */
export function wasiProgram(): Uint8Array {
  const [i32, i64] = [0x7f, 0x7e];
  const types = [
    [[i32, i32, i32, i32], [i32]],
    [[i32], []],
    [[i32, i32], [i32]],
    [[i32, i32, i32, i32, i32, i64, i64, i32, i32], [i32]],
    [[], []],
  ] as const;
  const imports: readonly (readonly [name: string, type: number])[] = [
    ["fd_write", 0],
    ["fd_read", 0],
    ["proc_exit", 1],
    ["args_sizes_get", 2],
    ["args_get", 2],
    ["path_open", 3],
  ];
  const call = (name: string, ...operands: readonly number[][]): number[] => {
    const at = imports.findIndex(([each]) => each === name);
    return [...operands.flat(), 0x10, at, ...(name === "proc_exit" ? [] : [0x1a])];
  };
  const number = (value: number): number[] => [0x41, ...signed(value)];
  const stored = (at: number): number[] => [...number(at), 0x28, 2, 0];
  const store = (at: number, value: readonly number[]): number[] => [...number(at), ...value, 0x36, 2, 0];
  /** Where things are in memory: a buffer's description, results, the file's path, texts. */
  const [vector, result, opened, path, list, text] = [0, 16, 20, 32, 1024, 4096] as const;
  const body = [
    // The first folder that a program may open is file descriptor 3; the right to read is bit 1.
    ...call(
      "path_open",
      number(3),
      number(0),
      number(path),
      number(6),
      number(0),
      [0x42, 2],
      [0x42, 0],
      number(0),
      number(opened),
    ),
    ...store(vector, number(text)),
    ...store(vector + 4, number(1000)),
    ...call("fd_read", stored(opened), number(vector), number(1), number(result)),
    ...store(vector + 4, stored(result)),
    ...call("fd_write", number(1), number(vector), number(1), number(result)),
    ...call("args_sizes_get", number(result), number(vector + 4)),
    ...call("args_get", number(list), number(text)),
    ...call("fd_write", number(1), number(vector), number(1), number(result)),
    ...call("proc_exit", number(7)),
    0x0b,
  ];
  const vec = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
  const name = (value: string): number[] => [...unsigned(value.length), ...Buffer.from(value)];
  const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      vec(types.map(([from, to]) => [0x60, ...vec(from.map((each) => [each])), ...vec(to.map((each) => [each]))])),
    ),
    ...section(2, vec(imports.map(([each, type]) => [...name("wasi_snapshot_preview1"), ...name(each), 0, type]))),
    ...section(3, vec([[4]])),
    ...section(5, vec([[0, 1]])),
    ...section(
      7,
      vec([
        [...name("memory"), 2, 0],
        [...name("_start"), 0, imports.length],
      ]),
    ),
    ...section(10, vec([[...unsigned(body.length + 1), 0, ...body]])),
    ...section(11, vec([[0, ...number(path), 0x0b, ...name("v/file")]])),
  ]);
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
