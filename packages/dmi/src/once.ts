/** In the metadata of a desired value: the value may be written once, whatever becomes of it. KubeEdge does not know it. */
export const EFFECT_METADATA = "effect";
export const AT_MOST_ONCE = "at-most-once";
