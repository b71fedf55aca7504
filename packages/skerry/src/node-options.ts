/** How Node.js runs a part: its options and its environment. */
export interface NodeOptions {
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * For what runs beside the apps of an edge node: memory counts more than speed. Measured on EdgeCore with 20 pods and
 * 100 devices, together 47 MB less:
 * - `--lite-mode`: no compilers to machine code, nothing kept for them, old bytecode dropped. EdgeCore waits most of the
 *   time; what it computes itself takes 1.7 times as long. There is no WebAssembly then.
 * - `--no-node-snapshot`: what Node.js starts from otherwise stays in memory, 3.7 MB; the start takes 90 ms of CPU more.
 * - `--max-semi-space-size=1`: young objects are collected after 1 MiB instead of 16.
 * - `--single-threaded-gc`: no memory for helpers.
 * - `--heap-growing-percent`: old garbage is collected when the heap has grown by so much since the last time.
 * - `--expose-gc`: EdgeCore collects what the start of pods has left.
 * - `MALLOC_*`: one arena for all threads, and freed memory goes back to the system: what was allocated by `mmap` (from
 *   16 KiB on) at once, the rest only from the heap's end, where something of a pod's start is left. From 8 KiB on 0.04 s of
 *   CPU more are needed for a start.
 */
export const smallNode: NodeOptions = {
  options: [
    "--lite-mode",
    "--no-node-snapshot",
    "--max-semi-space-size=1",
    "--single-threaded-gc",
    "--heap-growing-percent=20",
    "--expose-gc",
  ],
  environment: { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_MMAP_THRESHOLD_: "16384" },
};

/**
 * For an EdgeCore with thousands of values a second: what it computes itself takes 0.6 of the time that it takes with
 * {@link smallNode}, for about 40 MB more under load.
 */
export const busyNode: NodeOptions = { options: ["--max-semi-space-size=4"], environment: smallNode.environment };

/**
 * For the cloud side: full speed, but young objects and freed memory do not pile up. Node.js takes 64 KiB to read what
 * comes over a TLS connection, and keeps them as long as it is open. What is allocated by `mmap` costs only the pages that
 * were used, so that is done from 16 KiB on, whether or not the heap's end has room (`TOP_PAD_`): 19 kB less a connection.
 * `--heap-growing-percent`: old garbage is collected when the heap has grown by so much since the last time. The control
 * plane that is written to 100 times a second then has 150 MB instead of 230, for a tenth more of the processor's time;
 * `--memory-saver-mode` has 130, for a quarter more.
 */
export const serverNode: NodeOptions = {
  options: ["--max-semi-space-size=4", "--heap-growing-percent=25"],
  environment: {
    MALLOC_ARENA_MAX: "2",
    MALLOC_TRIM_THRESHOLD_: "131072",
    MALLOC_MMAP_THRESHOLD_: "16384",
    MALLOC_TOP_PAD_: "0",
  },
};
