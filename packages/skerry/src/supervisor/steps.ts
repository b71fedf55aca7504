import type { Clock } from "@skerry/base";

/** What a start, a stop or the demo tells while it goes. */
export type StepEvent =
  | { readonly kind: "begun"; readonly title: string }
  | { readonly kind: "done"; readonly title: string; readonly tookMs: number; readonly detail?: string }
  | { readonly kind: "failed"; readonly title: string; readonly tookMs: number }
  | { readonly kind: "note"; readonly text: string };

export type StepListener = (event: StepEvent) => void;

/** Runs one step and tells its begin, its end and its time. `detail` of the result is shown behind it. */
export async function step<T>(
  clock: Clock,
  tell: StepListener,
  title: string,
  work: () => Promise<T>,
  detail: (value: T) => string | undefined = () => undefined,
): Promise<T> {
  const beganMs = clock.monotonicMs();
  tell({ kind: "begun", title });
  try {
    const value = await work();
    const text = detail(value);
    tell({
      kind: "done",
      title,
      tookMs: clock.monotonicMs() - beganMs,
      ...(text === undefined ? {} : { detail: text }),
    });
    return value;
  } catch (error) {
    tell({ kind: "failed", title, tookMs: clock.monotonicMs() - beganMs });
    throw error;
  }
}
