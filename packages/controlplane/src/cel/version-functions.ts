import { type Environment, EvaluationError } from "@marcbachmann/cel-js";

const TYPE = "kubernetes.Semver";
const VERSION =
  /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;
/** Longest text that is looked at as a version. */
const VERSION_LENGTH = 256;

/** A semantic version without its build metadata. */
class CelVersion {
  readonly numbers: readonly bigint[];
  readonly suffix: readonly string[];

  constructor(numbers: readonly bigint[], suffix: readonly string[]) {
    this.numbers = numbers;
    this.suffix = suffix;
  }
}

/** `semver` and `isSemver` with their methods. */
export function registerVersionFunctions(environment: Environment): void {
  const part = (index: number) => (version: CelVersion) => version.numbers[index] ?? 0n;
  environment
    .registerType(TYPE, CelVersion)
    .registerFunction("isSemver(string): bool", (text: string) => parseVersion(text) !== undefined)
    .registerFunction(`semver(string): ${TYPE}`, (text: string) => {
      const version = parseVersion(text);
      if (!version) throw new EvaluationError(`Invalid semantic version: ${text.slice(0, VERSION_LENGTH)}`);
      return version;
    })
    .registerFunction(`${TYPE}.major(): int`, part(0))
    .registerFunction(`${TYPE}.minor(): int`, part(1))
    .registerFunction(`${TYPE}.patch(): int`, part(2))
    .registerFunction(`${TYPE}.compareTo(${TYPE}): int`, (one: CelVersion, other: CelVersion) =>
      BigInt(compareVersions(one, other)),
    )
    .registerFunction(
      `${TYPE}.isGreaterThan(${TYPE}): bool`,
      (one: CelVersion, other: CelVersion) => compareVersions(one, other) > 0,
    )
    .registerFunction(
      `${TYPE}.isLessThan(${TYPE}): bool`,
      (one: CelVersion, other: CelVersion) => compareVersions(one, other) < 0,
    )
    .registerOperator(`${TYPE} == ${TYPE}`, (one: CelVersion, other: CelVersion) => compareVersions(one, other) === 0);
}

function parseVersion(text: string): CelVersion | undefined {
  const match = text.length > VERSION_LENGTH ? null : VERSION.exec(text);
  if (!match) return undefined;
  const [, major = "", minor = "", patch = "", suffix = ""] = match;
  return new CelVersion([major, minor, patch].map(BigInt), suffix === "" ? [] : suffix.split("."));
}

/** Precedence of semver.org, section 11. */
function compareVersions(one: CelVersion, other: CelVersion): number {
  for (const [index, number] of one.numbers.entries()) {
    const against = other.numbers[index] ?? 0n;
    if (number !== against) return number < against ? -1 : 1;
  }
  if (one.suffix.length === 0 || other.suffix.length === 0) return Math.sign(other.suffix.length - one.suffix.length);
  for (const [index, left] of one.suffix.entries()) {
    const right = other.suffix[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return (isNumber ? BigInt(left) < BigInt(right) : left < right) ? -1 : 1;
  }
  return one.suffix.length < other.suffix.length ? -1 : 0;
}
