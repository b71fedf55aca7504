import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { isBinaryQuantity, isQuantity, nanoToQuantity, quantityToNano } from "@skerry/kube";

const TYPE = "kubernetes.Quantity";
const NANO = 1_000_000_000n;

/** An amount such as `100m` or `64Mi`. */
class CelQuantity {
  readonly nano: bigint;
  readonly #isBinary: boolean;

  constructor(nano: bigint, isBinary: boolean) {
    this.nano = nano;
    this.#isBinary = isBinary;
  }

  plus(nano: bigint): CelQuantity {
    return new CelQuantity(this.nano + nano, this.#isBinary);
  }

  toString(): string {
    return nanoToQuantity(this.nano, this.#isBinary);
  }
}

/** `quantity` and `isQuantity` with their methods. */
export function registerQuantityFunctions(environment: Environment): void {
  environment
    .registerType(TYPE, CelQuantity)
    .registerFunction("isQuantity(string): bool", isQuantity)
    .registerFunction(`quantity(string): ${TYPE}`, (text: string) => {
      if (!isQuantity(text))
        throw new EvaluationError(
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        );
      return new CelQuantity(quantityToNano(text), isBinaryQuantity(text));
    })
    .registerFunction(
      `${TYPE}.isGreaterThan(${TYPE}): bool`,
      (one: CelQuantity, other: CelQuantity) => one.nano > other.nano,
    )
    .registerFunction(
      `${TYPE}.isLessThan(${TYPE}): bool`,
      (one: CelQuantity, other: CelQuantity) => one.nano < other.nano,
    )
    .registerFunction(`${TYPE}.compareTo(${TYPE}): int`, (one: CelQuantity, other: CelQuantity) =>
      signOf(one.nano - other.nano),
    )
    .registerFunction(`${TYPE}.sign(): int`, ({ nano }: CelQuantity) => signOf(nano))
    .registerFunction(`${TYPE}.isInteger(): bool`, ({ nano }: CelQuantity) => nano % NANO === 0n)
    .registerFunction(`${TYPE}.asInteger(): int`, ({ nano }: CelQuantity) => {
      if (nano % NANO !== 0n) throw new EvaluationError("cannot convert value to integer");
      return nano / NANO;
    })
    .registerFunction(`${TYPE}.asApproximateFloat(): double`, ({ nano }: CelQuantity) => Number(nano) / Number(NANO))
    .registerFunction(`${TYPE}.add(${TYPE}): ${TYPE}`, (one: CelQuantity, other: CelQuantity) => one.plus(other.nano))
    .registerFunction(`${TYPE}.add(int): ${TYPE}`, (one: CelQuantity, other: bigint) => one.plus(other * NANO))
    .registerFunction(`${TYPE}.sub(${TYPE}): ${TYPE}`, (one: CelQuantity, other: CelQuantity) => one.plus(-other.nano))
    .registerFunction(`${TYPE}.sub(int): ${TYPE}`, (one: CelQuantity, other: bigint) => one.plus(-other * NANO))
    .registerOperator(`${TYPE} == ${TYPE}`, (one: CelQuantity, other: CelQuantity) => one.nano === other.nano);
}

function signOf(value: bigint): bigint {
  return value > 0n ? 1n : value < 0n ? -1n : 0n;
}
