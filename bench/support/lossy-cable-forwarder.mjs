// Carries Ethernet frames between two macvtap devices, in both directions, after a delay, and drops a share of them:
// what `tc netem` does, for kernels that lack it. Arguments: DEVICE DEVICE DELAY_MS LOSS_SHARE.
import { openSync, read, writeSync } from "node:fs";

/** As netem's default: what is beyond waits nowhere. */
const LIMIT_FRAMES = 1_000;
const MAX_FRAME_BYTES = 66_000;

const [first = "", second = "", delayMs = "0", lossShare = "0"] = process.argv.slice(2);
const ends = [openSync(first, "r+"), openSync(second, "r+")];
const random = generator(1);
carry(ends[0], ends[1]);
carry(ends[1], ends[0]);
process.stdout.write("ready\n");

function carry(from, to) {
  const buffer = Buffer.alloc(MAX_FRAME_BYTES);
  const queue = [];
  const release = () => {
    while (queue.length > 0 && queue[0].dueMs <= performance.now()) writeSync(to, queue.shift().frame);
    if (queue.length > 0) setTimeout(release, Math.max(1, queue[0].dueMs - performance.now()));
  };
  const next = () => {
    read(from, buffer, 0, buffer.length, null, (error, size) => {
      if (error) throw error;
      if (random() >= Number(lossShare) && queue.length < LIMIT_FRAMES) {
        queue.push({ dueMs: performance.now() + Number(delayMs), frame: Buffer.from(buffer.subarray(0, size)) });
        if (queue.length === 1) setTimeout(release, Number(delayMs));
      }
      next();
    });
  };
  next();
}

/** A repeatable sequence of numbers in [0, 1) (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
