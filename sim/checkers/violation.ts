/** An invariant that did not hold. */
export interface Violation {
  /** `I1` … `I13`, as in docs/architecture.md, "Invariants". */
  readonly invariant: string;
  readonly message: string;
}
